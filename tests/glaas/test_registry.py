"""The registry on each database: what is registered is found by whom it is for, and by nobody else."""

from __future__ import annotations

import random

import pytest
from made_bundles import BOB, Box, digest, entry

from glaas.log.journal import TABLES as LOG_TABLES
from glaas.log.journal import Journal
from glaas.log.keys import SigningKey
from glaas.log.log import OPENINGS, Log
from glaas.registry import store as registry_store
from glaas.registry.registry import Registry
from glaas.registry.tables import TABLES
from glaas.store.viewer import PUBLIC, Viewer, organisation_space, own_space
from lineage import bundle
from lineage.annotations import Item, Subject
from lineage.errors import CorruptError, DeniedError, InvalidError, NotFoundError
from lineage.graph import Limits, Start, ancestors, descendants
from lineage.records import User
from lineage.service.graphs import dag_message, walk_message
from lineage.service.references import by_path, by_reference
from lineage.v1 import lineage_pb2 as pb

ANYONE = Viewer()
ADA = Viewer("ada", frozenset({PUBLIC, own_space("ada")}))
BOB_ = Viewer("bob", frozenset({PUBLIC, own_space("bob")}))
LAB = Viewer("eve", frozenset({PUBLIC, own_space("eve"), organisation_space("lab")}))


@pytest.fixture
def log(open_keyed):
    store = open_keyed((*TABLES, *LOG_TABLES))
    return Log(store, SigningKey.generate("registry.test"))


@pytest.fixture
def registry(log):
    return Registry(log._store, Journal(log))


@pytest.fixture
def box():
    return Box()


def chain(box: Box):
    """raw → clean → model: three jobs."""
    return (box.job("prep.py raw.csv", ["raw.csv=raw"], ["clean.csv=clean"]),
            box.job("features.py clean.csv", ["clean.csv=clean"], ["features.npy=features"]),
            box.job("train.py features.npy --epochs 3", ["features.npy=features"], ["model.pt=model"]))


def found(registry: Registry, viewer: Viewer, content: str, path: bytes = b"") -> pb.Graph:
    return walk_message(registry.view(viewer), pb.GraphRequest(artifact=digest(content), path=path), ancestors)


def commands(graph: pb.Graph) -> list[str]:
    return [head.argv[0].decode() for head in graph.jobs]


def test_what_was_registered_is_found_by_hash(registry, box):
    jobs = chain(box)
    done = registry.register("ada", PUBLIC, box.bundle(*jobs))
    assert (set(done.new), done.known) == ({job.head.id for job in jobs}, ())
    graph = found(registry, ANYONE, "model")
    assert commands(graph) == ["train.py", "features.py", "prep.py"]
    assert {one.path.rsplit(b"/")[-1] for one in graph.artifacts} == {b"model.pt", b"features.npy", b"clean.csv", b"raw.csv"}
    down = walk_message(registry.view(ANYONE), pb.GraphRequest(artifact=digest("raw")), descendants)
    assert commands(down) == ["prep.py", "features.py", "train.py"]
    view = registry.view(ANYONE)
    assert view.store.job(jobs[2].head.id) == jobs[2]
    assert list(view.store.entries(jobs[0].head.id)) == sorted(jobs[0].entries)
    assert dict(view.store.record(jobs[1].head.id)).keys() >= {jobs[1].head.id}
    assert view.session(box.session, b"").jobs == 3
    assert [head.id for head in view.store.newest_heads(lambda _: True)] == [job.head.id for job in reversed(jobs)]
    assert len(dag_message(view, pb.SessionDagRequest(session=box.session)).jobs) == 3


def test_registering_again_changes_nothing(registry, log, box):
    jobs = chain(box)
    first = registry.register("ada", PUBLIC, box.bundle(*jobs))
    again = registry.register("ada", PUBLIC, box.bundle(*jobs))
    assert (again.new, set(again.known), again.leaf) == ((), set(first.new), None)
    assert log.head().size == 1
    part = registry.register("ada", PUBLIC, box.bundle(jobs[2]))
    assert (part.new, part.known) == ((), (jobs[2].head.id,))
    assert commands(found(registry, ANYONE, "model")) == ["train.py", "features.py", "prep.py"]
    assert registry.known("ada", PUBLIC, [jobs[0].head.id, b"x" * 32]) == {jobs[0].head.id}
    assert registry.known("bob", PUBLIC, [jobs[0].head.id]) == set()
    assert registry.known("ada", own_space("ada"), [jobs[0].head.id]) == set()


def test_the_envelope_that_signs_a_bundle_is_kept(registry, box):
    raw = box.bundle(*chain(box))
    registry.register("ada", PUBLIC, raw._replace(envelope='{"signed": 1}'))
    job = bundle.decode_header(raw.header).jobs[0]
    one = registry.registrations(ANYONE, [job])[job][0]
    assert registry.signature(one) == (raw.header, '{"signed": 1}')
    registry.forget("ada", bundle.decode_header(raw.header).jobs)
    assert registry.signature(one) == (b"", "")


def test_a_bundle_that_lies_is_refused_whole(registry, box):
    raw = box.bundle(*chain(box))
    part = next(iter(raw.parts))
    lie = raw._replace(parts={**raw.parts, part: raw.parts[part][:-1] + b"\0"})
    with pytest.raises(CorruptError):
        registry.register("ada", PUBLIC, lie)
    with pytest.raises(NotFoundError):
        found(registry, ADA, "model")
    late = box.job("late.py", at=2**32)
    with pytest.raises(InvalidError, match="future"):
        registry.register("ada", PUBLIC, box.bundle(late))


@pytest.mark.parametrize(("space", "who"), [
    (PUBLIC, {ANYONE, ADA, BOB_, LAB}), (own_space("ada"), {ADA}), (organisation_space("lab"), {LAB})])
def test_each_way_of_looking_shows_what_the_viewer_may_see(registry, box, space, who):
    jobs = chain(box)
    registry.register("ada", space, box.bundle(*jobs), said=[
        (Subject("job", jobs[2].head.id), [Item("label", "name", ("best",), User(1, "ada"), 5)])])
    model, job = digest("model"), jobs[2].head.id
    for viewer in (ANYONE, ADA, BOB_, LAB):
        view, sees = registry.view(viewer), viewer in who
        ways = {
            "job": lambda view=view: view.head(job),
            "run": lambda view=view: view.head(jobs[2].head.run),
            "artifact": lambda view=view: view.artifact(model),
            "session": lambda view=view: view.session(box.session, b""),
            "path": lambda view=view: by_path(view, b"/home/ada/work/model.pt", b""),
            "content": lambda view=view: by_path(view, b"/x", model),
            "job prefix": lambda view=view: by_reference(view, job.hex()[:9], b""),
            "artifact prefix": lambda view=view: by_reference(view, "artifact:" + model.hex()[:8], b""),
            "session prefix": lambda view=view: by_reference(view, "session:" + box.session.hex()[:8], b""),
            "name": lambda view=view: by_reference(view, "name:best", b""),
            "walk": lambda viewer=viewer: found(registry, viewer, "model"),
        }
        for name, way in ways.items():
            if sees:
                assert way(), (name, viewer)
            else:
                with pytest.raises(NotFoundError):
                    way()
        store = view.store
        hits = registry.search(viewer, "train features")
        assert bool(hits.jobs) is sees and bool(registry.search(viewer, "model.pt").artifacts) is sees
        assert bool(registry.search(viewer, "best").jobs) is sees
        assert bool(registry.search(viewer, model.hex()[:10]).artifacts) is sees
        assert bool(list(store.newest_heads(lambda _: True))) is sees
        assert bool(list(store.entries(job))) is sees and bool(list(store.record(job))) is sees
        assert bool(store.job(job)) is sees and bool(store.session_record(box.session)) is sees
        assert bool(registry.registrations(viewer, [job])) is sees
        assert bool(registry.account_jobs(viewer, "ada")) is sees
        assert bool(store.said([Subject("job", job)])) is sees
        assert store.step_count(job) == 0


@pytest.mark.parametrize("show", [False, True])
def test_a_private_ancestor_of_a_public_model_is_a_private_artifact(registry, box, show):
    prep, features, train = chain(box)
    registry.register("ada", own_space("ada"), box.bundle(prep, features), show_hashes=show)
    registry.register("ada", PUBLIC, box.bundle(train))
    hidden = digest("features")
    for viewer in (ANYONE, BOB_, LAB):
        graph = found(registry, viewer, "model")
        assert commands(graph) == ["train.py"]
        private = next(one for one in graph.artifacts if one.path == b"a private artifact")
        assert private.hash == (hidden if show else b"")
        store = registry.view(viewer).store
        masked = next(one for one in store.entries(train.head.id) if one.kind == "input")
        assert (masked.path, masked.hash, masked.size) == (b"a private artifact", hidden if show else None, None)
        assert store.job(train.head.id).entries[0] == masked
        with pytest.raises(DeniedError, match="private"):
            list(store.record(train.head.id))
        with pytest.raises(NotFoundError):
            registry.view(viewer).artifact(hidden)
        assert store.seen_at(b"/home/ada/work/features.npy", lambda _: True) == []
        assert registry.search(viewer, "features.npy").artifacts == []
        assert registry.search(viewer, hidden.hex()[:12]).artifacts == []
        assert b"features" not in b"".join(one.path for one in dag_message(
            registry.view(viewer), pb.SessionDagRequest(session=box.session)).artifacts)
    assert commands(found(registry, ADA, "model")) == ["train.py", "features.py", "prep.py"]
    registry.move("ada", [features.head.id], PUBLIC, show_hashes=False)
    assert commands(found(registry, BOB_, "model")) == ["train.py", "features.py"]
    assert list(registry.view(BOB_).store.record(train.head.id))


def test_nobody_blacks_out_what_others_show(registry, box):
    """Bob's private job claims to have made what Ada's public one took."""
    jobs = chain(box)
    registry.register("ada", PUBLIC, box.bundle(jobs[2]))
    other = Box(BOB, nonce=b"m" * 16)
    registry.register("bob", own_space("bob"), other.bundle(other.job("claim.py", (), ["x=features"], at=1)))
    graph = found(registry, ANYONE, "model")
    assert {one.hash for one in graph.artifacts} == {digest("model"), digest("features")}
    assert list(registry.view(ANYONE).store.record(jobs[2].head.id))


def test_a_claim_of_others_explains_only_what_nobody_of_the_own_made(registry, box):
    prep, features, train = chain(box)
    registry.register("ada", PUBLIC, box.bundle(prep, features, train))
    other = Box(BOB, nonce=b"m" * 16)
    registry.register("bob", PUBLIC, other.bundle(other.job("claim.py", (), ["/home/ada/work/features.npy=features"], at=29),
                                                  other.job("download.py", (), ["raw.csv=raw"], at=3)))
    graph = found(registry, ANYONE, "model")
    assert commands(graph) == ["train.py", "features.py", "prep.py", "download.py"]


def test_nobody_pushes_the_own_makers_out_with_many_of_theirs(registry, box, monkeypatch):
    monkeypatch.setattr(registry_store, "MAX_LINKS", 20)
    registry.register("ada", PUBLIC, box.bundle(*chain(box)))
    other = Box(BOB, nonce=b"m" * 16)
    claims = [other.job(f"claim.py {at}", (), ["/home/ada/work/features.npy=features"], at=24 + at / 100) for at in range(40)]
    registry.register("bob", PUBLIC, other.bundle(*claims))
    assert commands(found(registry, ANYONE, "model")) == ["train.py", "features.py", "prep.py"]


def test_a_claim_of_others_does_not_unmask(registry, box):
    """Bob says that he made what he guesses Ada's private job did: he does not learn whether hers took it."""
    prep, features, train = chain(box)
    registry.register("ada", own_space("ada"), box.bundle(prep, features))
    registry.register("ada", PUBLIC, box.bundle(train))
    other = Box(BOB, nonce=b"m" * 16)
    registry.register("bob", PUBLIC, other.bundle(other.job("claim.py", (), ["x=features"], at=1)))
    graph = found(registry, BOB_, "model")
    assert [one.path for one in graph.artifacts if one.hash != digest("model")] == [b"a private artifact"]
    assert not registry.view(BOB_).artifact(digest("features")).consumers
    with pytest.raises(DeniedError):
        list(registry.view(BOB_).store.record(train.head.id))


def test_moving_changes_who_sees_it(registry, box):
    jobs = chain(box)
    ids_ = [job.head.id for job in jobs]
    registry.register("ada", own_space("ada"), box.bundle(*jobs))
    assert registry.move("bob", ids_, PUBLIC, show_hashes=False) == set()
    assert registry.move("ada", ids_, PUBLIC, show_hashes=False) == set(ids_)
    assert commands(found(registry, ANYONE, "model")) == ["train.py", "features.py", "prep.py"]
    assert registry.move("ada", ids_, own_space("ada"), show_hashes=False) == set(ids_)
    with pytest.raises(NotFoundError):
        found(registry, ANYONE, "model")
    assert len(registry.registrations(ADA, ids_)) == 3
    assert registry.search(ANYONE, "train").jobs == []


def test_what_is_forgotten_leaves_nothing_and_the_log_stays_valid(registry, log, box):
    jobs = chain(box)
    done = registry.register("ada", PUBLIC, box.bundle(*jobs), said=[
        (Subject("job", jobs[0].head.id), [Item("note", "1", ("a secret",), User(1, "ada"), 5)])])
    ids_ = [job.head.id for job in jobs]
    assert registry.forget("bob", ids_) == set()
    registry.move("ada", ids_[1:2], PUBLIC, show_hashes=True)
    assert registry.forget("ada", ids_[:1]) == {ids_[0]}
    assert log.opening(done.leaf) is not None
    assert commands(found(registry, ADA, "model")) == ["train.py", "features.py"]
    assert registry.forget("ada", ids_) == set(ids_[1:])
    assert log.opening(done.leaf) is None
    with pytest.raises(NotFoundError):
        found(registry, ADA, "model")
    with log._store.read() as reader:
        left = {table.name: list(reader.walk(table)) for table in TABLES if table.name != "account_spaces"}
    assert {name: rows for name, rows in left.items() if rows} == {}
    assert log.head().size == 1 + 1 + 1 + 2
    with log._store.read() as reader:
        assert list(reader.walk(OPENINGS)) == []


def test_what_two_registered_stays_for_the_other(registry, box):
    jobs = chain(box)
    for account in ("ada", "bob"):
        registry.register(account, PUBLIC, box.bundle(*jobs))
    assert registry.account_jobs(ANYONE, "ada") and not registry.account_jobs(ANYONE, "bob")
    registry.forget("ada", [job.head.id for job in jobs])
    assert commands(found(registry, ANYONE, "model")) == ["train.py", "features.py", "prep.py"]
    assert [head.id for head in registry.account_jobs(ANYONE, "bob")] == [job.head.id for job in reversed(jobs)]
    assert [one.account for one in registry.registrations(ANYONE, [jobs[0].head.id])[jobs[0].head.id]] == ["bob"]


def test_packages_are_linked_where_a_job_made_them(registry, box):
    build = box.job("pip install x", (), (), more=[entry("output", "/venv/x.py=code", "package")])
    run = box.job("run.py", (), ["out=o"], more=[entry("input", "/venv/x.py=code", "package"),
                                                 entry("input", "/usr/lib/y.so=lib", "system")])
    registry.register("ada", PUBLIC, box.bundle(build, run))
    assert commands(found(registry, ANYONE, "o")) == ["run.py", "pip"]
    with pytest.raises(NotFoundError):
        registry.view(ANYONE).artifact(digest("lib"))


def test_what_is_said_anew_stands_in_the_place_of_what_was_said(registry, box):
    """Also where the job itself is known; what is not mentioned stays."""
    jobs = chain(box)
    subject, model = Subject("job", jobs[2].head.id), Subject("artifact", digest("model"))
    label = Item("label", "name", ("first",), User(1, "ada"), 5)
    registry.register("ada", PUBLIC, box.bundle(*jobs), said=[(subject, [label]), (model, [label])])
    registry.register("ada", PUBLIC, box.bundle(*jobs), said=[(subject, [label._replace(values=("second",))])])
    store = registry.store(ANYONE)
    assert store.said([subject, model]) == {subject: {"ada": [label._replace(values=("second",))]}, model: {"ada": [label]}}
    assert store.labelled("label", "name", "first") == [(model, 0)]
    assert registry.search(ANYONE, "second").jobs and not registry.search(ANYONE, "first").jobs
    registry.register("ada", PUBLIC, box.bundle(*jobs), said=[(subject, []), (model, [])])
    assert registry.store(ANYONE).said([subject, model]) == {} == dict(registry.store(ANYONE).labelled("label", "name"))


def test_what_is_said_must_be_of_the_bundle(registry, box):
    with pytest.raises(InvalidError, match="not in the bundle"):
        registry.register("ada", PUBLIC, box.bundle(*chain(box)), said=[
            (Subject("artifact", digest("other")), [Item("label", "k", ("v",), User(1, "ada"), 5)])])


@pytest.mark.parametrize("seed", range(3))
def test_random_histories_are_walked_as_one_box_does(registry, seed):
    """All public: the lineage that the registry finds is that of the rule, worked out naively."""
    chance = random.Random(seed)
    box, jobs = Box(nonce=bytes([seed]) * 16), []
    for number in range(30):
        takes = {f"f{chance.randrange(8)}={chance.randrange(12)}" for _ in range(chance.randrange(3))}
        makes = {f"f{chance.randrange(8)}={chance.randrange(12)}" for _ in range(chance.randrange(1, 3))}
        jobs.append(box.job(f"j{number}", takes, makes))
    for at in range(0, 30, 7):
        registry.register("ada", PUBLIC, box.bundle(*jobs[at:at + 7]))
    store = registry.store(ANYONE)
    for job in jobs:
        graph = ancestors(store, Start(job=store.job_number(job.head.id)), Limits(), lambda _: True)
        assert {store.job_id(number) for number in graph.jobs} == naive(jobs, job)


def naive(jobs: list, start) -> set[bytes]:
    seen, todo = {start.head.id}, [start]
    while todo:
        job = todo.pop()
        for taken in job.entries:
            if taken.kind == "input":
                makers = [(other, made) for other in jobs for made in other.entries
                          if made.kind == "output" and made.hash == taken.hash and other.head.started_at < job.head.started_at]
                nearest = [pair for pair in makers if pair[1].path == taken.path] or makers
                if nearest and nearest[-1][0].head.id not in seen:
                    seen.add(nearest[-1][0].head.id)
                    todo.append(nearest[-1][0])
    return seen
