"""What a person's reference names: @, @3, @~2, the first digits of an id, or a path."""

from __future__ import annotations

import contextlib
import os
import re
from itertools import chain
from typing import NamedTuple

from lineage.annotations import NAME
from lineage.errors import AmbiguousError, InvalidError, NotFoundError
from lineage.records import JobHead
from lineage.service.view import RUN_SIZE, View

KINDS = ("job", "artifact", "session")
MAX_MATCHES = 1000  # ids with one prefix that are looked through, of each kind
MAX_CANDIDATES = 20
_NUMBERED = re.compile(r"@(?:(?P<number>[0-9]{1,18})|~(?P<back>[0-9]{1,18}))?")
_PREFIX = re.compile(r"(?:(?P<kind>job|artifact|session):)?(?P<digits>[0-9a-fA-F]{4,64})")
_NAME = re.compile(r"name:(?P<name>.+)", re.DOTALL)
_FORMS = "give @, @3, @~2, a path, name:…, or 4 or more hex digits of an id, such as job:1a2b"


class Named(NamedTuple):
    """``id`` is the run of a job that still runs.  ``changed``: the present content of the path is recorded nowhere,
    and this is the newest content seen there."""

    kind: str
    id: bytes
    path: bytes = b""
    changed: bool = False


def by_reference(view: View, reference: str, project: bytes) -> Named:
    """NotFoundError, AmbiguousError with what it could mean, InvalidError for what is no reference."""
    numbered = _NUMBERED.fullmatch(reference)
    if numbered:
        return _numbered(view, project, numbered["number"], int(numbered["back"] or 0))
    named = _NAME.fullmatch(reference)
    if named:
        return _by_name(view, project, named["name"])
    prefix = _PREFIX.fullmatch(reference)
    if prefix is None:
        raise InvalidError(f"{reference!r} is not a reference", _FORMS)
    return _by_prefix(view, prefix["kind"], prefix["digits"].lower())


def by_path(view: View, path: bytes, digest: bytes) -> Named:
    """The content that is there now if it is known, wherever it was seen; else the newest content seen there."""
    if digest:
        try:
            return Named("artifact", view.artifact(digest).hash, path)
        except NotFoundError:
            pass
    seen = view.store.seen_at(path, view.caller.may_see)
    if not seen:
        raise NotFoundError(f"no recorded job read or wrote {os.fsdecode(path)!r}",
                            "record the command that makes it with `roar run CMD`; paths are matched as they were seen")
    return Named("artifact", seen[0][0], path, changed=True)


def _numbered(view: View, project: bytes, number: str | None, back: int) -> Named:
    """By number, or counted back from the newest; jobs that run count."""
    session = view.session(b"", project)
    jobs = {head.number: head.run for head in view.running(session.id)}
    jobs.update(view.store.session_numbers(session.id))  # last: a job that ended meanwhile has its id
    if number is not None:
        if int(number) in jobs:
            return Named("job", jobs[int(number)])
        raise NotFoundError(f"this session has no job @{number}",
                            f"the newest is @{max(jobs)}" if jobs else "record a command with `roar run CMD`")
    if back < len(jobs):
        return Named("job", jobs[sorted(jobs, reverse=True)[back]])
    raise NotFoundError(f"this session has {len(jobs)} jobs", "`roar log` lists them" if jobs
                        else "record a command with `roar run CMD`")


def _by_name(view: View, project: bytes, name: str) -> Named:
    """What has the label ``name`` with this value: the newest such job of the project, else of all; an artifact or a
    session where no job has it."""
    jobs: list[JobHead] = []
    others: list[Named] = []
    for subject, space in view.store.labelled("label", NAME, name):
        if subject.kind == "job":
            with contextlib.suppress(NotFoundError):
                jobs.append(view.head(subject.id))
        elif subject.kind != "step" and view.caller.may_see(space) and _is_visible(view, subject.kind, subject.id):
            others.append(Named(subject.kind, subject.id))
    if jobs:
        newest = max(jobs, key=lambda head: (head.project == project, head.started_at))
        return Named("job", newest.id or newest.run)
    others = list(dict.fromkeys(others))
    if len(others) == 1:
        return others[0]
    if not others:
        raise NotFoundError(f"nothing has the name {name!r}", f"give one: roar label REF name={name}, or roar run --name …")
    raise _ambiguous(view, f"name:{name}", others)


def _by_prefix(view: View, kind: str | None, digits: str) -> Named:
    found = list(chain.from_iterable(_visible(view, one, digits) for one in ([kind] if kind else KINDS)))
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"nothing is known as {kind + ':' if kind else ''}{digits}",
                            "`roar log` lists the jobs; ids are matched from their first digit")
    raise _ambiguous(view, digits, found)


def _ambiguous(view: View, what: str, found: list[Named]) -> AmbiguousError:
    shown = found[:MAX_CANDIDATES]
    length = _distinct([named.id.hex() for named in shown])
    return AmbiguousError(
        f"{what} could mean {len(found)} things", "give more digits, or the kind: job:…, artifact:…, session:…",
        tuple(f"{named.kind}:{named.id.hex()[:length]}  {_description(view, named)}" for named in shown))


def _visible(view: View, kind: str, digits: str) -> list[Named]:
    matches = view.store.by_prefix(kind, digits, MAX_MATCHES)
    if kind == "job" and len(digits) == RUN_SIZE * 2 and not matches:
        finished = view.store.job_of_run(bytes.fromhex(digits))
        matches = [] if finished is None else [finished]
    return [Named(kind, identity) for identity in matches if _is_visible(view, kind, identity)]


def _is_visible(view: View, kind: str, identity: bytes) -> bool:
    try:
        if kind == "job":
            view.head(identity)
        elif kind == "artifact":
            view.artifact(identity)
        else:
            view.session(identity, b"")
    except NotFoundError:
        return False
    return True


def _distinct(names: list[str]) -> int:
    """How many digits tell all of them apart, 12 or more."""
    return next((length for length in range(12, 64) if len({name[:length] for name in names}) == len(names)), 64)


def _description(view: View, named: Named) -> str:
    """In a few words, for the list of candidates."""
    if named.kind == "job":
        return command(view.head(named.id))
    if named.kind == "session":
        session = view.session(named.id, b"")
        return f"{session.jobs} jobs in {os.fsdecode(session.project)}"
    seen = view.artifact(named.id)
    return next((os.fsdecode(sighting.entry.path) for sighting in view.all_sightings(seen)), "")


def command(head: JobHead) -> str:
    text = " ".join(os.fsdecode(argument) for argument in head.argv)
    origin = f"{head.host.name}:" if head.imported else ""
    return f"{origin}@{head.number} {text if len(text) <= 60 else text[:59] + '…'}"
