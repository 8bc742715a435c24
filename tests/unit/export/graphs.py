"""Lineages to export: an ordinary one, and one of everything that is odd."""

from __future__ import annotations

from dataclasses import replace

from recorder import ADA, HOST, PROJECT, digest

from lineage.export.model import ELSEWHERE, Lineage, build
from lineage.export.privacy import Privacy
from lineage.ids import reidentified
from lineage.records import Entry, EntryKind, Job, JobHead, Reason, Role, Step

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND
CONTEXT = {
    "git": {"commit": "c0ffee" * 6 + "c0ff", "branch": "main", "dirty": True, "remote": "git@example.org:ada/p.git",
            "root": "/home/ada/project"},
    "python": {"implementation": "CPython", "version": "3.11.2", "executable": "/home/ada/project/.venv/bin/python"},
    "packages": [{"name": "scikit_learn", "version": "1.9.1", "files": 40}, {"name": "numpy", "version": "2.4.6", "files": 7}],
    "environment": {"HOME": "/home/ada", "USER": "ada", "LANG": "C", "DATA": "/home/ada/project/data"},
    "network": [{"address": "10.0.0.7"}], "hardware": {"cores": 2}, "resources": {"wall_seconds": 1.5},
}


def entry(kind: EntryKind, path: str | bytes, content: str | None, role: Role = "data", **more: object) -> Entry:
    """Relative paths are of the project."""
    name = path if isinstance(path, bytes) else path.encode()
    name = name if name.startswith(b"/") else PROJECT + b"/" + name
    made = Entry(kind, name, None if content is None else digest(content), "" if content is not None else "it changed",
                 None if content is None else len(content), role, ("read",) if kind == "input" else ("create", "write"), (0,),
                 device=1, inode=2)
    return made._replace(**more)


def job(number: int, argv: str, *entries: Entry, context: dict | None = None, running: bool = False, **head: object) -> Job:
    began = BEGIN + number * 10 * SECOND
    words = tuple(argv.encode().split())
    step = Step(0, None, 100, words, b"/usr/bin/" + words[0], began, began + SECOND, 0, None)
    made = JobHead(None, number.to_bytes(16, "big"), b"s" * 32, number, ADA, HOST, words, PROJECT, PROJECT, began,
                   began + 5 * SECOND, 0, None, False, True, ())
    if running:
        return Job(replace(made, ended_at=None, exit_code=None), (), (), {})
    return reidentified(Job(replace(made, **head), (step,), entries, CONTEXT if context is None else context))


def pipeline() -> list[Job]:
    """raw.csv → (prepare) → clean.csv → (train) → model.pkl, model.json; the copy of a file is known by its content."""
    return [
        job(1, "python prepare.py", entry("input", "raw.csv", "raw"), entry("input", "prepare.py", "code", "source"),
            entry("output", "data/clean.csv", "clean")),
        job(2, "python train.py --epochs 3", entry("input", "data/clean.csv", "clean"),
            entry("input", "train.py", "train", "source"), entry("input", "conf.yaml", "conf", "config"),
            entry("input", "/usr/lib/libc.so", "libc", "system"), entry("output", "model.pkl", "model"),
            entry("output", "model.json", "card")),
    ]


def odd() -> list[Job]:
    """Names that are not UTF-8 or hold quotes, a job that still runs, one that failed and is incomplete, no git, links."""
    latin, quoted = b"donn\xe9es.csv", 'Übung "1"\n<é>.pkl'
    return [
        job(1, "python a.py", entry("output", latin, "latin"), entry("output", quoted, "quoted"), context={}),
        job(2, "cp x y", entry("input", latin, "latin"), entry("input", "/elsewhere/y z.bin", None),
            entry("output", "copy.csv", "latin"), entry("output", "latest", None, target=b"copy.csv", hash_reason=""),
            context={"git": None, "packages": None}),
        job(3, "false --password=hunter2 /home/ada/project/x", entry("input", "far.csv", "far"), entry("output", "lost", None),
            context={}, exit_code=1, complete=False, incomplete_reasons=(Reason("lost_accesses", "3 were lost", 3),)),
        job(4, "killed", context={}, exit_code=None, signal=9, interrupted=True),
        job(5, "sleep 1", running=True),
    ]


def maker_of(jobs: list[Job], elsewhere: frozenset[bytes] = frozenset()):
    """The latest job before that left the content."""
    def find(at: int, taken: Entry) -> int | None:
        if taken.hash in elsewhere:
            return ELSEWHERE
        makers = [index for index in range(at)
                  if taken.hash and any(each.hash == taken.hash for each in jobs[index].of_kind("output"))]
        return makers[-1] if makers else None
    return find


def lineage(jobs: list[Job], *, privacy: Privacy | None = None, about: str = "model", sha256: bool = True, truncated: str = "",
            all_roles: bool = False) -> Lineage:
    known = {each.hash: b"\x5a" + each.hash[1:] for one in jobs for each in one.entries if each.hash} if sha256 else {}
    return build("artifact", digest(about), PROJECT + b"/model.pkl", jobs, maker_of(jobs, frozenset({digest("far")})),
                 truncated=truncated, sha256=known, all_roles=all_roles, privacy=privacy)


ALL = {"pipeline": lambda **more: lineage(pipeline(), **more), "odd": lambda **more: lineage(odd(), about="latin", **more),
       "private": lambda **more: lineage(pipeline(), privacy=Privacy(anonymous=True), **more),
       "bare": lambda **more: lineage(odd(), about="latin", sha256=False, truncated="nodes", privacy=Privacy(
           frozenset({"argv", "packages", "env", "git", "paths"})), **more),
       "everything": lambda **more: lineage(pipeline(), all_roles=True, **more)}
