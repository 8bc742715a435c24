"""What is sent at once: jobs of one session in one scope, as a bundle (docs/bundle.md), with what people said of them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from lineage import bundle, ids
from lineage.annotations import Annotations, Subject
from lineage.annotationwire import annotated_to
from lineage.errors import CorruptError, InvalidError
from roard.store.outbox import Row, Trouble
from roard.store.store import Store

MOST_JOBS = 200
_MOST_BYTES = 8 << 20  # where a job alone is not more


@dataclass(frozen=True, slots=True)
class Batch:
    """``rows`` are in the bundle, ``refused`` can be in none. Rows that are in neither are left for the next."""

    rows: tuple[Row, ...]
    refused: tuple[tuple[Row, Trouble], ...]
    data: bytes
    said: tuple[str, ...]  # base64 of lineage.v1.Annotated

    @property
    def scope(self) -> str:
        return self.rows[0].scope


def build(store: Store, rows: Sequence[Row]) -> Batch:
    """``rows``: as ``outbox.due`` gives them. The records are not looked into: who sends them does that, without root's
    rights."""
    taken: list[Row] = []
    refused: list[tuple[Row, Trouble]] = []
    jobs: list[tuple[bytes, dict[bytes, bytes]]] = []
    known: set[bytes] = set()
    size = 0
    for row in rows:
        try:
            parts = list(store.record(row.job))
            if not parts:  # forgotten since, and then its row is too: or damage
                raise CorruptError("its record is not in the store", "run `roard fsck`")
            (_, record), chunks = parts[0], dict(parts[1:])
            more = len(record) + sum(len(data) for identity, data in chunks.items() if identity not in known)
            if more > bundle.MAX_BYTES:
                raise InvalidError(f"its record has {more >> 20} MB: more than a bundle may hold",
                                   f"{bundle.MAX_BYTES >> 20} MB at most; it stays on this machine")
        except (CorruptError, InvalidError) as error:
            refused.append((row, Trouble.of(error)))
            continue
        if taken and size + more > _MOST_BYTES:
            break
        taken.append(row)
        jobs.append((record, chunks))
        known.update(chunks)
        size += more
    if not taken:
        return Batch((), tuple(refused), b"", ())
    session = store.session_record(taken[0].session)
    if session is None:
        lost = Trouble.of(CorruptError("the record of its session is missing", "run `roard fsck`"))
        return Batch((), (*refused, *((row, lost) for row in taken)), b"", ())
    file = BytesIO()
    bundle.write(bundle.build(f"session:{taken[0].session.hex()}", "", [session], jobs), file)
    return Batch(tuple(taken), tuple(refused), file.getvalue(), _said(store, taken, [record for record, _ in jobs]))


def _said(store: Store, rows: Sequence[Row], records: Sequence[bytes]) -> tuple[str, ...]:
    """Of the jobs and their session, by their owner; jobs by their ids."""
    wanted = {Subject("session", rows[0].session): Subject("session", rows[0].session)}
    for row, record in zip(rows, records, strict=True):
        wanted[Subject("job", ids.decode(record)["run"])] = Subject("job", row.job)
    found = store.annotations(list(wanted))
    return tuple(b64encode(annotated_to(Annotations(wanted[subject], tuple(spaces[rows[0].uid]))).SerializeToString()).decode()
                 for subject, spaces in found.items() if spaces.get(rows[0].uid))
