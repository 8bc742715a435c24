"""What `roar register` would send, or sent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roarctl.render.text import JOB_DIGITS, Palette, command_text, count_text, number_text, path_text, printable, size_text

if TYPE_CHECKING:
    from roarctl.references import Target
    from roarctl.registry.commits import Tag
    from roarctl.registry.packing import Pack
    from roarctl.registry.registering import Choices, Plan, Sent

_SOME = 12  # of a list, for people


def dry_lines(plan: Plan, base: bytes, where: str, scope: str, palette: Palette) -> list[str]:
    """All that one must see before it leaves; names in full only where there are few."""
    new, known = plan.new, len(plan.known or ())
    lines = [palette.bold(f"would send {count_text(new, 'job')} in {count_text(len(plan.packs), 'bundle')}, "
                          f"{size_text(plan.bytes)}, to {where}, {scope_text(scope)}")]
    if plan.known is None:
        lines.append(palette.dim("  (the registry was not asked what it has already)"))
    elif known:
        lines.append(f"  {count_text(known, 'job')} of the lineage are registered there already")
    if plan.closure.running:
        lines.append(palette.yellow(f"  ! {count_text(plan.closure.running, 'job')} still run, and would be left out"))
    leaving = plan.leaving
    for pack in plan.packs:
        lines.append(f"session {pack.session.hex()[:JOB_DIGITS]}  {size_text(pack.size)}")
        lines += [f"  {number_text(head)} {(head.id or b'').hex()[:JOB_DIGITS]}  {command_text(head.argv, 80)}"
                  for head in pack.heads[:_SOME]]
        if len(pack.heads) > _SOME:
            lines.append(palette.dim(f"  … and {len(pack.heads) - _SOME} more (--json)"))
    shown = leaving.shown_paths
    others = len(leaving.paths) - len(shown)
    lines += _listed("paths", [path_text(path, base) for path in shown], palette,
                     f"and {others} of packages and the system" if others else "")
    for name, values in (("users", leaving.users), ("hosts", leaving.hosts), ("contacted", leaving.contacted),
                         ("addresses", leaving.remotes), ("variables", leaving.environment)):
        lines += _listed(name, [printable(value) for value in sorted(values)], palette)
    lines += _listed("said", [printable(" ".join(filter(None, (item.what, item.key, *item.values))))
                              for one in leaving.said for item in one.items], palette)
    for count, what in ((leaving.diffs, "the text of uncommitted changes"), (leaving.stderr, "what they wrote as they failed")):
        if count:
            lines.append(f"{count_text(count, 'job')} with {what}")
    for refused in plan.refused:
        name = f"job {(refused.head.id or b'').hex()[:12]}"
        lines += [palette.red(f"! {name} holds what looks like a secret: {printable(one.where)}: {printable(one.shown)}")
                  for one in refused.suspects]
    lines.append("contents of files never leave: only their hashes, sizes and paths")
    return lines


def sent_lines(plan: Plan, sent: Sent, tags: Sequence[Tag], where: str, scope: str, signed_by: str,
               palette: Palette) -> list[str]:
    """One line on what was sent, then what is to be known of it."""
    words = [f"{count_text(sent.new, 'job')} registered, {scope_text(scope)}"]
    if not sent.new:
        but = "nothing new but what people say" if sent.bundles else "nothing new"
        words = [f"{but}: {'it is' if sent.known == 1 else f'all {sent.known} jobs are'} registered already"]
    elif sent.known:
        words.append(f"{sent.known} known before")
    if sent.bundles:
        words.append(count_text(len(sent.bundles), "bundle"))
    if signed_by:
        words.append(f"signed by {signed_by}")
    lines = ["roar: " + " · ".join(words)]
    lines += [palette.yellow(f"  ! {printable(problem)}") for problem in sent.problems]
    if plan.closure.running:
        lines.append(palette.yellow(f"  ! {count_text(plan.closure.running, 'job')} still run, and were left out"))
    made = [tag.name for tag in tags if tag.state == "made"]
    if made:
        lines.append(f"  tagged {', '.join(made[:4])}{', …' if len(made) > 4 else ''}")
    lines += [palette.yellow(f"  ! {tag.name} could not be made: {printable(tag.problem)}")
              for tag in tags if tag.state == "failed"]
    lines.append(f"  {printable(where)}")
    return lines


def scope_text(scope: str) -> str:
    return {"private": "for your eyes only", "public": "for everyone"}.get(scope, f"for {printable(scope.partition(':')[2])}")


def pack_document(pack: Pack, identity: bytes, size: int) -> dict[str, Any]:
    return {"id": identity.hex(), "session": pack.session.hex(), "bytes": size,
            "jobs": [(head.id or b"").hex() for head in pack.heads]}


def registered_document(url: str | None, choices: Choices, registrations: Sequence[dict[str, Any]], *,
                        dry_run: bool) -> dict[str, Any]:
    return {"schema": "roar.registered/1", "dry_run": dry_run, "registry": url, "scope": choices.scope,
            "show_hashes": choices.show_hashes, "signed_by": choices.signer.key if choices.signer is not None else None,
            "registrations": list(registrations)}


def registration_document(plan: Plan, packs: Sequence[dict[str, Any]], target: Target, url: str, sent: Sent | None,
                          tags: Sequence[Tag]) -> dict[str, Any]:
    """Of one reference. ``url``: of the registry, empty where none is known; ``sent`` None: of a dry run."""
    known = plan.known or frozenset()
    return {
        "kind": target.kind, "id": target.id.hex(), "url": page_url(url, target) if url else None,
        "jobs": [{"id": (head.id or b"").hex(), "number": head.number, "session": head.session.hex(),
                  "argv": [word.decode("utf-8", "replace") for word in head.argv], "known": head.id in known}
                 for head in plan.closure.heads],
        "running": plan.closure.running, "bundles": list(packs), "leaving": plan.leaving.document(),
        "suspects": [{"job": (one.head.id or b"").hex(), "where": suspect.where, "shown": suspect.shown}
                     for one in plan.refused for suspect in one.suspects],
        "new": plan.new if sent is None else sent.new, "known": len(known) if sent is None else sent.known,
        "receipts": (sent.receipts or None) if sent is not None else None,
        "problems": sent.problems if sent is not None else [], "tags": [tag_document(tag) for tag in tags],
    }


def page_url(url: str, target: Target) -> str:
    return f"{url}/{target.kind}/{target.id.hex()}"


def tag_document(tag: Tag) -> dict[str, Any]:
    return {"name": tag.name, "commit": tag.commit, "repository": os.fsdecode(tag.root), "state": tag.state,
            "remote": tag.remote or None, "problem": tag.problem or None}


def _listed(name: str, values: Sequence[str], palette: Palette, more: str = "") -> list[str]:
    if not values and not more:
        return []
    shown = list(values[:_SOME])
    rest = len(values) - len(shown)
    tail = [f"… and {rest} more (--json)"] if rest else []
    text = ", ".join([*shown, *tail, *([more] if more else [])])
    return [f"{palette.dim(f'{name:<10}')} {text}"]
