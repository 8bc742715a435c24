"""Jobs made up for comparisons, and who made what."""

from __future__ import annotations

from blake3 import blake3

from lineage.compare.subjects import job_subject
from lineage.records import Entry, Host, Job, JobHead, Reason, Step, User


def digest(content: str) -> bytes:
    return blake3(content.encode()).digest()


def entry(kind="input", path=b"/p/data.csv", digest=b"\xaa" * 32, **fields) -> Entry:
    values = {"hash_reason": "", "size": 1200, "role": "data", "access": ("read",), "steps": (0,), **fields}
    return Entry(kind=kind, path=path, hash=digest, **values)


class Project:
    """Jobs, numbered as they are made.  Files are given as "name=content": scripts by their ending, others are data."""

    def __init__(self, path: str = "/p", user: str = "ada") -> None:
        self.path = path
        self.user = user
        self.jobs: list[Job] = []

    def run(self, argv: str, inputs: str = "", outputs: str = "", missing: tuple[str, ...] = (), packages=(), more=(),
            running: bool = False, **context):
        """The job as a subject."""
        number = len(self.jobs) + 1
        run = blake3(f"{self.path} {number}".encode()).digest()
        found = [{"name": name, "version": version, "files": 1} for name, version in (one.split("==") for one in packages)]
        context = {"environment": {"LANG": "C"}, "git": None, **context, "packages": found}
        head = JobHead(
            id=None if running else run, run=run[:16], session=b"\x02" * 32, number=number, user=User(1000, self.user),
            host=Host("box", "6.18.0", "x86_64"), argv=tuple(word.encode() for word in argv.split()), cwd=self.path.encode(),
            project=self.path.encode(), started_at=number * 1000, ended_at=None if running else number * 1000 + 1,
            exit_code=0, signal=None, interrupted=False, complete=not missing,
            incomplete_reasons=tuple(Reason("lost", text) for text in missing))
        steps = (Step(0, None, 42, head.argv, b"/usr/bin/python", 1, 2, 0, None),)
        files = {"input": inputs, "output": outputs}
        entries = [self._entry(kind, text) for kind, texts in files.items() for text in texts.split()]
        job = Job(head, steps, (*entries, *more), context)
        self.jobs.append(job)
        return job_subject(job)

    def _entry(self, kind: str, text: str) -> Entry:
        name, _, content = text.partition("=")
        path = name if name.startswith("/") else f"{self.path}/{name}"
        return entry(kind, path.encode(), digest(content) if content else None, hash_reason="" if content else "it changed",
                     role="source" if name.endswith(".py") else "data")


class Makers:
    """The rule of provenance over made-up jobs: the latest earlier job of the same project, at that path first."""

    def __init__(self, *projects: Project) -> None:
        self._projects = projects

    def maker(self, job: Job, wanted: Entry) -> Job | None:
        jobs = next(project.jobs for project in self._projects if job in project.jobs)
        makers = [(one.path == wanted.path, earlier.head.number, earlier) for earlier in jobs[:job.head.number - 1]
                  for one in earlier.of_kind("output") if one.hash == wanted.hash and wanted.hash is not None]
        return max(makers, key=lambda row: row[:2])[2] if makers else None
