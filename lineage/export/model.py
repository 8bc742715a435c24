"""The lineage that is handed on: whole jobs, and files as versions, each made by at most one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from lineage.export.names import packages_uri_order
from lineage.export.privacy import Privacy
from lineage.records import SHOWN_ROLES, Entry, Job, Role

ELSEWHERE: Final = -1  # made by a job that is known and not in the export


@dataclass(frozen=True, slots=True)
class File:
    """Some content at a path: as the job ``maker`` (an index into the jobs) left it, or as it was found (None).

    ``hash`` None: nobody knows its content, and ``hash_reason`` says why. ``target``: it is a symbolic link.
    """

    path: bytes
    hash: bytes | None
    hash_reason: str
    size: int | None
    role: Role
    maker: int | None
    target: bytes | None = None


class Use(NamedTuple):
    """One entry of a job, and the file (an index) that it is of."""

    file: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Node:
    job: Job
    inputs: tuple[Use, ...]
    outputs: tuple[Use, ...]

    @property
    def context(self) -> Mapping[str, Any]:
        return self.job.context

    @property
    def packages(self) -> Sequence[Mapping[str, Any]]:
        return self.job.context.get("packages") or ()

    @property
    def git(self) -> Mapping[str, Any]:
        return self.job.context.get("git") or {}


@dataclass(frozen=True, slots=True)
class Lineage:
    """``about``: kind (job, artifact, session) and id of what was asked for. ``nodes``: the jobs, oldest first.
    ``truncated``: which limit left some of the lineage out, or "" where nothing is missing. ``sha256``: by BLAKE3, of the
    contents that were there to be read. ``agents``: whether users and machines are named."""

    kind: str
    id: bytes
    path: bytes
    nodes: tuple[Node, ...]
    files: tuple[File, ...]
    truncated: str = ""
    sha256: Mapping[bytes, bytes] = field(default_factory=dict)
    agents: bool = True

    def digests(self, file: File) -> dict[str, str]:
        """In hex, by algorithm; empty where the content is unknown."""
        if file.hash is None:
            return {}
        sha256 = self.sha256.get(file.hash)
        return ({"sha256": sha256.hex()} if sha256 else {}) | {"blake3": file.hash.hex()}

    def target_files(self) -> list[File]:
        """The artifact that was asked for, as often as it was made or found."""
        return [file for file in self.files if file.hash == self.id] if self.kind == "artifact" else []


#: Who made what a job (by its index) took: an index, ELSEWHERE, or None where nobody is known to have made it.
MakerOf = Callable[[int, Entry], int | None]


def build(kind: str, identity: bytes, path: bytes, jobs: Sequence[Job], maker_of: MakerOf, *, truncated: str = "",
          sha256: Mapping[bytes, bytes] | None = None, all_roles: bool = False, privacy: Privacy | None = None) -> Lineage:
    """``jobs`` oldest first. Files of packages, the system and the like only with ``all_roles``; packages are listed by
    name anyway. ``privacy`` changes what is shown of the jobs; who made what is found out before."""
    privacy = privacy or Privacy(relative=False, redact=False)
    files: list[File] = []
    made: list[dict[tuple[bytes | None, bytes], int]] = []
    shown = [privacy.applied(job) for job in jobs]
    outputs: list[tuple[Use, ...]] = []
    for at, job in enumerate(jobs):
        left: dict[tuple[bytes | None, bytes], int] = {}
        uses = []
        for entry, told in zip(job.entries, shown[at].entries, strict=True):
            if entry.kind == "output" and (all_roles or is_shown(entry, job)):
                left[entry.hash, entry.path] = len(files)
                uses.append(Use(len(files), told))
                files.append(_file(told, at))
        made.append(left)
        outputs.append(tuple(uses))
    found: dict[tuple[object, ...], int] = {}
    nodes = []
    for at, job in enumerate(jobs):
        uses = []
        for entry, told in zip(job.entries, shown[at].entries, strict=True):
            if entry.kind != "input" or not (all_roles or is_shown(entry, job)):
                continue
            maker = maker_of(at, entry)
            place = _made_by(made, maker, entry)
            if place is None:
                elsewhere = ELSEWHERE if maker is not None else None
                key = (entry.hash, entry.path, elsewhere) if entry.hash is not None else (at, entry.path)
                place = found.setdefault(key, len(files))
                if place == len(files):
                    files.append(_file(told, elsewhere))
            uses.append(Use(place, told))
        nodes.append(Node(shown[at], tuple(uses), outputs[at]))
    return Lineage(kind, identity, privacy.name(path), tuple(nodes), tuple(files), truncated, dict(sha256 or {}),
                   not privacy.anonymous)


def is_shown(entry: Entry, job: Job) -> bool:
    """Data and source, and the settings files of the project itself."""
    if entry.role in SHOWN_ROLES:
        return True
    inside = entry.path.startswith(job.head.project.rstrip(b"/") + b"/")
    return entry.role == "config" and inside and b".git/" not in entry.path


def packages_of(nodes: Iterable[Node]) -> list[tuple[str, Mapping[str, Any]]]:
    """(package URL, package) of all jobs, in order."""
    return packages_uri_order([package for node in nodes for package in node.packages])


def _made_by(made: Sequence[Mapping[tuple[bytes | None, bytes], int]], maker: int | None, entry: Entry) -> int | None:
    """The maker's output that has this content: at the same path, else at another."""
    if maker is None or maker == ELSEWHERE or entry.hash is None:
        return None
    left = made[maker]
    exact = left.get((entry.hash, entry.path))
    return exact if exact is not None else next((at for (digest, _), at in left.items() if digest == entry.hash), None)


def _file(entry: Entry, maker: int | None) -> File:
    return File(entry.path, entry.hash, entry.hash_reason, entry.size, entry.role, maker, entry.target)
