"""Does a registry's log begin with all that it showed before?  Asked of the registry, by its proofs of consistency."""

from __future__ import annotations

import time
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lineage.errors import CorruptError, DeniedError, RoarError, UnavailableError
from lineage.merkle import verify_consistency
from lineage.text import count_text
from lineage.transparency import TreeHead
from lineage.wire_log import head_of
from roarctl.known_logs import KnownLog, KnownLogs
from roarctl.proving import Key, first_key, kept_heads, moment_text, trust
from roarctl.verifying import Check

if TYPE_CHECKING:
    from roarctl.client import Client

_MOST_HEADS = 100  # of receipts, that are compared with a log


def log_checks(client: Client, url: str, known: KnownLogs, key: Key | None = None) -> list[Check]:
    """Asks a registry for its newest head and for proofs that it begins with all that was seen before: so, and with receipts.
    What shows that it does not is kept."""
    from lineage.v1 import registry_pb2 as pb

    head, changes = head_of(client.call("Registry/GetTreeHead", pb.GetTreeHeadRequest(), pb.TreeHead))
    state = f"{head.origin}: {count_text(head.size, 'entry', 'entries')} at {moment_text(head.at)}"
    try:
        head.verify()
    except CorruptError as error:
        return [Check("log", "failed", error.message)]
    seen = known.of(head.origin)
    signed = trust(head, changes, known, key, remember=True, url=url)
    if signed.outcome == "failed":
        before = [seen.head.note()] if seen is not None and seen.head is not None else []
        file = known.accuse(head.origin, url, "it is signed by another key", *before, head.note())
        return [Check("log", "unknown", state), signed._replace(text=f"{signed.text}; what it showed is kept in {file}")]
    checks = [Check("log", "held", state), signed, *_replaced(head, url, known)]
    if seen is None or not seen.accepts(head, changes):  # it is the one that was given, or the first
        first = key.key if key is not None else first_key(head, changes)
        seen = KnownLog(head.origin, url, first, time.time_ns(), head=seen.head if seen is not None else None)
    earlier = {(one.size, one.root): one for one in kept_heads(head.origin) if seen.accepts(one, changes)}
    if seen.head is not None:
        earlier[seen.head.size, seen.head.root] = seen.head
    failed = []
    for one in sorted(earlier.values(), key=lambda each: each.size)[-_MOST_HEADS:]:
        problem = _rewritten(client, one, head)
        if problem is not None:
            file = known.accuse(head.origin, url, problem.text, one.note(), head.note(), proof=problem.proof)
            text = f"the registry rewrote its history: {problem.text}; both heads are kept in {file}"
            failed.append(Check("history", "failed", text))
    if not failed:
        known.keep(replace(seen, url=url, changes=tuple(changes), head=head))
    if failed:
        return [*checks, *failed]
    if not earlier:
        return [*checks, Check("history", "unknown", "nothing of it was seen before; the next look is compared with this one")]
    last = count_text(max(size for size, _ in earlier), "entry", "entries")
    looks = count_text(len(earlier), "earlier look")
    return [*checks, Check("history", "held", f"it has all that it had at {looks}, the last one of {last}")]


def _replaced(head: TreeHead, url: str, known: KnownLogs) -> list[Check]:
    """Does the address show another log than before?"""
    others = [one.head for one in known.at(url) if one.origin != head.origin and one.head is not None and one.head.size]
    if not others:
        return []
    before = max(others, key=lambda one: one.at)
    file = known.accuse(before.origin, url, "another log", before.note(), head.note())
    what = f"{before.origin} of {count_text(before.size, 'entry', 'entries')}"
    return [Check("history", "failed", f"{url} had the log {what}, and shows another one now; both heads are kept in {file}")]


class _Problem(NamedTuple):
    text: str
    proof: tuple[str, ...] = ()


def _rewritten(client: Client, first: TreeHead, second: TreeHead) -> _Problem | None:
    """None: the second tree begins with the first one."""
    from lineage.v1 import registry_pb2 as pb

    if second.size < first.size:
        return _Problem(f"the log had {count_text(first.size, 'entry', 'entries')} at {moment_text(first.at)}, and has "
                        f"{second.size} at {moment_text(second.at)}")
    path: tuple[bytes, ...] = ()
    if 0 < first.size < second.size:
        request = pb.ConsistencyRequest(first=first.size, second=second.size)
        try:
            path = tuple(client.call("Registry/GetConsistency", request, pb.ConsistencyProof).path)
        except (UnavailableError, DeniedError):
            raise  # it may do so later
        except RoarError as error:
            return _Problem(f"it shows no proof that its {second.size} entries begin with the {first.size} that it had "
                            f"({error.message})")
    try:
        verify_consistency(first.size, first.root, second.size, second.root, path)
    except CorruptError as error:
        return _Problem(error.message, tuple(b64encode(node).decode() for node in path))
    return None
