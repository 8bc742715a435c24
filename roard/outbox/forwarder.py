"""The thread that empties the outbox: it waits for jobs and for their time, has a child send them, and keeps what came of it.

It sleeps until there is something to do: a job that ended, a time to try again, the end.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lineage.errors import CorruptError, DeniedError, RoarError, UnavailableError
from roard.outbox import batches, token
from roard.outbox.batches import Batch
from roard.outbox.child import Child
from roard.outbox.pace import SECOND, pause
from roard.outbox.policy import Forwarding
from roard.store.outbox import FURTHEST, Pace, Row, Trouble
from roard.store.store import Store

_log = logging.getLogger("roard.forwarding")
_ANSWER_SECONDS = 900.0  # for one batch: a registry may be far away
_IDLE_SECONDS = 60.0  # after which the child is not kept
_LOOK_SECONDS = 2.0  # how often a token is looked at that was refused: who mends it shall not have to wait
_DEFECT_SECONDS = 60.0
_MOST_TEXT = 1000


class Forwarder:
    """Begins when it is made; ``close`` ends it, and its child."""

    def __init__(self, store: Store, policy: Forwarding) -> None:
        self._store = store
        self._policy = policy
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopped = threading.Event()
        self._child: Child | None = None
        self._mark: tuple[int, ...] | None = None  # of the token that the child has, or that was refused
        self._last_user = 0
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        store.outbox_changed = self.poke
        self._thread.start()

    def poke(self) -> None:
        """There may be something to do."""
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake, 1)

    @property
    def pid(self) -> int:
        """Of the child: 0 where there is none now."""
        child = self._child
        return child.pid if child is not None else 0

    def close(self) -> None:
        self._stopped.set()
        self.poke()
        self._thread.join()
        self._store.outbox_changed = lambda: None
        self._dismiss()
        os.close(self._wake)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        while not self._stopped.is_set():
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            try:
                seconds = self._step()
            except Exception:
                _log.exception("forwarding")
                seconds = _DEFECT_SECONDS
            if self._child is not None and (seconds is None or seconds > _IDLE_SECONDS):
                if poll.poll(_IDLE_SECONDS * 1000):
                    continue
                self._dismiss()
                continue
            if seconds != 0:
                poll.poll(None if seconds is None else seconds * 1000)

    def _step(self) -> float | None:
        """What can be done now; then how many seconds there is nothing to do, None: until something happens."""
        pace = self._store.outbox_pace()
        now = time.time_ns()
        if now < pace.next_try <= now + FURTHEST:
            if not self._mended(pace):
                left = (pace.next_try - now) / SECOND
                return min(left, _LOOK_SECONDS) if _is_held(pace) else left
            self._store.write_outbox_pace(replace(pace, failures=0, next_try=0))
        rows, soonest = self._store.outbox_due(now, self._last_user, batches.MOST_JOBS)
        if not rows:
            return max(soonest - now, 0) / SECOND + 0.01 if soonest else None
        self._last_user = rows[0].uid
        if not self._policy.allows(rows[0].scope):
            self._refuse(rows, DeniedError(
                f"this machine does not forward with scope {rows[0].scope}",
                "its administrator may allow it ([registry] scopes in roard's configuration), or change registry.scope in "
                ".roar.toml; `roar register` sends it as yourself"))
            return 0
        batch = batches.build(self._store, rows)
        if batch.refused:
            self._store.outbox_settle(now, (), batch.refused)
        if batch.rows:
            self._send(batch)
        return 0

    def _send(self, batch: Batch) -> None:
        try:
            child = self._ready()
        except UnavailableError as error:
            self._later(batch.rows, error)
            return
        except RoarError as error:
            self._hold(batch.rows, error)
            return
        try:
            child.send({"scope": batch.scope, "jobs": [row.job.hex() for row in batch.rows], "said": batch.said}, batch.data)
            answer = child.receive(_ANSWER_SECONDS, self._wake, self._stopped.is_set)
        except (UnavailableError, CorruptError) as error:
            self._dismiss()
            if not self._stopped.is_set():
                self._later(batch.rows, error, these=True, everyone=True)  # one bundle that it dies of shall not stop all
            return
        if answer is not None:
            self._settle(batch, answer)

    def _ready(self) -> Child:
        """The child, with the token as it is now."""
        if self._child is not None and token.mark_of(self._policy.token_file) == self._mark:
            return self._child
        self._dismiss()
        self._mark = token.mark_of(self._policy.token_file)
        secret = token.read(self._policy.token_file)
        self._mark = secret.mark
        self._child = Child(self._policy.account(), {
            "url": self._policy.url, "token": secret.text, "insecure": self._policy.insecure})
        return self._child

    def _dismiss(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def _settle(self, batch: Batch, answer: Mapping[str, Any]) -> None:
        """What the child says concerns the jobs that it was given, and nothing else; whatever it leaves out waits."""
        by_id = {row.job.hex(): row for row in batch.rows}
        try:
            sent = [(by_id.pop(one), bytes.fromhex(str(made))[:32]) for one, made in dict(answer.get("sent", {})).items()
                    if one in by_id]
            refused = [(by_id.pop(one), _trouble(why)) for one, why in dict(answer.get("refused", {})).items() if one in by_id]
            later = answer.get("later")
            why = _trouble(later.get("why", {})) if later is not None else None
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            self._dismiss()
            self._later(batch.rows, CorruptError(f"the forwarder said something odd: {error}"), these=True, everyone=True)
            return
        if sent or refused:
            self._store.outbox_settle(time.time_ns(), sent, refused)
        for row, why in refused:
            _log.warning("job %s is not forwarded: %s", row.job.hex()[:12], why.message)
        if sent:
            level = logging.WARNING if self._said else logging.INFO  # who read of trouble shall read that it is over
            _log.log(level, "forwarded to %s: %d job(s)", self._policy.url, len(sent))
            self._said = ""
        if refused and not sent and later is None:  # it answers: what there was of trouble is over
            self._store.write_outbox_pace(replace(self._store.outbox_pace(), failures=0, next_try=0, trouble=None))
        rest = list(by_id.values())
        if later is None or why is None:
            if rest:
                self._later(rest, UnavailableError("the registry did not say that it keeps them", "they are sent again"),
                            these=True, everyone=False)
            return
        if later.get("concerns") == "held":
            self._hold(rest, why.error())
        else:
            seconds = later.get("retry_after")
            these = later.get("concerns") == "these"
            self._later(rest, why.error(), these=these, everyone=not these,
                        asked=seconds if isinstance(seconds, int | float) and seconds >= 0 else 0)

    def _refuse(self, rows: Sequence[Row], error: RoarError) -> None:
        self._store.outbox_settle(time.time_ns(), (), [(row, Trouble.of(error)) for row in rows])
        _log.warning("%d job(s) of uid %d are not forwarded: %s", len(rows), rows[0].uid, error.message)

    def _later(self, rows: Sequence[Row], error: RoarError, *, these: bool = False, everyone: bool = True,
               asked: float = 0) -> None:
        """Whose fault it may be waits: ``these`` jobs, for longer each time; ``everyone``, since it is the registry's."""
        now, trouble = time.time_ns(), Trouble.of(error)
        pace = self._store.outbox_pace()
        slower = replace(pace, failures=pace.failures + 1, next_try=now + pause(pace.failures + 1, asked), trouble=trouble)
        until = now + pause(max((row.tries for row in rows), default=0) + 1, asked) if these else 0
        self._store.outbox_put_off(rows, trouble, until, slower if everyone else None)
        self._say(error)

    def _hold(self, rows: Sequence[Row], error: RoarError) -> None:
        """Nothing will go until somebody mends something here: asked seldom."""
        pace = self._store.outbox_pace()
        held = replace(pace, failures=pace.failures + 1, next_try=time.time_ns() + pause(99), trouble=Trouble.of(error))
        self._store.outbox_put_off(rows, Trouble.of(error), 0, held)
        self._dismiss()
        self._say(error)

    def _mended(self, pace: Pace) -> bool:
        """Has the token changed since it was refused?  One that this daemon did not try is tried."""
        return _is_held(pace) and token.mark_of(self._policy.token_file) != self._mark

    def _say(self, error: RoarError) -> None:
        """Once, however often it happens in a row."""
        if error.message != self._said:
            self._said = error.message
            _log.warning("forwarding to %s: %s (%s)", self._policy.url, error.message, error.hint)


def _is_held(pace: Pace) -> bool:
    """Is it something that only people can mend?"""
    return pace.trouble is not None and pace.trouble.code not in {UnavailableError.code, RoarError.code}


def _trouble(why: Any) -> Trouble:  # noqa: ANN401 - what the child says
    """TypeError, AttributeError for what is none."""
    return Trouble(*(str(why.get(name, ""))[:_MOST_TEXT] for name in ("code", "message", "hint")))


