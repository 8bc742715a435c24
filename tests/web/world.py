"""What the tests' registry holds: a pipeline, a sweep of 200 jobs, one of 5,000 nodes, hostile names, a private ancestor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from blake3 import blake3

from lineage import bundle
from lineage.annotations import Item, Subject
from lineage.ids import content_id, encode_job, reidentified, session_id
from lineage.records import Entry, EntryKind, Host, Job, JobHead, Reason, Resources, Role, Step, User

BEGIN = 1_763_800_000 * 10**9  # November 2025
MINUTE = 60 * 10**9
PASSWORD = "correct horse battery staple"  # everybody's
COMMIT = "3f9c1d7e5a2b4c6d8e0f1a2b3c4d5e6f7a8b9c0d"
ADA, BOB = User(1000, "ada"), User(1001, "bob")
GPU, BOX = Host("gpu1", "6.18.44", "x86_64"), Host("box", "6.1.0", "x86_64")

Said = list[tuple[Subject, Sequence[Item]]]


def digest(content: str) -> bytes:
    return blake3(content.encode("utf-8", "surrogateescape")).digest()


def entry(kind: EntryKind, path: bytes, content: str | None, role: Role = "data", size: int | None = None, package: str = "",
          access: tuple[Any, ...] = ()) -> Entry:
    return Entry(kind, path, None if content is None else digest(content), "" if content is not None else "changed while read",
                 size if size is not None else len(content or ""), role,
                 access or (("read",) if kind == "input" else ("create", "write")), (0,), package)


@dataclass
class Recorded:
    """One session, job by job, as its machine recorded it."""

    project: bytes
    user: User = ADA
    host: Host = GPU
    begin: int = BEGIN
    step_time: int = 3 * MINUTE
    jobs: list[Job] = field(default_factory=list)
    said: Said = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id, self.record = session_id(self.user, self.host, self.project, self.begin, content_id(self.project)[:16])

    def run(self, command: str | Sequence[bytes], takes: Iterable[Entry] = (), makes: Iterable[Entry] = (), *,
            context: dict[str, Any] | None = None, steps: Sequence[Step] = (), **head: Any) -> Job:
        number = len(self.jobs) + 1
        start = self.begin + number * self.step_time
        argv = tuple(command.encode().split()) if isinstance(command, str) else tuple(command)
        entries = (*takes, *makes)
        own = Step(0, None, 4000 + number, argv, b"/usr/bin/python3", start, start + self.step_time // 2, 0, None)
        fields: dict[str, Any] = {
            "id": None, "run": content_id(self.id + bytes([number >> 8, number & 255]))[:16], "session": self.id,
            "number": number,
            "user": self.user, "host": self.host, "argv": argv, "cwd": self.project, "project": self.project,
            "started_at": start, "ended_at": start + self.step_time // 2, "exit_code": 0, "signal": None, "interrupted": False,
            "complete": True, "incomplete_reasons": (), **head}
        job = reidentified(Job(JobHead(**fields), tuple(steps) or (own,), entries, context or {}))
        self.jobs.append(job)
        return job

    def say(self, subject: Subject, what: Any, key: str, *values: str) -> None:
        item = Item(what, key, values, self.user, self.begin)
        for at, (known, items) in enumerate(self.said):
            if known == subject:
                self.said[at] = (subject, [*items, item])
                return
        self.said.append((subject, [item]))

    def raw(self) -> bundle.Raw:
        packed = []
        for job in self.jobs:
            _, record, chunks = encode_job(job)
            packed.append((record, chunks))
        return bundle.build("", "", [self.record], packed)


@dataclass
class World:
    """(account, space, session) that are registered; and what tests look for."""

    registered: list[tuple[str, str, Recorded]] = field(default_factory=list)
    model: bytes = b""
    model_job: Job = None  # type: ignore[assignment]
    pipeline: Recorded = None  # type: ignore[assignment]
    second: Recorded = None  # type: ignore[assignment]
    sweep: Recorded = None  # type: ignore[assignment]
    large: Recorded = None  # type: ignore[assignment]
    hostile: Recorded = None  # type: ignore[assignment]
    secret: Recorded = None  # type: ignore[assignment]
    open_job: Job = None  # type: ignore[assignment]
    hot: bytes = b""  # a content that many jobs took


def context(**more: Any) -> dict[str, Any]:
    return {
        "git": {"root": "/home/ada/pipeline", "branch": "main", "commit": COMMIT, "dirty": True,
                "remote": "git@github.com:ada/pipeline.git",
                "diff": "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n-lr = 0.1\n+lr = 0.05\n",
                "diff_truncated": False, "untracked": ["notes.txt"], "error": ""},
        "python": {"implementation": "CPython", "version": "3.11.2", "executable": "/home/ada/pipeline/.venv/bin/python",
                   "environment": {"kind": "venv"}},
        "packages": [{"name": name, "version": version, "files": 20, "manager": "pip"} for name, version in (
            ("numpy", "2.1.3"), ("pandas", "2.2.3"), ("pyarrow", "18.0.0"), ("scikit-learn", "1.5.2"), ("scipy", "1.14.1"))],
        "system_packages": [{"name": "libc6", "version": "2.36-9", "files": 12, "manager": "dpkg", "architecture": "amd64"}],
        "environment": {"CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "8", "PATH": "/usr/bin", "API_TOKEN": "[redacted]"},
        "hardware": {"cpu": "AMD EPYC 7763", "cores": 8, "memory": 68719476736,
                     "gpus": [{"vendor": "NVIDIA", "name": "A100 80GB"}]},
        "resources": {"wall_seconds": 92.4, "user_seconds": 301.2, "system_seconds": 4.1, "max_rss_bytes": 1610612736,
                      "bytes_read": 41_000_000, "bytes_written": 172_000, "processes": 9},
        "seeds": [{"name": "--seed", "value": "7", "step": 0}], **more}


def pipeline(lr: str = "0.05", user: User = ADA, begin: int = BEGIN, project: bytes = b"/home/ada/pipeline") -> Recorded:
    made = Recorded(project, user, GPU, begin)
    base = project + b"/"
    script = lambda name, text: entry("input", base + name, text, "source")  # noqa: E731
    library = [entry("input", b"/usr/lib/python3/numpy/%d.py" % at, f"numpy {at}", "package", 900, "numpy==2.1.3")
               for at in range(300)]
    csv = entry("output", base + b"data/measurements.csv", "measurements", size=5_100_000)
    made.run("python generate.py", [script(b"generate.py", "generate"), *library], [csv], context=context())
    train = entry("output", base + b"data/train.parquet", "train", size=3_200_000)
    test = entry("output", base + b"data/test.parquet", "test", size=800_000)
    made.run("python preprocess.py", [csv._replace(kind="input", access=("read",)), script(b"preprocess.py", "preprocess"),
                                      *library],
             [train, test], context=context())
    model = entry("output", base + b"model.pkl", f"model {lr}", size=171_204)
    shards = [entry("output", base + b"checkpoints/shard-%03d.bin" % at, f"shard {lr} {at}", size=4_000_000)
              for at in range(24)]
    steps = [
        Step(0, None, 4242, (b"python", b"train.py", b"--epochs", b"30"), b"/usr/bin/python3", made.begin, made.begin + MINUTE,
             0, None,
             Resources(301 * 10**9, 300 * 10**9, 10**9, 1 << 30, 41_000_000, 172_000, 0, 0, 9)),
        Step(1, 0, 4243, (b"nvidia-smi", b"-L"), b"/usr/bin/nvidia-smi", made.begin, made.begin + 10**9, 0, None)]
    made.run(f"python train.py --epochs 30 --lr={lr} --seed 7 optimizer.name=adam",
             [train._replace(kind="input", access=("read",)), script(b"train.py", f"train {lr}"), *library], [model, *shards],
             context=context(), steps=steps)
    made.run("python evaluate.py", [model._replace(kind="input", access=("read",)),
                                    test._replace(kind="input", access=("read",)),
                                    script(b"evaluate.py", "evaluate")],
             [entry("output", base + b"metrics.json", f"metrics {lr}", size=412),
              entry("output", base + b"plot.png", f"plot {lr}", size=31_000)],
             context=context(), complete=False, incomplete_reasons=(Reason("changed", "1 input changed while it was read", 1),))
    made.run("python publish.py --to s3", [model._replace(kind="input", access=("read",)), script(b"publish.py", "publish")],
             context=context(stderr={"text": "Traceback (most recent call last):\n  …\nPermissionError: denied\n"}),
             exit_code=1)
    return made


def sweep(count: int = 200) -> Recorded:
    made = Recorded(b"/home/ada/sweep", begin=BEGIN + 86400 * 10**9, step_time=MINUTE)
    data = entry("output", b"/home/ada/sweep/data.npz", "sweep data", size=90_000_000)
    made.run("python fetch.py", [entry("input", b"/home/ada/sweep/fetch.py", "fetch", "source")], [data], context=context())
    scores = []
    for at in range(count - 2):
        model = entry("output", b"/home/ada/sweep/runs/%03d/model.pt" % at, f"sweep model {at}", size=40_000_000)
        score = entry("output", b"/home/ada/sweep/runs/%03d/score.json" % at, f"score {at}", size=300)
        failed = at % 37 == 5
        made.run(f"python train.py --run {at} --lr={0.001 * (at + 1):.3f}",
                 [data._replace(kind="input", access=("read",)),
                  entry("input", b"/home/ada/sweep/train.py", "sweep train", "source")],
                 () if failed else (model, score), exit_code=1 if failed else 0)
        if not failed:
            scores.append(score._replace(kind="input", access=("read",)))
    made.run("python choose.py", scores, [entry("output", b"/home/ada/sweep/best.json", "best", size=120)])
    return made


def large(jobs: int = 1250) -> Recorded:
    """Four nodes a job: itself, two results, a source of its own."""
    made = Recorded(b"/home/ada/large", begin=BEGIN + 3 * 86400 * 10**9, step_time=10**9)
    base = b"/home/ada/large/"
    results: list[Entry] = []
    for at in range(jobs):
        takes = [one._replace(kind="input", access=("read",)) for one in (results[-1 - at % 17:][:1] + results[-3:-2])]
        own = [entry("output", base + b"%04d/%s" % (at, name), f"large {at} {name!r}", size=1000 + at)
               for name in (b"part", b"log")]
        made.run(f"python work.py --item {at}",
                 [*dict.fromkeys(takes), entry("input", base + b"cfg/c%04d.yaml" % at, f"config {at}", "source")], own,
                 exit_code=1 if at % 211 == 7 else 0)
        results.append(own[0])
    return made


HOSTILE_NAMES = (
    b"/srv/<script>alert(1)</script>.csv", b"/srv/\"onmouseover=alert(1) x=\".csv", "/srv/evil\u202egnp.exe".encode(),
    b"/srv/not-utf8-\xff\xfe.bin", b"/srv/new\nline\tand\x1b[31mred.txt", b"/srv/" + b"long" * 800 + b".txt",
    "/srv/日本語のファイル名.parquet".encode(), b"/srv/javascript:alert(1)", b"/srv/{{7*7}}.html")


def hostile() -> Recorded:
    made = Recorded(b"/srv/<b>project</b>", User(1000, "<i>eve</i>"), Host("ho\u202est<x>", "6.1", "x86_64"),
                    BEGIN + 2 * 86400 * 10**9)
    outputs = [entry("output", name, f"hostile {at}", size=10 + at) for at, name in enumerate(HOSTILE_NAMES)]
    git = {"root": "/srv", "branch": "<img src=x onerror=alert(1)>", "commit": "javascript:alert(1)", "dirty": True,
           "remote": "javascript://github.com/a/b%0aalert(1)", "diff": "</code></pre><script>alert(1)</script>"}
    made.run((b"python", b"</title><script>alert(1)</script>", b"--name=<img src=x onerror=alert(1)>", b"\xff\xfe",
              b"x" * 100_000),
             (), outputs, context={"git": git, "environment": {"SEED": "<script>alert(1)</script>"},
                                   "packages": [{"name": "<b>", "version": "'\"><script>", "editable": "javascript:alert(1)"}]},
             complete=False, incomplete_reasons=(Reason("lost", "<script>alert(1)</script>", 3),))
    made.run("cat everything", [one._replace(kind="input", access=("read",)) for one in outputs])
    made.say(Subject("artifact", outputs[0].hash or b""), "label", "name", "<script>alert(1)</script>")
    made.say(Subject("artifact", outputs[1].hash or b""), "note", "1", "<img src=x onerror=alert(1)>\nsecond line")
    return made


def secret() -> tuple[Recorded, Recorded]:
    """(private, public): what the public model was made of is private."""
    private = Recorded(b"/home/bob/patients", BOB, BOX, BEGIN - 86400 * 10**9)
    data = entry("output", b"/home/bob/patients/patients.parquet", "patients", size=7_000_000)
    private.run("python anonymise.py", [entry("input", b"/home/bob/patients/raw.csv", "raw patients", size=9_000_000)], [data])
    public = Recorded(b"/home/bob/release", BOB, BOX, BEGIN - 43200 * 10**9)
    public.run("python fit.py", [data._replace(kind="input", access=("read",)),
                                 entry("input", b"/home/bob/release/fit.py", "fit", "source")],
               [entry("output", b"/home/bob/release/model.onnx", "public model", size=2_000_000)], context=context())
    return private, public


def made_world() -> World:
    world = World(pipeline=pipeline(), second=pipeline("0.1", BOB, BEGIN + 4 * 86400 * 10**9, b"/home/bob/pipeline"),
                  sweep=sweep(),
                  large=large(), hostile=hostile())
    private, public = secret()
    world.secret = private
    world.open_job = public.jobs[0]
    world.model_job = world.pipeline.jobs[2]
    world.model = digest("model 0.05")
    world.hot = digest("sweep data")
    world.pipeline.say(Subject("artifact", world.model), "label", "name", "champion")
    world.pipeline.say(Subject("artifact", world.model), "tag", "license", "cc-by")
    world.pipeline.say(Subject("artifact", world.model), "note", "1", "Chosen for the release.\nSee the evaluation.")
    world.pipeline.say(Subject("job", world.model_job.head.id or b""), "label", "team", "vision")
    world.registered = [("bob", "user:bob", private), ("bob", "public", public), ("ada", "public", world.large),
                        ("ada", "public", world.sweep), ("eve", "public", world.hostile), ("bob", "public", world.second),
                        ("ada", "public", world.pipeline)]
    return world
