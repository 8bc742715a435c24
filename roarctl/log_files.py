"""Files about a log, checked offline: a proof of consistency that a registry gave, and what `roar verify` kept against one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lineage.errors import CorruptError, InvalidError, NotFoundError
from lineage.merkle import verify_consistency
from lineage.text import count_text
from lineage.transparency import KeyChange, TreeHead, parse_head, parse_key_change
from roarctl.known_logs import KnownLogs
from roarctl.proving import Key, kept_heads, moment_text, trust
from roarctl.verifying import Check, Outcome, Verdict

_MOST_BYTES = 1 << 20


def verify(path: Path, kind: str, known: KnownLogs, key: Key | None) -> Verdict:
    """``kind``: consistency or evidence (``verifying.kind_of``). CorruptError for a file that is not what it says it is."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise NotFoundError(f"{path} cannot be read: {error}", "give it as it was written") from error
    try:
        checks = _consistency(value, known, key) if kind == "consistency" else _evidence(value, known, key)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"{path} is not as it was written: {error}", "ask for it again") from error
    return Verdict(kind, tuple(checks))


def _consistency(value: dict[str, Any], known: KnownLogs, key: Key | None) -> list[Check]:
    """`glaas.consistency/1`, as /api/v1/log/consistency?first=N gives it: with a head that was seen here, it says something."""
    head, changes = _head(value["head"])
    first, second, nodes = value["first"], value["second"], tuple(bytes.fromhex(node) for node in value["path"])
    if type(first) is not int or second != head.size:
        raise InvalidError(f"the proof is of a tree of {second}, and the head in it of {head.size}",
                           "ask without second=, for one that ends at the newest head")
    signed = trust(head, changes, known, key, remember=False)
    outcome: Outcome = "held" if signed.outcome == "held" else "unknown"
    checks = [Check("log", outcome, f"{head.origin}: {_size(head)} at {moment_text(head.at)}"), signed]
    seen = known.of(head.origin)
    heads = [*kept_heads(head.origin), *([seen.head] if seen is not None and seen.head is not None else [])]
    earlier = {one.root: one for one in heads if one.size == first}
    if not earlier:
        return [*checks, Check("history", "unknown", f"no head of {first} entries was seen here that it could begin with")]
    for one in earlier.values():
        try:
            verify_consistency(first, one.root, second, head.root, nodes)
        except CorruptError as error:
            checks.append(Check("history", "failed", error.message))
        else:
            checks.append(Check("history", outcome, f"it begins with the {_size(one)} that were seen here, unchanged"))
    return checks


def _evidence(value: dict[str, Any], known: KnownLogs, key: Key | None) -> list[Check]:
    """`roar.log-evidence/1`: do two heads contradict each other, and did the log's key sign both?"""
    origin = str(value["origin"])
    seen = known.of(origin)
    keys = [key.key] if key is not None else [] if seen is None else [
        seen.first_key, *(change.key for change in seen.changes)]
    if not keys:
        return [Check("key", "unknown", f"{origin} is not known here; give its key with --log-key")]
    heads = [_signed(note, keys) for note in value["heads"]]
    if len(heads) != 2:
        return [Check("history", "unknown", f"it has {count_text(len(heads), 'head')}: nothing that contradicts another one")]
    first, second = heads
    if first is None or second is None:
        return [Check("key", "failed", f"not both heads are signed by the key of {origin}")]
    checks = [Check("key", "held", f"both heads are signed by the key of {origin}")]
    if first.size == second.size and first.root != second.root:
        return [*checks, Check("history", "held", f"they contradict each other: two trees of {_size(first)} that differ")]
    if first.size > second.size and first.at < second.at:
        return [*checks, Check("history", "held", f"they contradict each other: {_size(first)} at {moment_text(first.at)}, "
                                                  f"{second.size} at {moment_text(second.at)}")]
    return [*checks, Check("history", "unknown", "they alone do not contradict each other; ask the registry to show that its "
                                                 f"{second.size} entries begin with these {first.size}")]


def _head(value: dict[str, Any]) -> tuple[TreeHead, list[KeyChange]]:
    return parse_head(value["note"], bytes.fromhex(value["key"])), [parse_key_change(note) for note in value["changes"]]


def _signed(note: str, keys: list[bytes]) -> TreeHead | None:
    for key in keys:
        try:
            return parse_head(note, key)
        except CorruptError:
            continue
    return None


def _size(head: TreeHead) -> str:
    return count_text(head.size, "entry", "entries")
