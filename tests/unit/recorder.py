"""Records jobs into a real store, for the tests of the store, the graph and the service."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from blake3 import blake3

from lineage.records import Entry, EntryKind, Host, Job, JobHead, Role, Step, User
from lineage.store import Visible
from roard.store import Store

ADA, BOB, ROOT = User(1000, "ada"), User(1001, "bob"), User(0, "root")
HOST = Host("box", "6.12.0", "x86_64")
PROJECT = b"/home/ada/project"


def everyone(_: int) -> bool:
    return True


def digest(content: str) -> bytes:
    return blake3(content.encode()).digest()


def newest(store: Store, visible: Visible, limit: int = 0) -> list[JobHead]:
    return list(islice(store.newest_heads(visible), limit or None))


def entry(kind: EntryKind, path: str, content: str | None, role: Role = "data") -> Entry:
    """``content`` None: it could not be hashed."""
    return Entry(kind=kind, path=path.encode(), hash=None if content is None else digest(content),
                 hash_reason="" if content is not None else "changed while it was read",
                 size=None if content is None else len(content), role=role,
                 access=("read",) if kind == "input" else ("create", "write"), steps=(0,))


def entries(inputs: Iterable[str] = (), outputs: Iterable[str] = ()) -> tuple[Entry, ...]:
    """Each as "path=content"."""
    pairs = [("input", text.split("=")) for text in inputs] + [("output", text.split("=")) for text in outputs]
    return tuple(entry(kind, path, content) for kind, (path, content) in pairs)


def begin(store: Store, user: User = ADA, project: bytes = PROJECT, argv: str = "python train.py",
          started_at: int = 1_000) -> JobHead:
    _, head = store.begin_job(user, HOST, project, os.urandom(16), tuple(os.fsencode(word) for word in argv.split()),
                              project, started_at)
    return head


def ended(head: JobHead, found: Iterable[Entry] = (), exit_code: int = 0, ended_at: int | None = None) -> Job:
    """The whole job that a running head becomes."""
    at = head.started_at + 50 if ended_at is None else ended_at
    step = Step(0, None, 4711, head.argv, b"/usr/bin/python", head.started_at, at, exit_code, None)
    return Job(head=replace(head, ended_at=at, exit_code=exit_code), steps=(step,),
               entries=tuple(found), context={"git": {"commit": "abc"}})


def record(store: Store, inputs: Iterable[str] = (), outputs: Iterable[str] = (), user: User = ADA,
           project: bytes = PROJECT, argv: str = "python train.py", more: Iterable[Entry] = ()) -> JobHead:
    """A job from its beginning to its stored end."""
    head = begin(store, user, project, argv)
    return store.finish_job(ended(head, (*entries(inputs, outputs), *more)))
