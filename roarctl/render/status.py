"""The state of a project's session for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from lineage.dag import Dag
from lineage.document import entry_document, head_document, time_text
from lineage.records import JobHead, Session
from lineage.staleness import Again, Cause
from lineage.v1 import admin_pb2
from roarctl.freshness import Checked
from roarctl.render.jobs import short_id
from roarctl.render.outbox import Wish, forwarding_document
from roarctl.render.outbox import status_lines as outbox_lines
from roarctl.render.summary import outcome
from roarctl.render.text import JOB_DIGITS, Palette, command_text, count_text, hash_text, path_text, printable, table

Forwarding: TypeAlias = tuple[admin_pb2.OutboxResponse, Wish]
_WORDS = {"same": "as recorded", "edited": "edited since", "missing": "gone", "unchecked": "not checked, same size"}

_MOST_AGAIN = 30
_MOST_CAUSES = 3


def status_document(project: bytes, session: Mapping[str, Any] | None, jobs: Sequence[JobHead], outputs: Sequence[Checked],
                    again: Sequence[Again], dag: Dag, left_out: int, health: admin_pb2.HealthResponse,
                    forwarding: Forwarding) -> dict[str, Any]:
    """``again``: {job (its number), id, causes: [{code, path, job}], lost: [path]}, in the order in which to run them;
    ``not_checked``: jobs that were not looked at."""
    return {
        "schema": "roar.status/1", "project": _readable(project),
        "session": session, "running": [head_document(head) for head in jobs if head.id is None],
        "last": head_document(jobs[0]) if jobs else None,
        "outputs": [{**entry_document(one.entry), "job": one.number, "state": one.state} for one in outputs],
        "again": [{
            "job": dag.jobs[one.job].number, "id": (dag.jobs[one.job].id or b"").hex(),
            "causes": [{"code": cause.code, "path": _readable(cause.path),
                        "job": None if cause.job is None else dag.jobs[cause.job].number} for cause in one.causes],
            "lost": [_readable(path) for path in one.lost],
        } for one in again],
        "not_checked": left_out,
        "daemon": {"version": health.version, "capturing": health.capturing, "problems": list(health.problems),
                   "started_at": time_text(health.started_at), "running_jobs": health.running_jobs},
        "forwarding": forwarding_document(*forwarding),
    }


def status_lines(project: bytes, session: Session | None, jobs: Sequence[JobHead], outputs: Sequence[Checked],
                 again: Sequence[Again], dag: Dag, left_out: int, health: admin_pb2.HealthResponse,
                 forwarding: Forwarding, *, palette: Palette) -> list[str]:
    lines = []
    if session is None:
        lines.append(f"{printable(project)}: no session yet")
    else:
        running = sum(head.id is None for head in jobs)
        lines.append(f"session {palette.bold(session.id.hex()[:JOB_DIGITS])} of {printable(project)}: "
                     + count_text(session.jobs, "job") + (f", {running} running" if running else ""))
    if jobs:
        last = jobs[0]
        command = command_text(last.argv, 60)
        lines.append(f"  last    @{last.number} {short_id(last)} {outcome(last, palette)}  {command}")
    colours = {"same": palette.green, "edited": palette.yellow, "missing": palette.red, "unchecked": palette.dim}
    rows = [[path_text(one.entry.path, project), hash_text(one.entry.hash), f"@{one.number}",
             colours[one.state](_WORDS[one.state])] for one in outputs]
    lines += ["  newest outputs", *(f"    {line}" for line in table(rows))] if rows else []
    rows = [[f"@{dag.jobs[one.job].number}", command_text(dag.jobs[one.job].argv, 40),
             palette.yellow(_causes(one, dag, project))] for one in again[:_MOST_AGAIN]]
    lines += ["  would have to run again", *(f"    {line}" for line in table(rows))] if rows else []
    if len(again) > _MOST_AGAIN:
        lines.append(f"    … and {len(again) - _MOST_AGAIN} more: roar status --json")
    if left_out:
        lines.append(palette.dim(f"  not looked at: {count_text(left_out, 'job')}, older or with very many files (--all)"))
    state = palette.green("recording is possible") if health.capturing else palette.red("cannot record")
    lines.append(f"  roard   {printable(health.version)}, {state}")
    lines += [palette.yellow(f"    ! {printable(problem)}") for problem in health.problems]
    lines += outbox_lines(*forwarding, project, palette)
    following = f"roar run @{dag.jobs[again[0].job].number}" if again else "roar dag" if jobs else "roar run CMD…"
    return [*lines, palette.dim(f"next: {following}")]


def _causes(one: Again, dag: Dag, project: bytes) -> str:
    def words(cause: Cause) -> str:
        name, job = path_text(cause.path, project), "" if cause.job is None else f"@{dag.jobs[cause.job].number}"
        return {"edited": f"{name} was edited", "remade": f"{name} was made anew by {job}", "upstream": f"after {job}",
                "gone": f"{name} is gone", "needed": f"{name} is gone, and {job} takes it"}[cause.code]

    said = list(dict.fromkeys(words(cause) for cause in one.causes))
    more = f" and {len(said) - _MOST_CAUSES} more" if len(said) > _MOST_CAUSES else ""
    lost = f"; cannot: {path_text(one.lost[0], project)} is gone, and nothing recorded made it" if one.lost else ""
    return ", ".join(said[:_MOST_CAUSES]) + more + lost


def _readable(path: bytes) -> str:
    return path.decode("utf-8", "replace")
