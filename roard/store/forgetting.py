"""The one way in which a record goes: the newest job of a session, by who made it, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from lineage import ids
from lineage.annotations import Subject
from lineage.composite import file_sets
from lineage.errors import ConflictError, NotFoundError
from lineage.records import JobHead, Session
from roard.store import annotated, outbox
from roard.store.edges import links_of_jobs
from roard.store.environment import Tables
from roard.store.jobs import all_running, chunk_of, job_record
from roard.store.pathtexts import forget_paths
from roard.store.sessions import session_index, take_back, uid_key
from roard.store.values import PAIR, TRIPLE, U64, Table, Txn, unseal

_HINT = "`roar log` lists the jobs"


def forget_finished(txn: Txn, tables: Tables, identity: bytes, owner: int) -> tuple[JobHead, Session]:
    """Its record, its edges both ways, its place in the log and in the session, whose hash chain and numbers go back.
    Artifacts that others have stay; so do its job number (no other gets it) and what was learned of files' hashes.

    NotFoundError where ``owner`` has no such job (whose it is else, is not told); ConflictError where it is not the
    newest of its session.
    """
    found = job_record(txn, tables, identity)
    head = None if found is None else ids.decode_head(found[1], identity)
    if found is None or head is None or head.user.uid != owner:
        raise NotFoundError(f"you have no job {identity.hex()[:12]}", _HINT)
    others = [n for n, job in session_index(txn, tables, head.session) if job != identity]
    others += [other.number for other in all_running(txn, tables) if other.session == head.session]
    newest = max(others, default=0)
    if newest > head.number:
        raise ConflictError(f"@{head.number} is not the newest job of its session: @{newest} is",
                            "only the newest can be forgotten: others come after it in the session's hash chain")
    number, record = found
    job = ids.decode_job(record, lambda chunk: chunk_of(txn, tables, chunk))
    _forget_edges(txn, tables, number)
    forget_paths(txn, tables, {entry.path for entry in job.entries if entry.path})
    for tree in {one.hash for one in file_sets(job.entries)}:
        txn.delete(tree + U64.pack(number), db=tables.trees)
    annotated.forget(txn, tables, [Subject("job", head.run), *(Subject("step", head.run, step.index) for step in job.steps)])
    _forget_chunks(txn, tables, identity, record)
    key = U64.pack(number)
    txn.delete(identity, db=tables.jobs)
    txn.delete(key, db=tables.numbers)
    txn.delete(head.run, db=tables.runs)
    txn.delete(uid_key(owner) + key, db=tables.log)
    outbox.forget(txn, tables, owner, number)
    _forget_place(txn, tables, head.session, identity)
    rest = [job for _, job in session_index(txn, tables, head.session)]
    return head, take_back(txn, tables, head.session, rest, newest)


def _forget_place(txn: Txn, tables: Tables, session: bytes, identity: bytes) -> None:
    with txn.cursor(tables.session_jobs) as cursor:
        found = cursor.set_range(session)
        while found and (key := cursor.key()).startswith(session):
            if unseal(key, cursor.value())[U64.size:] == identity:
                cursor.delete()
                return
            found = cursor.next()


def _forget_edges(txn: Txn, tables: Tables, number: int) -> None:
    """Forward, backward, and by path; and artifacts that nobody else has."""
    key, artifacts = U64.pack(number), set[int]()
    for forward, backward in ((tables.inputs, tables.consumers), (tables.outputs, tables.producers)):
        links = links_of_jobs(txn, forward, [number])[number]
        for artifact, path in links:
            txn.delete(U64.pack(artifact), PAIR.pack(number, path), db=backward)
            artifacts.add(artifact)
        for path, count in Counter(path for _, path in links).items():
            _forget_sightings(txn, tables.paths, path, number, count)
        txn.delete(key, db=forward)
    for artifact in artifacts:
        name = U64.pack(artifact)
        if txn.get(name, db=tables.producers) is None and txn.get(name, db=tables.consumers) is None:
            digest = txn.get(name, db=tables.hashes)
            if digest is not None:
                txn.delete(unseal(name, digest), db=tables.artifacts)
                txn.delete(name, db=tables.hashes)


def _forget_sightings(txn: Txn, table: Table, path: int, number: int, count: int) -> None:
    """The rows at a path are in the order of the jobs' ends, so those of the newest are near the last."""
    with txn.cursor(table) as cursor:
        if not cursor.set_key(U64.pack(path)) or not cursor.last_dup():
            return
        mine = (row for row in cursor.iterprev_dup(keys=False, values=True) if TRIPLE.unpack(row)[1] == number)
        rows = list(islice(mine, count))
    for row in rows:
        txn.delete(U64.pack(path), row, db=table)


def _forget_chunks(txn: Txn, tables: Tables, identity: bytes, record: bytes) -> None:
    """What only this job has: its environment and its diff may be why it is to be forgotten.  A record names its chunks
    by their ids, whose bytes stand in it as they are, so the others' need not be decoded: about a second for a million."""
    value = ids.decode(record)
    alone = {*value["steps"], *value["entries"], value["context"]}
    for other, data in _records(txn, tables):
        if other != identity:
            alone -= {chunk for chunk in alone if chunk in data}
        if not alone:
            return
    for chunk in alone:
        txn.delete(chunk, db=tables.chunks)


def _records(txn: Txn, tables: Tables) -> Iterable[tuple[bytes, bytes]]:
    with txn.cursor(tables.jobs) as cursor:
        yield from cursor.iternext()
