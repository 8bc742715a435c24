"""The state of a project's session for people and programs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lineage.document import entry_document, head_document, time_text
from lineage.records import JobHead, Session
from lineage.v1 import admin_pb2
from roarctl.freshness import Checked
from roarctl.render.jobs import short_id
from roarctl.render.summary import outcome
from roarctl.render.text import JOB_DIGITS, Palette, command_text, count_text, hash_text, path_text, printable, table

_WORDS = {"same": "as recorded", "edited": "edited since", "missing": "gone", "unchecked": "not checked, same size"}


def status_document(project: bytes, session: Mapping[str, Any] | None, jobs: Sequence[JobHead],
                    outputs: Sequence[Checked], health: admin_pb2.HealthResponse) -> dict[str, Any]:
    return {
        "schema": "roar.status/1", "project": os.fsdecode(project).encode("utf-8", "replace").decode(),
        "session": session, "running": [head_document(head) for head in jobs if head.id is None],
        "last": head_document(jobs[0]) if jobs else None,
        "outputs": [{**entry_document(one.entry), "job": one.number, "state": one.state} for one in outputs],
        "daemon": {"version": health.version, "capturing": health.capturing, "problems": list(health.problems),
                   "started_at": time_text(health.started_at), "running_jobs": health.running_jobs},
    }


def status_lines(project: bytes, session: Session | None, jobs: Sequence[JobHead], outputs: Sequence[Checked],
                 health: admin_pb2.HealthResponse, *, palette: Palette) -> list[str]:
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
    state = palette.green("recording is possible") if health.capturing else palette.red("cannot record")
    lines.append(f"  roard   {printable(health.version)}, {state}")
    lines += [palette.yellow(f"    ! {printable(problem)}") for problem in health.problems]
    return [*lines, palette.dim("next: " + ("roar dag" if jobs else "roar run CMD…"))]
