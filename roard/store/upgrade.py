"""What a store of an earlier schema lacks, made step by step while it is used."""

from __future__ import annotations

from lineage import ids
from lineage.ids import path_number
from roard.store.environment import UNINDEXED_KEY, Tables
from roard.store.jobs import chunk_of, facts_of, job_record
from roard.store.pathtexts import index_paths
from roard.store.values import PAIR, U64, Txn, get, put

STEP_ENTRIES = 20_000  # that are looked at in one transaction


def index_older(txn: Txn, tables: Tables) -> bool:
    """A step of indexing the jobs that were stored before there was an index, newest first; False when all are."""
    state = get(txn, tables.meta, UNINDEXED_KEY)
    if state is None:
        return False
    number, at = PAIR.unpack(state)
    left = STEP_ENTRIES
    while number and left > 0:
        chunks, linked = _of_job(txn, tables, number)
        while at < len(chunks) and left > 0:
            entries = ids.decode_entries(chunk_of(txn, tables, chunks[at]), chunks[at])
            index_paths(txn, tables, {entry.path for entry in entries if path_number(entry.path) in linked})
            left -= len(entries)
            at += 1
        left -= 1
        if at >= len(chunks):
            number, at = number - 1, 0
    if number:
        put(txn, tables.meta, UNINDEXED_KEY, PAIR.pack(number, at))
    else:
        txn.delete(UNINDEXED_KEY, db=tables.meta)
    return bool(number)


def _of_job(txn: Txn, tables: Tables, number: int) -> tuple[list[bytes], set[int]]:
    """Its chunks of entries, and the numbers of the paths on its edges; nothing for a number that no finished job has."""
    for _, _, _, identity in facts_of(txn, tables, [number]):
        found = job_record(txn, tables, identity)
        links = (get(txn, table, U64.pack(number)) or b"" for table in (tables.inputs, tables.outputs))
        linked = {path for packed in links for _, path in PAIR.iter_unpack(packed)}
        return ([] if found is None or not linked else ids.entry_chunks(found[1])), linked
    return [], set()
