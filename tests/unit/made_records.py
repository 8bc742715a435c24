"""Jobs as a record has them, for plans."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blake3 import blake3

from lineage.ids import reidentified
from lineage.records import Entry, EntryKind, Host, Job, JobHead, Reason, Role, Step, User

ROOT = "/home/ada/work"
COMMIT = "a" * 40
PYTHON = {"implementation": "CPython", "version": "3.11.2", "executable": f"{ROOT}/.venv/bin/python", "prefix": f"{ROOT}/.venv",
          "base_prefix": "/usr"}


def digest(content: str) -> bytes:
    return blake3(content.encode()).digest()


def entry(kind: EntryKind, path: str, content: str | None, role: Role = "data", **more: Any) -> Entry:
    return Entry(kind, f"{ROOT}/{path}".encode() if not path.startswith("/") else path.encode(),
                 None if content is None else digest(content), "" if content is not None else "changed", len(content or ""),
                 role, ("read",) if kind == "input" else ("create", "write"), (0,), **more)


def job(number: int, command: str | list[str], takes: Iterable[tuple[str, str | None]] = (),
        makes: Iterable[tuple[str, str | None]] = (), *, more: Iterable[Entry] = (), cwd: str = ROOT, project: str = ROOT,
        git: dict[str, Any] | None = None, python: dict[str, str] | None = None, packages: Iterable[str] = (),
        environment: dict[str, str] | None = None, steps: Iterable[Step] = (), **head: Any) -> Job:
    """One that began at ``number`` and took half a unit of time."""
    entries = (*(entry("input", *one) for one in takes), *(entry("output", *one) for one in makes), *more)
    argv = tuple(word.encode() for word in (command.split() if isinstance(command, str) else command))
    fields = {"id": None, "run": bytes([number]) * 16, "session": b"s" * 32, "number": number, "user": User(1000, "ada"),
              "host": Host("box", "6.1", "x86_64"), "argv": argv, "cwd": cwd.encode(), "project": project.encode(),
              "started_at": number * 10, "ended_at": number * 10 + 5, "exit_code": 0, "signal": None, "interrupted": False,
              "complete": True, "incomplete_reasons": (), **head}
    context: dict[str, Any] = {
        "git": {"root": ROOT, "commit": COMMIT, "diff": "", "remote": None} if git is None else git,
        "environment": environment or {}, "packages": [dict(zip(("name", "version"), one.split("=="), strict=True))
                                                       for one in packages]}
    if python:
        context["python"] = python
    return reidentified(Job(JobHead(**fields), tuple(steps), tuple(entries), context))


INCOMPLETE = {"complete": False, "incomplete_reasons": (Reason("lost", "3 events were lost", 3),)}
