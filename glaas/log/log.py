"""The log over a KeyedStore: entries, the Merkle tree's nodes, openings, and one row that says how far it is.

To append is to read one row and to write a few, whatever the log's size; a proof is one read of O(log n) rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from glaas.log import keys
from glaas.log.keys import SigningKey
from glaas.log.tree import Node, consistency_spans, hashes, inclusion_spans, nodes_of
from glaas.store.keyed import Key, KeyedStore, Reader, Table, Writer
from lineage import ids
from lineage.errors import ConflictError, CorruptError, InvalidError, NotFoundError
from lineage.merkle import Frontier, folded, leaf_hash
from lineage.transparency import KeyChange, LogEntry, Opening, TreeHead, decode_opening, parse_key_change

_HOME = 8  # an index without its last 16 bits, a level before it: neighbours lie together
STATE = Table("log_state", 3)
ENTRIES = Table("log_entries", _HOME)
NODES = Table("log_nodes", _HOME)
OPENINGS = Table("log_openings", _HOME)
TABLES = (STATE, ENTRIES, NODES, OPENINGS)
_STATE_KEY: Key = (b"log", b"state")
LOCK = "log"
_FRESH = 60.0  # seconds for which a head is given out again


class Proof(NamedTuple):
    """Entry ``number`` is in the tree of ``head``. ``opening``: empty where it was destroyed, or is not for who asks."""

    number: int
    path: tuple[bytes, ...]
    entry: bytes
    opening: bytes
    head: TreeHead


def of_state(store: KeyedStore, state: Path) -> Log:
    """With the key of a state directory, made where there is none."""
    return Log(store, keys.load_or_make(state), lambda wanted: keys.of_state(state, wanted))


class State(NamedTuple):
    """``changes``: signed notes, from the first change of the key to the last."""

    origin: str
    key: bytes
    size: int
    nodes: tuple[bytes, ...]
    changes: tuple[str, ...]

    def root(self) -> bytes:
        return folded(self.nodes)


class Log:
    """``reload`` gives the key anew, where another process may have changed it while this one runs: it is given the public key
    that the log is signed by."""

    def __init__(self, store: KeyedStore, key: SigningKey, reload: Callable[[bytes], SigningKey] | None = None) -> None:
        self._store = store
        self._key = key
        self._reload = reload
        self._head: tuple[float, TreeHead] | None = None

    def append(self, txn: Writer, entries: Sequence[bytes]) -> range:
        """The numbers that the entries have from now on. It takes the lock "log"; nothing is the case before the transaction
        is durable."""
        txn.lock(LOCK)
        state = read_state(txn) or State(self._key.origin, self._key.public, 0, (), ())
        frontier = Frontier(state.size, state.nodes)
        made = [node for entry in entries for node in frontier.append(leaf_hash(entry))]
        txn.put(ENTRIES, ((entry_key(state.size + at), entry) for at, entry in enumerate(entries)))
        txn.put(NODES, ((node_key((level, index)), node) for level, index, node in made))
        _put_state(txn, state._replace(size=frontier.size, nodes=tuple(frontier.nodes)))
        return range(state.size, frontier.size)

    def record(self, txn: Writer, openings: Sequence[Opening], at: int) -> range:
        """An entry that commits to each of these, at this time (ns since the epoch); and the openings are kept, except those
        that say what was forgotten."""
        numbers = self.append(txn, [LogEntry(at, opening.commitment).encode() for opening in openings])
        txn.put(OPENINGS, ((entry_key(number), opening.encode()) for number, opening in zip(numbers, openings, strict=True)
                           if opening.act != "forget"))
        return numbers

    def destroy(self, txn: Writer, numbers: Iterable[int]) -> None:
        """The openings of these entries. Their leaves stay as they are, and nobody can tell any more what they were about."""
        txn.delete(OPENINGS, [entry_key(number) for number in numbers])

    def head(self, reader: Reader | None = None) -> TreeHead:
        """Of the log as it is now; signed anew when it grew, or after a minute. ConflictError where it is signed by another
        key than this one."""
        with self._reading(reader) as view:
            state = read_state(view)
        if state is not None and state.key != self._key.public and self._reload is not None:
            self._key = self._reload(state.key)
        if state is None:
            state = State(self._key.origin, self._key.public, 0, (), ())
        if state.key != self._key.public:
            raise ConflictError(f"the log {state.origin} is signed by another key than the one that is here",
                                "give all who serve one registry the same key file")
        cached, now = self._head, time.monotonic()
        if cached is not None and cached[1].size == state.size and cached[1].key == state.key and now - cached[0] < _FRESH:
            return cached[1]
        head = TreeHead(state.origin, state.size, state.root(), time.time_ns(), key=state.key)
        head = replace(head, signature=self._key.sign(head.text))
        self._head = (now, head)
        return head

    def inclusion(self, index: int, size: int, reader: Reader | None = None) -> list[bytes]:
        """The path from entry ``index`` to the root of the tree of the first ``size`` entries."""
        if not 0 <= index < size:
            raise InvalidError(f"a tree of {size} has no entry {index}", "they are numbered from 0")
        spans = inclusion_spans(index, size)
        with self._reading(reader) as view:
            return hashes(spans, _nodes(view, [node for span in spans for node in nodes_of(span)], size))

    def consistency(self, first: int, second: int, reader: Reader | None = None) -> list[bytes]:
        """That the tree of ``second`` entries begins with the tree of ``first``."""
        if not 0 <= first <= second:
            raise InvalidError(f"a tree of {second} does not begin with one of {first}", "the smaller one first")
        spans = consistency_spans(first, second)
        with self._reading(reader) as view:
            return hashes(spans, _nodes(view, [node for span in spans for node in nodes_of(span)], second))

    def root(self, size: int, reader: Reader | None = None) -> bytes:
        """Of the tree of the first ``size`` entries."""
        nodes = list(nodes_of((0, size)))
        with self._reading(reader) as view:
            stored = _nodes(view, nodes, size)
        return folded([stored[node] for node in nodes])

    def proof(self, index: int, reader: Reader | None = None, *, opened: bool = True) -> Proof:
        """All of it, in the newest tree. ``opened``: with the opening, for those who may see what was registered."""
        with self._reading(reader) as view:
            head = self.head(view)
            if not 0 <= index < head.size:
                raise NotFoundError(f"the log has no entry {index}", f"it has {head.size}")
            path = self.inclusion(index, head.size, view)
            found = view.get(ENTRIES, [entry_key(index)])
            opening = view.get(OPENINGS, [entry_key(index)]).get(entry_key(index), b"") if opened else b""
        return Proof(index, tuple(path), found[entry_key(index)], opening, head)

    def opening(self, index: int, reader: Reader | None = None) -> Opening | None:
        """None: destroyed, or there never was one."""
        with self._reading(reader) as view:
            data = view.get(OPENINGS, [entry_key(index)]).get(entry_key(index))
        return decode_opening(data) if data is not None else None

    def entries(self, first: int, count: int, reader: Reader | None = None) -> list[bytes]:
        """As many as there are, from ``first`` on: for those who watch the log."""
        with self._reading(reader) as view:
            size = (read_state(view) or _NOTHING).size
            keys = [entry_key(index) for index in range(first, min(first + count, size))]
            found = view.get(ENTRIES, keys)
        return [found[key] for key in keys]

    def changes(self, reader: Reader | None = None) -> list[KeyChange]:
        """Of the key, from the first on, each signed by the key before it."""
        with self._reading(reader) as view:
            state = read_state(view)
        return [parse_key_change(note) for note in state.changes] if state is not None else []

    def rotate(self, new: SigningKey) -> KeyChange:
        """From now on ``new`` signs, and this key says so; an entry of the log says it too. The log keeps its name."""
        def work(txn: Writer) -> KeyChange:
            now = time.time_ns()
            self.record(txn, [Opening.of("key", "", new.public.hex())], now)
            state = read_state(txn)
            if state is None or state.key != self._key.public:
                raise ConflictError("the log is signed by another key than the one that is here", "give its key file")
            change = KeyChange(state.origin, state.size, now, new.public, state.key)
            change = replace(change, signature=self._key.sign(change.text))
            _put_state(txn, state._replace(key=new.public, changes=(*state.changes, change.note())))
            return change

        change = self._store.write(work)
        self._key = new
        return change

    def _reading(self, reader: Reader | None) -> AbstractContextManager[Reader]:
        return nullcontext(reader) if reader is not None else self._store.read()


def entry_key(index: int) -> Key:
    return (index >> 16).to_bytes(_HOME, "big"), (index & 0xFFFF).to_bytes(2, "big")


def node_key(node: Node) -> Key:
    level, index = node
    return bytes((level,)) + (index >> 16).to_bytes(_HOME - 1, "big"), (index & 0xFFFF).to_bytes(2, "big")


def _nodes(view: Reader, wanted: Iterable[Node], size: int) -> dict[Node, bytes]:
    last = [(0, size - 1)] if size else []  # no tree of this size without it
    keys = {node_key(node): node for node in (*wanted, *last)}
    found = view.get(NODES, keys)
    if len(found) != len(keys):
        raise NotFoundError(f"the log has not {size} entries yet", "ask for its head first")
    return {keys[key]: value for key, value in found.items()}


_NOTHING = State("", b"", 0, (), ())


def read_state(view: Reader) -> State | None:
    """None: nothing was ever appended."""
    data = view.get(STATE, [_STATE_KEY]).get(_STATE_KEY)
    if data is None:
        return None
    try:
        origin, key, size, nodes, changes = ids.decode(data)
    except (TypeError, ValueError) as error:
        raise CorruptError("the log's state is not readable", "restore the registry from a backup") from error
    return State(origin, key, size, tuple(nodes), tuple(changes))


def _put_state(txn: Writer, state: State) -> None:
    value = [state.origin, state.key, state.size, list(state.nodes), list(state.changes)]
    txn.put(STATE, [(_STATE_KEY, ids.encode(value))])
