"""The whole log, recomputed from its entries: does all that is stored follow from them?  For `glaas log verify`, and after a
restore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from glaas.log.journal import SUBJECTS
from glaas.log.log import ENTRIES, NODES, OPENINGS, entry_key, node_key, read_state
from glaas.store.keyed import Reader
from lineage.errors import CorruptError
from lineage.merkle import EMPTY, Frontier, leaf_hash
from lineage.transparency import decode_opening, parse_key_change, verify_opening

_BATCH = 2000
_MOST_PROBLEMS = 100


@dataclass(slots=True)
class Report:
    """``openings``: entries of which the registry can still show what they are about. ``problems``: what does not follow; empty
    where the log is whole."""

    origin: str = ""
    key: bytes = b""
    size: int = 0
    root: bytes = EMPTY
    openings: int = 0
    changes: int = 0
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)


def check(reader: Reader) -> Report:
    """In time and round trips that grow with the log, and in little memory."""
    report = Report()
    state = read_state(reader)
    if state is not None:
        report.origin, report.key, report.size = state.origin, state.key, state.size
    frontier = Frontier()
    walk = reader.walk(ENTRIES, batch=_BATCH)
    nodes = 0
    while batch := list(islice(walk, _BATCH)):
        nodes += _batch(reader, batch, frontier, report)
    if frontier.size != report.size:
        report.problem(f"there are {frontier.size} entries, and the head says {report.size}")
    report.root = frontier.root()
    if state is not None and list(state.nodes) != frontier.nodes:
        report.problem("the newest root does not follow from the entries")
    if (stored := sum(1 for _ in reader.walk(NODES, batch=_BATCH))) != nodes:
        report.problem(f"there are {stored} nodes, and the entries make {nodes}")
    _rest(reader, report)
    key = b""
    for note in state.changes if state is not None else ():
        try:
            change = parse_key_change(note)
        except CorruptError as error:
            report.problem(error.message)
            continue
        if key and change.previous != key:
            report.problem(f"the change of the key at {change.size} entries does not follow from the one before")
        key, report.changes = change.key, report.changes + 1
    if state is not None and key and key != state.key:
        report.problem("the key that signs is not the one that the last change names")
    return report


def _batch(reader: Reader, batch: list[tuple[tuple[bytes, bytes], bytes]], frontier: Frontier, report: Report) -> int:
    """How many nodes these entries complete."""
    made = {}
    first = frontier.size
    for key, entry in batch:
        if key != entry_key(frontier.size):
            report.problem(f"entry {frontier.size} is not there")
        made.update({node_key((level, index)): node for level, index, node in frontier.append(leaf_hash(entry))})
    stored = reader.get(NODES, made)
    for key, node in made.items():
        if stored.get(key) != node:
            report.problem(f"a node of the tree does not follow from the entries from {first} on: {(key[0] + key[1]).hex()}")
    openings = reader.get(OPENINGS, [key for key, _ in batch])
    for key, entry in batch:
        opening = openings.get(key)
        if opening is None:
            continue
        report.openings += 1
        try:
            verify_opening(opening, entry)
        except CorruptError as error:
            report.problem(f"entry {int.from_bytes(key[0] + key[1], 'big')}: {error.message}")
    return len(made)


def _rest(reader: Reader, report: Report) -> None:
    """Openings of no entry, and what is found by what it is about."""
    stored = sum(1 for _ in reader.walk(OPENINGS, batch=_BATCH))
    if stored != report.openings:
        report.problem(f"{stored - report.openings} openings are of entries that are not there")
    rows = reader.walk(SUBJECTS, batch=_BATCH)
    while batch := list(islice(rows, _BATCH)):
        keys = {entry_key(int.from_bytes(rest, "big")) for (_, rest), _ in batch}
        openings = reader.get(OPENINGS, keys)
        for subject, number, account in _subjects(batch):
            opening = openings.get(entry_key(number))
            if opening is None:
                report.problem(f"entry {number} is listed, and its opening is not there")
                continue
            try:
                opened = decode_opening(opening)
            except CorruptError:
                continue  # said above
            if opened.account != account or subject not in {opened.bundle, *opened.jobs}:
                report.problem(f"entry {number} is listed for something else than it is about")


def _subjects(batch: list[tuple[tuple[bytes, bytes], bytes]]) -> Iterator[tuple[bytes, int, str]]:
    for (subject, rest), account in batch:
        yield subject, int.from_bytes(rest, "big"), account.decode()
