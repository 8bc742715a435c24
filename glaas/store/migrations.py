"""From one schema to the next, while programs of both serve.

A schema's steps are done in order, each in small transactions that say where the next begins, so that they can be stopped
at any moment, and two that run them share the work.  Where rows get another form, the steps are:

1. ``begin copying``: a copy of what is there, which may take hours.  Programs of the new schema write both forms and read the
   new one, or the old one where it is not there; those of the old schema write the old form alone.
2. ``copy the rest``, with ``ends_older``: from its beginning no transaction of an older program is let in (schema.Guard), so
   what those wrote meanwhile is copied now, and nothing comes after it.
3. ``drop`` the old form.

A program says in its Schema which ones it can serve: one that writes both forms ``needs`` the old one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import cbor2

from glaas.store.keyed import Key, KeyedStore, Reader, Writer
from glaas.store.schema import FENCE, META, STATE, State
from lineage.errors import CorruptError, UnsupportedError

#: One piece of work, from where the last one ended (at first: nothing); where the next begins, None when all is done.
Batch: TypeAlias = Callable[[Writer, bytes], bytes | None]

PROGRESS: Key = (b"migration", b"")  # {"step": its name, "at": where its next batch begins}; none between schemas
ALONE = "migration"  # a lock; before FENCE, by name
SETTLING = 2.0  # seconds in which a program of an older schema notices that it has ended, and ends what it reads


@dataclass(frozen=True, slots=True)
class Step:
    """``schema``: what the store has when the last step of this number is done.  ``name``: unlike all others.  ``what``: for
    people.  ``ends_older``: programs of an older schema cannot go on once it begins."""

    schema: int
    name: str
    what: str
    batch: Batch
    ends_older: bool = False


#: Of this program, in order.
STEPS: tuple[Step, ...] = ()


class Piece(NamedTuple):
    """What one transaction did.  ``step`` None: there is nothing to do any more.  ``fenced``: it ended older programs, and did
    nothing else.  ``done``: the step's last."""

    step: Step | None
    fenced: bool = False
    done: bool = False


class Plan(NamedTuple):
    """``begun``: some of the first step is done."""

    state: State
    steps: Sequence[Step]
    begun: bool


def plan(store: KeyedStore, steps: Sequence[Step] = STEPS) -> Plan:
    """What is still to do.  UnsupportedError where the store is in the midst of a step that this program does not know."""
    with store.read() as reader:
        state, at, cursor = _where(reader, steps)
    return Plan(state, steps[at:], bool(cursor))


def document(plan: Plan, number: int, *, done: bool) -> dict[str, Any]:
    """``number``: the schema of this program.  ``done``: the steps were done."""
    return {"schema": "roar.migration/1", "store_schema": plan.state.schema, "program_schema": number, "begun": plan.begun,
            "steps": [{"schema": step.schema, "name": step.name, "what": step.what, "ends_older": step.ends_older}
                      for step in plan.steps], "done": done}


def migrate(store: KeyedStore, steps: Sequence[Step] = STEPS, report: Callable[[Piece], object] = bool) -> State:
    """All steps that are to do.  The store is opened with a Schema that ``needs`` 0.  It can be killed, and done again."""
    while True:
        piece = store.write(lambda writer: _piece(writer, steps))
        if piece.step is None:
            return plan(store, steps).state
        report(piece)
        if piece.fenced:
            time.sleep(SETTLING)


def _piece(writer: Writer, steps: Sequence[Step]) -> Piece:
    writer.lock(ALONE)
    state, at, cursor = _where(writer, steps)
    if at == len(steps):
        return Piece(None)
    step = steps[at]
    if step.ends_older and state.oldest < step.schema:
        writer.lock(FENCE)  # when it is had, no transaction that saw the former state is under way
        writer.put(META, [(STATE, state._replace(oldest=step.schema).encoded())])
        return Piece(step, fenced=True)
    if (after := step.batch(writer, cursor)) is not None:
        _go_on(writer, step, after)
        return Piece(step)
    if at + 1 < len(steps) and steps[at + 1].schema == step.schema:
        _go_on(writer, steps[at + 1], b"")
    else:
        writer.put(META, [(STATE, state._replace(schema=step.schema).encoded())])
        writer.delete(META, [PROGRESS])
    return Piece(step, done=True)


def _go_on(writer: Writer, step: Step, cursor: bytes) -> None:
    writer.put(META, [(PROGRESS, cbor2.dumps({"step": step.name, "at": cursor}))])


def _where(reader: Reader, steps: Sequence[Step]) -> tuple[State, int, bytes]:
    """(the store's state, which step is next, where its next batch begins)"""
    found = reader.get(META, [STATE, PROGRESS])
    if STATE not in found:
        raise CorruptError("the store does not say which schema it has", "restore a backup")
    state = State.decoded(found[STATE])
    if PROGRESS not in found:
        return state, sum(step.schema <= state.schema for step in steps), b""
    progress = cbor2.loads(found[PROGRESS])
    for at, step in enumerate(steps):
        if step.name == progress["step"]:
            return state, at, progress["at"]
    raise UnsupportedError(f"the store is in the midst of a migration ({progress['step']}) that this glaas does not know",
                           "run `glaas migrate` of the version that began it")
