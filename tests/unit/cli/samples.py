"""Records to convert and to draw."""

from __future__ import annotations

from lineage.ids import counts_of
from lineage.records import Entry, Host, Job, JobHead, Reason, Session, Step, User
from lineage.v1 import lineage_pb2, records_pb2

BEGAN = 1_795_420_800_123_456_789  # 2026-11-23T08:00:00.123456789Z
USER = User(1000, "ada")
HOST = Host("box", "6.18.0", "x86_64")


def entry(kind="input", path=b"/p/data.csv", digest=b"\xaa" * 32, **fields) -> Entry:
    values = {"hash_reason": "", "size": 1200, "role": "data", "access": ("read",), "steps": (0,), **fields}
    return Entry(kind=kind, path=path, hash=digest, **values)


def job(entries=(), context=None, steps=(), **fields) -> Job:
    values = {
        "id": b"\x7f\x3a\x9c\x1d" * 8, "run": b"\x01" * 16, "session": b"\x02" * 32, "number": 3,
        "user": USER, "host": HOST, "argv": (b"python", b"train.py"), "cwd": b"/p", "project": b"/p",
        "started_at": BEGAN,
        "ended_at": BEGAN + 192_000_000_000, "exit_code": 0, "signal": None, "interrupted": False, "complete": True,
        "incomplete_reasons": (), "counts": counts_of(entries), **fields}
    return Job(JobHead(**values), tuple(steps), tuple(entries), context or {})


def incomplete(*messages: str) -> dict[str, object]:
    return {"complete": False, "incomplete_reasons": tuple(Reason("changed", message) for message in messages)}


SESSION = Session(id=b"\x02" * 32, user=USER, host=HOST, project=b"/p", started_at=BEGAN, head=b"\x05" * 32, jobs=3)
STEP = Step(0, None, 42, (b"python", b"train.py"), b"/usr/bin/python3", BEGAN, BEGAN + 5, 0, None)


def graph_head(number: int, *argv: str, code: int = 0) -> records_pb2.JobHead:
    return records_pb2.JobHead(
        id=bytes([number]) * 32, run=bytes([number]) * 16, number=number, argv=[argument.encode() for argument in argv],
        exit_code=code, complete=True, started_at=BEGAN + number, ended_at=BEGAN + 10 * number)


def pipeline() -> lineage_pb2.Graph:
    """prep → split → train → eval, with a failing ls in between and a copy of an intermediate file."""
    graph = lineage_pb2.Graph(jobs=[
        graph_head(1, "python", "prep.py"), graph_head(2, "python", "split.py"), graph_head(3, "python", "train.py"),
        graph_head(4, "ls", code=2), graph_head(5, "python", "eval.py"), graph_head(6, "cp", "clean.parquet", "copy")])
    for position, (name, role, produced) in enumerate((
            ("raw.csv", "data", False), ("clean.parquet", "data", True), ("train.parquet", "data", True),
            ("test.parquet", "data", True), ("model.pt", "data", True), ("report.html", "data", True),
            ("prep.py", "source", False))):
        graph.artifacts.add(hash=bytes([100 + position]) * 32, path=b"/p/" + name.encode(), size=10 ** position,
                            role=role, produced=produced)
    for reader, artifact, maker in ((0, 0, None), (0, 6, None), (1, 1, 0), (2, 2, 1), (4, 4, 2), (4, 3, 1),
                                    (4, 0, None), (5, 1, 0)):
        graph.edges.add(job=reader, artifact=artifact, maker=maker)
    for writer, artifact in ((0, 1), (1, 2), (1, 3), (2, 4), (4, 5), (5, 1)):
        graph.edges.add(job=writer, artifact=artifact, output=True)
    return graph
