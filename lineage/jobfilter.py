"""Which jobs are meant: a filter over heads, the same for the log and for searches.  Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, cast

from lineage.errors import InvalidError
from lineage.records import JobHead
from lineage.v1 import lineage_pb2 as pb

Outcome: TypeAlias = Literal["", "ok", "failed"]
_OUTCOMES = ("", "ok", "failed")
_BY_SIGNAL = 128  # + the signal's number: what a shell says of a command that a signal ended
#: Jobs are looked through in the order in which they got their numbers, which is that of their beginnings as long as
#: nobody sets the clock back: by this much at most, in nanoseconds, it is reckoned with.
CLOCK_SLACK = 24 * 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What is set must hold, all of it; what is not set does not matter.

    ``since`` and ``until`` (nanoseconds since the epoch, 0: not set) are about when a job began: at ``since`` or later,
    before ``until``.  ``words`` are looked for in the command line, whatever their case.  ``host`` and ``user`` are
    patterns (``gpu*``), a user can be named by number too.  ``exit_code`` is the one that a shell would have seen: 128+N
    where signal N ended the job.  ``labels`` are ``key`` or ``key=value``; who knows the labels checks them.
    """

    since: int = 0
    until: int = 0
    words: tuple[str, ...] = ()
    outcome: Outcome = ""
    exit_code: int | None = None
    host: str = ""
    user: str = ""
    labels: tuple[str, ...] = ()
    incomplete: bool = False
    running: bool = False

    def __bool__(self) -> bool:
        return self != JobFilter()

    def matches(self, head: JobHead) -> bool:
        """All but the labels."""
        if head.started_at < self.since or (self.until and head.started_at >= self.until):
            return False
        if self.running and head.id is not None:
            return False
        if self.incomplete and (head.complete or head.id is None):
            return False
        if not self._has_outcome(head):
            return False
        if self.host and not fnmatchcase(head.host.name, self.host):
            return False
        if self.user and self.user != str(head.user.uid) and not fnmatchcase(head.user.name, self.user):
            return False
        return not self.words or has_words(command_line(head), self.words)

    def _has_outcome(self, head: JobHead) -> bool:
        if self.outcome == "ok" and head.exit_code != 0:
            return False
        if self.outcome == "failed" and not head.exit_code and head.signal is None:
            return False
        if self.exit_code is None:
            return True
        return self.exit_code == (head.exit_code if head.signal is None else _BY_SIGNAL + head.signal)


def outcome_of(name: str) -> Outcome:
    """InvalidError for what is none."""
    if name not in _OUTCOMES:
        raise InvalidError(f"there is no outcome {name!r}", "outcomes are ok and failed")
    return cast(Outcome, name)


def to_message(wanted: JobFilter) -> pb.JobFilter:
    return pb.JobFilter(
        since=wanted.since, until=wanted.until, words=wanted.words, outcome=wanted.outcome, exit_code=wanted.exit_code,
        host=wanted.host, user=wanted.user, labels=wanted.labels, incomplete=wanted.incomplete, running=wanted.running)


def from_message(message: pb.JobFilter) -> JobFilter:
    """InvalidError for an outcome that does not exist."""
    return JobFilter(
        since=message.since, until=message.until, words=tuple(message.words), outcome=outcome_of(message.outcome),
        exit_code=message.exit_code if message.HasField("exit_code") else None, host=message.host, user=message.user,
        labels=tuple(message.labels), incomplete=message.incomplete, running=message.running)


def command_line(head: JobHead) -> str:
    """As it could be typed."""
    return shlex.join(argument.decode("utf-8", "replace") for argument in head.argv)


def has_words(text: str, words: tuple[str, ...]) -> bool:
    """Each of them somewhere, whatever their case."""
    folded = text.casefold()
    return all(word.casefold() in folded for word in words)
