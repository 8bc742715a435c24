"""What was imported stands apart from what was recorded here."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorder import ADA, BOB, PROJECT, begin, digest, ended, entries, everyone, newest, record

from lineage import bundle, ids
from lineage.graph import Limits, Start, ancestors, descendants
from lineage.provenance import IMPORTED
from lineage.records import User
from roard.store import Store


@pytest.fixture
def far(tmp_path: Path):
    """The store of another machine."""
    with Store.open(tmp_path / "far") as opened:
        yield opened


def packed(store: Store, *heads) -> tuple[bundle.Content, bundle.Raw]:
    jobs = []
    for head in heads:
        (_, record_), *chunks = store.record(head.id)
        jobs.append((record_, dict(chunks)))
    sessions = {store.session_record(head.session) for head in heads}
    raw = bundle.build("", "", sessions, jobs)
    return bundle.content(raw), raw


def brought(store: Store, user: User, *packed_) -> tuple[list[bytes], list[bytes]]:
    return store.import_bundle(user.uid, *packed_)


def only(user: User):
    return lambda uid: uid == user.uid


def seats(store: Store, identity: bytes) -> list[int]:
    return [seat.uid for seat in store.seats(identity)]


def test_an_imported_job_is_there_whole_and_marked(store: Store, far: Store) -> None:
    head = record(far, ["/in=a"], ["/out=b"])
    new, known = brought(store, BOB, *packed(far, head))
    assert (new, known) == ([head.id], [])
    assert store.job(head.id) == far.job(head.id)
    [listed] = newest(store, everyone, 10)
    assert (listed.id, listed.user, listed.imported.uid) == (head.id, ADA, BOB.uid)
    assert newest(far, everyone, 10)[0].imported is None
    assert list(store.record(head.id)) == list(far.record(head.id))


def test_doing_it_again_changes_nothing(store: Store, far: Store) -> None:
    box = packed(far, record(far, ["/in=a"], ["/out=b"]))
    brought(store, BOB, *box)
    before = store.statistics()
    assert brought(store, BOB, *box) == ([], [box[0].jobs[0].head.id])
    assert store.statistics() == before


def test_it_is_the_importers_alone(store: Store, far: Store) -> None:
    head = record(far, ["/in=a"], ["/out=b"])
    brought(store, BOB, *packed(far, head))
    assert newest(store, only(ADA), 10) == [], "although it says that it is Ada's"
    assert [each.id for each in newest(store, only(BOB), 10)] == [head.id]
    assert store.imported_session(head.session, only(ADA)) is None
    assert store.imported_session(head.session, only(BOB)).user == ADA
    assert store.seen_at(b"/out", only(ADA)) == []


def test_no_session_and_no_number_of_here_has_it(store: Store, far: Store) -> None:
    mine = record(store, outputs=["/x=x"])
    head = record(far, ["/in=a"], ["/out=b"])
    brought(store, ADA, *packed(far, head))
    assert store.session(head.session) is None
    assert store.current_session(ADA.uid, PROJECT).id == mine.session
    assert store.session_jobs(mine.session) == [store.head(mine.id)]
    assert store.session_numbers(mine.session) == {1: mine.id}
    assert begin(store).number == 2
    assert store.job_of_run(head.run) is None


def test_a_forged_run_does_not_take_a_local_jobs_place(store: Store, far: Store) -> None:
    """Who knew the run of a job that still runs could else end it with a record of their own."""
    running = begin(store)
    forged = far.finish_job(ended(begin(far), entries(["/in=a"], ["/out=evil"])))
    content, raw = packed(far, forged)
    identity = forged.id
    fake = ids.encode({**ids.decode(raw.parts[identity]), "run": running.run})
    (session,) = content.header.sessions
    box = bundle.build("", "", [raw.parts[session]], [(fake, {each: raw.parts[each] for each in content.header.chunks})])
    brought(store, BOB, bundle.content(box), box)
    done = store.finish_job(ended(running, entries(["/in=a"], ["/out=true"])))
    assert done.imported is None
    assert {each.hash for each in store.job(done.id).of_kind("output")} == {digest("true")}
    assert store.job_of_run(running.run) == done.id


def test_two_users_can_import_the_same(store: Store, far: Store) -> None:
    box = packed(far, record(far, ["/in=a"], ["/out=b"]))
    identity = box[0].jobs[0].head.id
    assert brought(store, BOB, *box) == brought(store, ADA, *box) == ([identity], [])
    assert seats(store, identity) == [ADA.uid, BOB.uid]
    assert len(newest(store, everyone, 10)) == 1


def test_what_is_ones_own_already_is_not_imported(store: Store) -> None:
    box = packed(store, record(store, ["/in=a"], ["/out=b"]))
    identity = box[0].jobs[0].head.id
    assert brought(store, ADA, *box) == brought(store, User(0, "root"), *box) == ([], [identity])
    assert brought(store, BOB, *box) == ([identity], []), "who could not see it gets it by the bundle"
    assert seats(store, identity) == [ADA.uid, BOB.uid]


def test_ids_are_found_by_their_first_digits_once(store: Store, far: Store) -> None:
    head = record(far, ["/in=a"], ["/out=b"])
    for user in (ADA, BOB):
        brought(store, user, *packed(far, head))
    assert store.by_prefix("job", head.id.hex()[:8], 10) == [head.id]
    assert store.by_prefix("session", head.session.hex()[:8], 10) == [head.session]


def test_an_older_store_gets_the_tables_when_it_is_opened(tmp_path: Path) -> None:
    import lmdb

    from roard.store import environment

    names = [name for name in environment.Tables.__slots__ if not name.startswith(("foreign", "imported"))]
    with Store.open(tmp_path / "old") as old:
        head = record(old)
    env = lmdb.open(str(tmp_path / "old"), max_dbs=30)
    with env.begin(write=True) as txn:
        for name in set(environment.Tables.__slots__) - set(names):
            txn.drop(env.open_db(name.encode(), txn=txn), delete=True)
    env.close()
    with Store.open(tmp_path / "old") as again:
        assert again.head(head.id) == head


# -- lineage over both ------------------------------------------------------------------------------------------------


def walk(store: Store, identity: bytes, visible=everyone) -> set[bytes]:
    graph = ancestors(store, Start(job=store.seats(identity)[0].number), Limits(), visible)
    return {store.job_id(number) for number in graph.jobs}


def begun(store: Store, at: int, inputs=(), outputs=(), user: User = ADA):
    return store.finish_job(ended(begin(store, user, started_at=at), entries(inputs, outputs)))


def test_the_lineage_of_an_imported_job_is_that_of_where_it_ran(store: Store, far: Store) -> None:
    made, used = begun(far, 1000, (), ["/m=m"]), begun(far, 2000, ["/m=m"], ["/n=n"])
    brought(store, ADA, *packed(far, made, used))
    assert walk(store, used.id) == {made.id, used.id}
    down = descendants(store, Start(job=store.seats(made.id)[0].number), Limits(), everyone)
    assert {store.job_id(number) for number in down.jobs} == {made.id, used.id}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_bundles_may_come_in_any_order(store: Store, far: Store, order) -> None:
    made, used = begun(far, 1000, (), ["/m=m"]), begun(far, 2000, ["/m=m"], ["/n=n"])
    boxes = [packed(far, made), packed(far, used)]
    for at in order:
        brought(store, ADA, *boxes[at])
    assert walk(store, used.id) == {made.id, used.id}


def test_a_local_job_that_used_a_file_from_elsewhere_gets_its_history_by_the_import(store: Store, far: Store) -> None:
    used = begun(store, 5000, ["/usb/m=m"], ["/n=n"])
    made, later = begun(far, 1000, (), ["/m=m"]), begun(far, 9000, (), ["/m=m"])
    assert walk(store, used.id) == {used.id}
    brought(store, ADA, *packed(far, made, later))
    assert walk(store, used.id) == {made.id, used.id}, "not what was made after it was used"


def test_what_was_made_here_goes_before_what_is_said_to_be_made_elsewhere(store: Store, far: Store) -> None:
    here, there = begun(store, 1000, (), ["/m=m"]), begun(far, 1500, (), ["/m=m"])
    used = begun(store, 2000, ["/m=m"], ["/n=n"])
    brought(store, ADA, *packed(far, there))
    assert walk(store, used.id) == {here.id, used.id}


def test_an_imported_job_can_have_used_what_was_made_here(store: Store, far: Store) -> None:
    here = begun(store, 1000, (), ["/m=m"])
    used = begun(far, 2000, ["/m=m"], ["/n=n"])
    begun(store, 3000, (), ["/m=m"])
    brought(store, ADA, *packed(far, used))
    assert walk(store, used.id) == {here.id, used.id}, "by what was made before it, not after"


def test_nobody_elses_import_says_anything_about_ones_jobs(store: Store, far: Store) -> None:
    """Root sees Bob's import, and Ada's job, and no edge between the two."""
    used = begun(store, 5000, ["/m=m"], ["/n=n"])
    forged = begun(far, 1000, (), ["/m=m"])
    brought(store, BOB, *packed(far, forged))
    assert walk(store, used.id) == {used.id}
    brought(store, User(0, "root"), *packed(far, forged))
    assert walk(store, used.id) == {used.id, forged.id}


def test_jobs_of_one_moment_have_numbers_of_their_own(store: Store, far: Store) -> None:
    heads = [begun(far, 1000, (), [f"/{at}={at}"]) for at in range(5)]
    brought(store, ADA, *packed(far, *heads))
    numbers = {store.seats(head.id)[0].number for head in heads}
    assert len(numbers) == 5
    assert min(numbers) == IMPORTED | 1000


def test_the_log_has_the_newest_of_both(store: Store, far: Store) -> None:
    mine = [begun(store, at) for at in (1000, 3000, 5000)]
    theirs = [begun(far, at) for at in (2000, 4000, 6000)]
    brought(store, ADA, *packed(far, *theirs))
    assert [head.started_at for head in newest(store, everyone, 0)] == [6000, 5000, 4000, 3000, 2000, 1000]
    assert [head.id for head in newest(store, everyone, 2)] == [theirs[2].id, mine[2].id]


def test_what_was_seen_here_at_a_path_is_newer_than_what_was_seen_elsewhere(store: Store, far: Store) -> None:
    record(store, outputs=["/f=mine"])
    brought(store, ADA, *packed(far, record(far, outputs=["/f=theirs"])))
    assert [artifact for artifact, _ in store.seen_at(b"/f", everyone)] == [digest("mine"), digest("theirs")]
