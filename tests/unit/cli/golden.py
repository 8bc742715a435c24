"""Documents of fixed records, one of each kind and more where they differ: as a program, writes them to tests/golden."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import golden_registry
from golden_commands import MADE, said
from harness import ROOT
from samples import BEGAN, HOST, SESSION, STEP, USER, entry, incomplete, job, pipeline
from stepped import piped

from lineage import document, errors, wire
from lineage.annotations import Annotations, Subject
from lineage.dag import session_dag
from lineage.records import ACCESSES, Cell, Entry, Imported, Job, Resources, Session
from lineage.staleness import to_run_again
from lineage.steps import step_graph
from lineage.v1 import admin_pb2, lineage_pb2, observe_pb2, records_pb2
from lineage.whole import annotations_document, whole_document
from roarctl.freshness import Checked
from roarctl.render import documents as answers
from roarctl.render.outbox import Wish, outbox_document
from roarctl.render.status import status_document

PLACE = ROOT / "tests/golden"
_HEALTH = admin_pb2.HealthResponse(version="0.1.0", capturing=False, problems=["no BTF: see `roard check`"],
                                   started_at=BEGAN, running_jobs=1)
_TROUBLE = admin_pb2.Trouble(code="unavailable", message="no registry is running", hint="start it")
_OUTBOX = admin_pb2.OutboxResponse(
    forward="asked", registry="https://registry.example.org", forwarded=3, waiting=1, refused=1, waiting_since=BEGAN,
    trouble=_TROUBLE, next_try_at=BEGAN + 10**10, forwarded_at=BEGAN, jobs=[
        admin_pb2.OutboxJob(id=b"\x33" * 32, number=3, project=b"/p", scope="org:lab", state="refused", since=BEGAN, tries=1,
                            trouble=admin_pb2.Trouble(code="denied", message="not a member of lab", hint="ask its owner")),
        admin_pb2.OutboxJob(id=b"\x44" * 32, number=4, project=b"/p", scope="private", state="waiting", since=BEGAN, tries=2,
                            next_try_at=BEGAN + 10**10, trouble=_TROUBLE)]), Wish(True, "")
_NO_OUTBOX = admin_pb2.OutboxResponse(forward="never"), Wish(False, "")
_CONTEXT = {
    "git": {"root": "/p", "branch": "main", "commit": "c" * 40, "dirty": True, "remote": None, "diff": "--- a/train.py\n",
            "diff_truncated": False, "untracked": ["notes.txt"], "untracked_truncated": False,
            "submodules": {"lib": "d" * 40}, "error": "", "lfs": [{"path": "raw.bin", "oid": "e" * 64, "size": 7}]},
    "repositories": [{"root": "/p/lib", "branch": None, "commit": "d" * 40, "dirty": False, "remote": None, "diff": "",
                      "diff_truncated": False, "error": "", "submodule": True, "files": 3}],
    "python": {"implementation": "CPython", "version": "3.11.2", "executable": "/usr/bin/python3", "prefix": "/usr",
               "base_prefix": "/usr", "environment": {"kind": "conda", "tool": None, "manager": "pixi", "name": "default"}},
    "packages": [{"name": "numpy", "version": "2.4.6", "files": 310, "manager": "conda", "build": "py311", "channel": "main"},
                 {"name": "lme4", "version": "1.1", "files": 2, "manager": "R", "commit": "f" * 40},
                 {"name": "own", "version": "0.1", "files": 3, "manager": "pip", "editable": "/p/own"},
                 {"name": "peft", "version": "0.9", "files": 4, "manager": "pip", "url": "https://example.org/peft",
                  "vcs": "git", "commit": "f" * 40, "requested": "main"}],
    "system_packages": [{"name": "libc6", "version": "2.36", "files": 2, "manager": "dpkg", "architecture": "amd64"}],
    "environment": {"CUDA_VISIBLE_DEVICES": "0", "API_TOKEN": "[redacted]"},
    "hardware": {"cpu": "EPYC", "cores": 2, "cores_total": 64, "memory": 1 << 36, "nvidia_driver": "550.54",
                 "gpus": [{"vendor": "NVIDIA", "name": "A100", "address": "0000:01:00.0", "memory": None}],
                 "libcuda": "550.54", "cpu_limit": 1.5, "memory_limit": None},
    "network": [
        {"address": "192.0.2.1", "port": 443, "family": "inet", "protocol": "tcp", "direction": "connected",
         "name": "data.example.org", "steps": [0], "first_at": document.time_text(BEGAN)},
        {"address": "/run/x.sock", "port": None, "family": "unix", "protocol": "unix", "direction": "accepted", "name": None,
         "steps": [0], "first_at": document.time_text(BEGAN)}],
    "gpus": [{"path": "/dev/nvidia0", "vendor": "nvidia", "index": 0, "pci": "0000:01:00.0", "model": "A100", "steps": [0]}],
    "resources": {"wall_seconds": 192.5, "user_seconds": 180, "system_seconds": 1.5, "max_rss_bytes": 1 << 30, "cpu_ns": 5,
                  "page_faults": 1, "blocks_read": 2, "blocks_written": 3, "voluntary_switches": 4,
                  "involuntary_switches": 5, "processes": 1, "bytes_read": 6, "bytes_written": 7, "storage_bytes_read": 0,
                  "storage_bytes_written": 8},
    "stderr": {"text": "Traceback …\n", "written": 70000, "truncated": True, "lost": 0, "with_stdout": False},
    "container": {"runtime": "docker", "id": "f" * 64, "name": None, "image": None, "image_id": None, "kubernetes": False,
                  "dockerenv": True},
    "scheduler": {"name": "slurm", "SLURM_JOB_ID": "17", "SLURM_JOB_NAME": "train"},
    "seeds": [{"name": "--seed", "value": "1", "step": 0}, {"name": "PYTHONHASHSEED", "value": "0", "step": None}],
    "trackers": [{"tracker": "mlflow", "run": "a" * 32, "directory": "/p/mlruns/0/r", "experiment": "0"},
                 {"tracker": "tensorboard", "run": None, "directory": "/p/runs"},
                 {"tracker": "wandb", "run": "x1", "directory": "/p/wandb/offline-run", "offline": True}],
    "accelerator_libraries": {"cudart": "12.1.105"}, "again_of": "7" * 64, "reproduces": "8" * 64,
}


def documents() -> dict[str, dict[str, Any]]:
    """By the name of the golden file, without its ending."""
    return {name: make() for name, make in {**_MADE, **MADE, **golden_registry.MADE}.items()}


def _whole_job() -> Job:
    entries = [
        entry(), entry("input", b"/p/\xff.csv", None, hash_reason="changed while it was read", size=None),
        entry("input", b"/usr/lib/python3/dist-packages/numpy/x.py", role="package", package="numpy==2.4.6"),
        entry("output", b"/p/model.pt", b"\xbb" * 32, access=ACCESSES, device=2049, inode=7, history=(1, 2)),
        entry("output", b"/p/latest", None, hash_reason="a symbolic link", target=b"model-\xfe.pt", access=("create",)),
        entry("scratch", b"/p/tmp", None, hash_reason="gone"), entry("removed", b"/p/old", None, hash_reason="gone"),
        entry("device", b"/dev/nvidia0", None, hash_reason="a device", role="device"),
        entry("pipe", b"pipe:[71]", None, hash_reason="a pipe", size=None, history=(1, 0)),
    ]
    entries += [entry(path=b"/p/shards/%d.bin" % at) for at in range(12)]  # which people are shown as one
    used = Resources(cpu_ns=5 * 10**9, user_ns=4 * 10**9, system_ns=10**9, max_rss_bytes=None, bytes_read=6, bytes_written=7,
                     storage_bytes_read=None, storage_bytes_written=None, processes=2)
    steps = [replace(STEP, resources=used), replace(STEP, index=1, parent=0, cell=Cell(3, b"\xce" * 32, True))]
    return job(entries, _CONTEXT, steps, argv=(b"python", b"\xff"), kind="build",
               imported=Imported(1001, BEGAN, b"\xbd" * 32), **incomplete("an input changed"))


def _job() -> dict[str, Any]:
    own = said(Subject("job", b"\x01" * 16))
    return whole_document(_whole_job(), own, {1: said(Subject("step", b"\x01" * 16, 1))})


def _plain(one: Job) -> dict[str, Any]:
    """Nobody said anything of it."""
    return whole_document(one, Annotations(Subject("job", one.head.run)), {})


def _running() -> Job:
    return job(id=None, ended_at=None, exit_code=None, complete=False)


def _dag() -> list[tuple[Job, list[Entry]]]:
    made = entry("output", b"/p/clean.csv", b"\xbb" * 32)
    prep = [entry("input", b"/p/raw.csv", b"\xaa" * 32), made]
    train = [made._replace(kind="input", access=("read",)), entry("output", b"/p/model.pt", b"\xcc" * 32)]
    return [(job(prep, id=b"\x11" * 32, run=b"\x11" * 16, number=1), prep),
            (job(train, id=b"\x22" * 32, run=b"\x22" * 16, number=2, started_at=BEGAN + 10**12), train)]


def _status() -> dict[str, Any]:
    jobs = _dag()
    entries = {one.head.run: own for one, own in jobs}
    dag = session_dag([one.head for one, _ in jobs], lambda head: entries[head.run])
    again = to_run_again(dag, lambda artifact: {b"/p/raw.csv": "edited", b"/p/model.pt": "missing"}.get(artifact.path, "same"))
    outputs = [Checked(jobs[1][1][1], 2, "missing"), Checked(jobs[0][1][1], 1, "same")]
    heads = [_running().head, *(one.head for one, _ in reversed(jobs))]
    return status_document(b"/p", document.session_document(SESSION), heads, outputs, again, dag, 4, _HEALTH, _OUTBOX)


def _artifact() -> dict[str, Any]:
    whole = _whole_job()
    seen = [records_pb2.Sighting(job=wire.head_to(whole.head), entry=wire.entry_to(one)) for one in whole.entries]
    message = records_pb2.Artifact(hash=b"\xbb" * 32, size=1200, producers=[seen[3]], consumers=[seen[0]], truncated=True)
    annotations = annotations_document(said(Subject("artifact", b"\xbb" * 32)))
    return {**document.artifact_document(message), "changed": True, "annotations": annotations}


def _session() -> dict[str, Any]:
    annotations = annotations_document(said(Subject("session", SESSION.id)))
    return {**document.session_document(SESSION, [_running().head, job().head]), "annotations": annotations}


def _init() -> dict[str, Any]:
    empty = Session(b"\x02" * 32, USER, HOST, b"/p/\xff", BEGAN, b"\x02" * 32, 0)
    return {**document.session_document(empty), "capturing": False, "problems": ["no BTF"]}


def _log() -> dict[str, Any]:
    failed = job(id=b"\x44" * 32, run=b"\x44" * 16, number=2, exit_code=None, signal=9).head
    return document.log_document([_running().head, failed], {b"\x44" * 16: {"name": "train"}}, truncated=True)


def _lineage() -> dict[str, Any]:
    graph = pipeline()
    graph.truncated = "nodes"
    return {**document.graph_document(graph, {"kind": "artifact", "id": "69" * 32}, "up"), "changed": False}


def _dag_document() -> dict[str, Any]:
    graph = pipeline()
    graph.artifacts.add(path=b"/p/latest\xff", role="data", produced=True)  # what could not be hashed
    return document.dag_document(graph, SESSION)


def _steps() -> dict[str, Any]:
    whole = piped()
    return document.steps_document(whole.head, step_graph(whole, roles=None))


def _attach() -> observe_pb2.AttachResponse:
    return observe_pb2.AttachResponse(run=b"\x01" * 16, number=3, session=wire.session_to(SESSION), processes=4, others=1)


def _end() -> observe_pb2.FinishResponse:
    return observe_pb2.FinishResponse(final=True, job=wire.job_to(job()))


def _detach(end: observe_pb2.FinishResponse) -> dict[str, Any]:
    return answers.detach_document(observe_pb2.DetachResponse(run=b"\x01" * 16, number=3, end=end))


def _reset(answer: observe_pb2.ResetResponse) -> dict[str, Any]:
    return answers.reset_document(answer)


def _progress(one: Job, **counts: int) -> dict[str, Any]:
    message = observe_pb2.Progress(head=wire.head_to(one.head), files_read=5, files_written=2, steps=3, **counts)
    return document.progress_document(message)


_MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "job": _job,
    "job-running": lambda: _plain(_running()),
    "job-without-git": lambda: _plain(job(context={"git": {"root": "/p", "error": "git cannot be run"}})),
    "session": _session,
    "session-init": _init,
    "artifact": _artifact,
    "log": _log,
    "log-stopped": lambda: document.log_document([], {}, truncated=False, stopped="time", reached=BEGAN),
    "lineage": _lineage,
    "dag": _dag_document,
    "dag-empty": lambda: document.dag_document(lineage_pb2.Graph(), None),
    "steps": _steps,
    "step": lambda: document.step_page_document(_whole_job(), 0),
    "status": _status,
    "status-empty": lambda: status_document(b"/p", None, [], [], [], session_dag([], lambda _: ()), 0, _HEALTH, _NO_OUTBOX),
    "outbox": lambda: outbox_document(*_OUTBOX, 1),
    "outbox-none": lambda: outbox_document(*_NO_OUTBOX, None),
    "progress": lambda: _progress(_running(), processes=1, bytes_read=9, bytes_written=7),
    "progress-ended": lambda: _progress(job()),
    "attach": lambda: answers.attach_document(_attach(), None),
    "attach-waited": lambda: answers.attach_document(_attach(), _end()),
    "detach": lambda: _detach(_end()),
    "detach-pending": lambda: _detach(observe_pb2.FinishResponse(pending="contents are still being hashed")),
    "reset": lambda: _reset(observe_pb2.ResetResponse(ended=True, session=wire.session_to(SESSION))),
    "reset-nothing": lambda: _reset(observe_pb2.ResetResponse()),
    "error": lambda: {"error": errors.NotFoundError("no such job", "see `roar log`").document()},
    "error-ambiguous": lambda: {"error": errors.AmbiguousError("beef could mean several things", "give more digits",
                                                               ("job:beef1  python train.py",)).document()},
}


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    PLACE.mkdir(exist_ok=True)
    for old in PLACE.glob("*.json"):
        old.unlink()
    for name, made in documents().items():
        (PLACE / f"{name}.json").write_text(text(made))


if __name__ == "__main__":
    main()
