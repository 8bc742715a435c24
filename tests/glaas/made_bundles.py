"""Bundles as boxes send them, of jobs that were not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from blake3 import blake3

from lineage import bundle, ids
from lineage.records import Entry, Host, Job, JobHead, Role, User

ADA, BOB = User(1000, "ada"), User(1001, "bob")
HOST = Host("box", "6.1", "x86_64")
PROJECT = b"/home/ada/work"


def digest(content: str) -> bytes:
    return blake3(content.encode()).digest()


def entry(kind: str, text: str, role: Role = "data") -> Entry:
    """``text``: path=content; relative paths are in the project."""
    path, _, content = text.partition("=")
    name = path.encode() if path.startswith("/") else PROJECT + b"/" + path.encode()
    access = ("read",) if kind == "input" else ("create", "write")
    return Entry(kind, name, digest(content), "", len(content), role, access, (0,))


class Box:
    """One session of one user on one machine."""

    def __init__(self, user: User = ADA, host: Host = HOST, project: bytes = PROJECT, nonce: bytes = b"n" * 16) -> None:
        self.user, self.host, self.project, self.nonce = user, host, project, nonce
        self.session, self.record = ids.session_id(user, host, project, 5, nonce)
        self.count = 0

    def job(self, command: str, takes: Iterable[str] = (), makes: Iterable[str] = (), *, at: float | None = None,
            context: dict | None = None, more: Sequence[Entry] = (), **head: object) -> Job:
        """The next one: it begins at ``at`` (seconds) and takes one second."""
        self.count += 1
        began = int((self.count * 10 if at is None else at) * 10**9)
        made = JobHead(None, blake3(self.session + self.count.to_bytes(8, "big")).digest(length=16), self.session, self.count,
                       self.user, self.host, tuple(word.encode() for word in command.split()), self.project, self.project,
                       began, began + 10**9, 0, None, False, True, ())
        entries = (*(entry("input", one) for one in takes), *(entry("output", one) for one in makes), *more)
        return ids.reidentified(Job(replace(made, **head), (), entries, context or {"git": {"commit": "abc"}}))

    def bundle(self, *jobs: Job) -> bundle.Raw:
        return bundle.build(f"job:{jobs[-1].head.id.hex()}", "", [self.record], [ids.encode_job(each)[1:] for each in jobs])
