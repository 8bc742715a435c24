"""Jobs and sessions as lists show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glaas.web import words
from lineage.records import JobHead, Session
from lineage.text import program_text


@dataclass(frozen=True, slots=True)
class JobRow:
    """``said``: its labels, as short text."""

    id: str
    url: str
    short: str
    number: int
    command: str
    program: str
    user: str
    host: str
    project: str
    when: words.When | None
    took: str
    outcome: words.Outcome
    complete: bool
    outputs: int
    inputs: int
    kind: str
    session: str
    session_url: str
    said: tuple[str, ...] = ()


def job_row(head: JobHead, said: Mapping[bytes, tuple[str, ...]] | None = None) -> JobRow:
    identity = (head.id or head.run).hex()
    return JobRow(
        id=identity, url=f"/job/{identity}", short=identity[:10], number=head.number, command=words.command(head.argv),
        program=program_text(head.argv), user=words.line(head.user.name, 60), host=words.line(head.host.name, 60),
        project=words.path(head.project), when=words.when(head.started_at), took=words.took(head), outcome=words.outcome(head),
        complete=head.complete, outputs=head.counts.get("output/shown", 0), inputs=head.counts.get("input/shown", 0),
        kind=words.line(head.kind, 20), session=head.session.hex()[:10], session_url=f"/session/{head.session.hex()}",
        said=(said or {}).get(head.run, ()))


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: str
    url: str
    short: str
    project: str
    name: str
    user: str
    host: str
    when: words.When | None
    jobs: int
    newest: JobRow | None = None


def session_row(session: Session, newest: JobHead | None = None, jobs: int | None = None) -> SessionRow:
    identity = session.id.hex()
    return SessionRow(
        id=identity, url=f"/session/{identity}", short=identity[:10], project=words.path(session.project),
        name=words.name(session.project), user=words.line(session.user.name, 60), host=words.line(session.host.name, 60),
        when=words.when(newest.started_at if newest is not None else session.started_at),
        jobs=session.jobs if jobs is None else jobs, newest=job_row(newest) if newest is not None else None)
