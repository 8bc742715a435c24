"""What the client answers beside lineage.records: artifacts with who made and used them, lists of jobs, progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from lineage import wire
from lineage.records import Entry, JobHead
from lineage.v1 import lineage_pb2, observe_pb2, records_pb2

if TYPE_CHECKING:
    import pandas as pd

    from roarctl.references import Target


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where an artifact was seen: by which job, as what."""

    job: JobHead
    entry: Entry


@dataclass(frozen=True, slots=True)
class Artifact:
    """Some file content, and where it was seen, newest first. ``path``: where it was found if it was named by path, else
    the newest. ``changed``: the file's present content is recorded nowhere, and this is the newest that was seen at its
    path. ``truncated``: it was seen more often than was asked for."""

    hash: bytes
    size: int | None
    path: bytes
    changed: bool
    producers: tuple[Sighting, ...]
    consumers: tuple[Sighting, ...]
    truncated: bool

    @classmethod
    def of(cls, message: records_pb2.Artifact, target: Target) -> Artifact:
        producers, consumers = (tuple(Sighting(wire.head_from(one.job), wire.entry_from(one.entry)) for one in sightings)
                                for sightings in (message.producers, message.consumers))
        newest = next(iter((*producers, *consumers)), None)
        path = target.path or (newest.entry.path if newest else b"")
        return cls(message.hash, message.size if message.HasField("size") else None, path, target.changed, producers,
                   consumers, message.truncated)


@dataclass(frozen=True, slots=True)
class Log(Sequence[JobHead]):
    """Jobs, newest first; ``truncated``: there are more."""

    jobs: tuple[JobHead, ...]
    truncated: bool

    @classmethod
    def of(cls, message: lineage_pb2.LogResponse) -> Log:
        return cls(tuple(wire.head_from(head) for head in message.jobs), message.truncated)

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[JobHead]:
        return iter(self.jobs)

    @overload
    def __getitem__(self, index: int) -> JobHead: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[JobHead, ...]: ...
    def __getitem__(self, index: int | slice) -> JobHead | tuple[JobHead, ...]:
        return self.jobs[index]

    def to_pandas(self) -> pd.DataFrame:
        """A row a job, with the columns of ``Graph.to_pandas().jobs``. UnsupportedError without pandas."""
        from roarctl.client.frames import jobs_frame

        return jobs_frame(self.jobs)


@dataclass(frozen=True, slots=True)
class Progress:
    """A running job at one moment; or, when its ``job`` has an id, as it is stored: then the bytes are None.

    ``bytes_read`` and ``bytes_written``: by read and write calls of its living processes, and of their children that
    they waited for."""

    job: JobHead
    files_read: int
    files_written: int
    processes: int
    steps: int
    bytes_read: int | None
    bytes_written: int | None

    @classmethod
    def of(cls, message: observe_pb2.Progress) -> Progress:
        job = wire.head_from(message.head)
        sizes = (message.bytes_read, message.bytes_written) if job.id is None else (None, None)
        return cls(job, message.files_read, message.files_written, message.processes, message.steps, *sizes)
