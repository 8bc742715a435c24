"""Who did what, on what, from where, when, and whether it was allowed: rows that are only ever added.  No secret is in them.

An event is written in the transaction of what it tells of.  Days are the homes, so that a period is a few ranges; each
account's own events are found by an index.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from glaas.accounts.model import Actor
from glaas.accounts.names import is_name
from glaas.accounts.tables import AUDIT, AUDIT_OF, row
from glaas.store.keyed import Key, KeyedStore, Range, Reader, Writer
from lineage.ids import decode, encode

Action: TypeAlias = Literal[
    "sign-in", "sign-out", "password",
    "user.add", "user.disable", "user.enable", "user.delete", "user.operator", "user.link",
    "token.add", "token.revoke", "key.add", "key.remove", "device.approve", "device.deny",
    "org.add", "org.invite", "org.join", "org.role", "org.leave",
    "register", "scope", "forget", "admin"]
Outcome: TypeAlias = Literal["ok", "denied", "failed"]

_DAY = 86400 * 10**9
_DAYS_AT_ONCE = 64
_MAX_TEXT = 200
_MAX_DETAILS = 16


@dataclass(frozen=True, slots=True)
class Event:
    """``actor``: who acts (as they claim, where they were not let in).  ``subject``: what it is done to: an account, an
    organisation, a job.  ``details``: few, short, and never secret."""

    actor: Actor
    action: Action
    subject: str = ""
    outcome: Outcome = "ok"
    details: Mapping[str, str | int] = field(default_factory=dict)
    at: int = 0  # nanoseconds; 0: now


class Audit:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def append(self, events: Iterable[Event]) -> None:
        """In a transaction of their own."""
        rows = list(events)
        self._store.write(lambda writer: self.note(writer, *rows))

    def note(self, writer: Writer, *events: Event) -> None:
        """In the transaction of what they tell of."""
        for event in events:
            at = event.at or self._clock()
            moment = at.to_bytes(8, "big") + secrets.token_bytes(8)
            value = encode([at, _text(event.actor.account), _text(event.actor.address), event.action, _text(event.subject),
                            event.outcome, _short(event.details)])
            writer.add(AUDIT, [((_day(at), moment), value)])
            about = {name for name in (event.actor.account, event.subject) if is_name(name)}
            writer.add(AUDIT_OF, [(row(name, moment), b"") for name in about])

    def events(self, since: int = 0, account: str = "", limit: int = 100) -> list[Event]:
        """The newest first; of what an account did, and what was done to it, with ``account``.  ``limit`` 0: all."""
        with self._store.read() as reader:
            found = self._of(reader, account, since, limit) if account else self._all(reader, since, limit)
            return [_event(value) for value in found]

    def _all(self, reader: Reader, since: int, limit: int) -> Iterator[bytes]:
        oldest = next((int.from_bytes(home, "big") for (home, _), _ in reader.walk(AUDIT, batch=1)), None)
        if oldest is None:
            return
        day, left = self._clock() // _DAY + 1, limit  # clocks of replicas differ by less than a day
        first = max(oldest, since // _DAY)
        while day >= first:
            days = range(day, max(first, day - _DAYS_AT_ONCE + 1) - 1, -1)
            ranges = [Range(each.to_bytes(4, "big"), limit=left, reverse=True) for each in days]
            for rows in reader.scan(AUDIT, ranges):
                for moment, value in rows:
                    if int.from_bytes(moment[:8], "big") < since:
                        return
                    yield value
                    left -= 1
                    if not left:
                        return
            day = days[-1] - 1

    def _of(self, reader: Reader, account: str, since: int, limit: int) -> Iterator[bytes]:
        [rows] = reader.scan(AUDIT_OF, [Range(account.encode(), limit=limit, reverse=True)])
        moments = [rest for rest, _ in rows if int.from_bytes(rest[:8], "big") >= since]
        keys: list[Key] = [(_day(int.from_bytes(moment[:8], "big")), moment) for moment in moments]
        found = reader.get(AUDIT, keys)
        return (found[key] for key in keys if key in found)


def _day(at: int) -> bytes:
    return (at // _DAY).to_bytes(4, "big")


def _short(details: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: _text(value) if isinstance(value, str) else value for name, value in list(details.items())[:_MAX_DETAILS]}


def _text(text: str) -> str:
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode()


def _event(data: bytes) -> Event:
    at, account, address, action, subject, outcome, details = decode(data)
    return Event(Actor(account, address), action, subject, outcome, details, at)
