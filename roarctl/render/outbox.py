"""Which jobs go on to the registry by themselves, for people and programs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from lineage.document import time_text
from lineage.v1 import admin_pb2
from roarctl.render.text import JOB_DIGITS, Palette, count_text, duration_text, path_text, printable, table

_MOST_REASONS, _MOST_NAMES = 3, 3
_MOST_LISTED = 50
_SECOND = 1_000_000_000


class Wish(NamedTuple):
    """What this project says of it. ``registry``: the one that it means, empty if it names none."""

    asked: bool
    registry: str


def forwarding_document(answer: admin_pb2.OutboxResponse, wish: Wish) -> dict[str, Any]:
    return {
        "forward": answer.forward, "registry": answer.registry or None, "asked": wish.asked, "forwarded": answer.forwarded,
        "forwarded_at": _time(answer.forwarded_at), "waiting": answer.waiting, "waiting_since": _time(answer.waiting_since),
        "refused": answer.refused, "trouble": _trouble(answer),
        "next_try_at": _time(answer.next_try_at) if answer.HasField("trouble") else None,
        "jobs": [{"id": job.id.hex(), "number": job.number, "project": job.project.decode("utf-8", "replace"),
                  "scope": job.scope, "state": job.state, "since": _time(job.since), "tries": job.tries,
                  "next_try_at": _time(job.next_try_at), "trouble": _trouble(job)} for job in answer.jobs]}


def outbox_document(answer: admin_pb2.OutboxResponse, wish: Wish, retried: int | None) -> dict[str, Any]:
    """``retried``: how many refused jobs wait again; None: nobody asked."""
    return {"schema": "roar.outbox/1", **forwarding_document(answer, wish), "retried": retried}


def status_lines(answer: admin_pb2.OutboxResponse, wish: Wish, project: bytes, palette: Palette,
                 most: int = _MOST_REASONS) -> list[str]:
    """``most``: reasons for refusals. Nothing where there is nothing to know: neither does the machine forward, nor does the
    project ask for it."""
    lines = []
    if answer.forward != "never" or answer.waiting or answer.refused:
        lines.append(f"  forward {_counts(answer, palette)}")
    if wish.asked and answer.forward == "never":
        lines.append(palette.yellow("    ! .roar.toml asks for forwarding, and this machine's roard has no registry: "
                                    "its administrator sets it up (docs/forwarding.md)"))
    elif wish.asked and wish.registry and not _same(wish.registry, answer.registry):
        lines.append(palette.yellow(f"    ! .roar.toml means {printable(wish.registry)}, and this machine forwards to "
                                    f"{printable(answer.registry)}: not forwarded"))
    if answer.HasField("trouble") and answer.waiting:
        lines += _trouble_lines(answer.trouble, palette, _again(answer.next_try_at))
    reasons: dict[tuple[str, str], list[admin_pb2.OutboxJob]] = {}
    for job in answer.jobs:
        if job.state == "refused":
            reasons.setdefault((job.trouble.message, job.trouble.hint), []).append(job)
    left = answer.refused
    for jobs in list(reasons.values())[:most]:
        names = ", ".join(_name(job, project) for job in jobs[:_MOST_NAMES])
        more = f" and {len(jobs) - _MOST_NAMES} more" if len(jobs) > _MOST_NAMES else ""
        lines += _trouble_lines(jobs[0].trouble, palette, "", f"{names}{more} refused: ")
        left -= len(jobs)
    if left > 0:
        lines.append(palette.dim(f"    … and {left} more: roar outbox --json" if most > _MOST_REASONS else
                                 f"    … and {left} more: roar outbox"))
    return lines


def outbox_lines(answer: admin_pb2.OutboxResponse, wish: Wish, project: bytes, palette: Palette) -> list[str]:
    what = {"never": "this machine forwards no jobs to a registry",
            "asked": f"jobs of projects that ask for it go on to {printable(answer.registry)}",
            "all": f"all jobs of this machine go on to {printable(answer.registry)}"}[answer.forward or "never"]
    lines = [what + ("; this project asks" if wish.asked else "; this project does not ask (roar config registry.forward true)"
                     if answer.forward == "asked" else "")]
    rows = [[_name(job, project), job.id.hex()[:JOB_DIGITS], job.state, printable(job.scope),
             "" if not job.tries else count_text(job.tries, "try", "tries")] for job in answer.jobs[:_MOST_LISTED]]
    lines += [f"  {line}" for line in table(rows)]
    left = answer.waiting + answer.refused - len(rows)
    lines += [palette.dim(f"  … and {left} more: roar outbox --json")] if left else []
    lines += status_lines(answer, wish, project, palette, _MOST_LISTED)
    if answer.refused:
        lines.append(palette.dim("next: roar outbox --retry   when what they were refused for is mended"))
    return lines


def _counts(answer: admin_pb2.OutboxResponse, palette: Palette) -> str:
    parts = [f"{count_text(answer.forwarded, 'job')} sent to {printable(answer.registry) or 'the registry'}"]
    if answer.waiting:
        waits = duration_text(max(time.time_ns() - answer.waiting_since, 0) / _SECOND)
        parts.append(palette.yellow(f"{answer.waiting} waiting, for {waits}"))
    if answer.refused:
        parts.append(palette.red(f"{answer.refused} refused"))
    return ", ".join(parts)


def _trouble_lines(trouble: admin_pb2.Trouble, palette: Palette, more: str = "", start: str = "") -> list[str]:
    lines = [palette.yellow(f"    ! {start}{printable(trouble.message)}{more}")]
    if trouble.hint:
        lines.append(palette.dim(f"      {printable(trouble.hint)}"))
    return lines


def _again(at: int) -> str:
    left = (at - time.time_ns()) / _SECOND
    return f"; next try in {duration_text(left)}" if left >= 1 else ""


def _name(job: admin_pb2.OutboxJob, project: bytes) -> str:
    where = "" if job.project == project else f" of {path_text(job.project)}"
    return f"@{job.number}{where}"


def _trouble(of: admin_pb2.OutboxResponse | admin_pb2.OutboxJob) -> Mapping[str, str] | None:
    if not of.HasField("trouble"):
        return None
    return {"code": of.trouble.code, "message": of.trouble.message, "hint": of.trouble.hint}


def _time(at: int) -> str | None:
    return time_text(at) if at else None


def _same(one: str, other: str) -> bool:
    return one.rstrip("/").lower() == other.rstrip("/").lower()
