"""Searches over a real store: what is found, by whom, and what was stored before there was an index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from recorder import ADA, BOB, PROJECT, ROOT, begin, digest, ended, entry, record

from lineage.errors import InvalidError
from lineage.records import User
from lineage.service import search
from lineage.service.search import search_message
from lineage.service.view import View
from lineage.v1 import lineage_pb2 as pb
from roard.rpc.caller import Caller
from roard.store import Store, upgrade
from roard.store.environment import SCHEMA_KEY, open_environment
from roard.store.pathtexts import texts_from
from roard.store.values import U64, put

Find = Callable[..., pb.SearchResponse]


@pytest.fixture
def find(store: Store) -> Find:
    def call(*globs: str, user: User = ADA, project: bytes = b"", limit: int = 0, words: tuple[str, ...] = (), prefix: str = "",
             **wanted: object) -> pb.SearchResponse:
        return search_message(View(store, Caller(user.uid, user.uid, 1)), pb.SearchRequest(
            globs=[glob.encode() for glob in globs], words=words, hash=prefix, project=project, limit=limit,
            filter=pb.JobFilter(**wanted)))
    return call


def paths(answer: pb.SearchResponse) -> list[bytes]:
    return [path for artifact in answer.artifacts for path in artifact.paths]


def test_by_path_newest_first_each_content_once(store: Store, find: Find) -> None:
    record(store, outputs=["/p/data/a.csv=old", "/p/data/b.csv=b"])
    record(store, inputs=["/p/data/b.csv=b"], outputs=["/p/data/a.csv=new", "/p/deep/data/copy.csv=b", "/p/x.csv=x"])
    answer = find("data/*.csv")
    assert [one.hash for one in answer.artifacts] == [digest("new"), digest("b"), digest("old")] or \
           [one.hash for one in answer.artifacts] == [digest("b"), digest("new"), digest("old")]
    both = next(one for one in answer.artifacts if one.hash == digest("b"))
    assert set(both.paths) == {b"/p/data/b.csv", b"/p/deep/data/copy.csv"}
    assert (both.size, both.made, both.used, len(both.makers), len(both.users)) == (1, 2, 1, 2, 1)
    assert answer.jobs == []
    assert not (answer.more_artifacts or answer.stopped or answer.indexing)
    assert paths(find("/p/*.csv")) == [b"/p/x.csv"]
    assert paths(find("/p/data/*.csv", limit=1))
    assert find("/p/data/*.csv", limit=1).more_artifacts
    assert paths(find("/no/**")) == []


def test_long_paths_that_begin_alike_and_odd_names(store: Store, find: Find) -> None:
    long = ["/" + "d" * 300 + "/" + "e" * 250 + f"/{name}.bin" for name in "ba"]
    exact = ["/" + "x" * size for size in (509, 510, 511)]
    record(store, outputs=[f"{path}={path}" for path in (*long, *exact)])
    store.finish_job(ended(begin(store), [entry("output", "/odd/x", "odd")._replace(path=b"/odd/\xff\xfe")]))
    assert set(paths(find("/" + "d" * 300 + "/**"))) == {path.encode() for path in long}
    assert paths(find(long[0])) == [long[0].encode()]
    assert [len(path) for path in sorted(paths(find("/x*")))] == [510, 511, 512]
    assert paths(find("/odd/*")) == [b"/odd/\xff\xfe"]


def test_by_words_of_paths_and_of_commands(store: Store, find: Find) -> None:
    record(store, outputs=["/p/Train-set.csv=t"], argv="python prep.py")
    job = record(store, outputs=["/p/model.pt=m"], argv="python train.py --lr 0.1")
    answer = find(words=("train",))
    assert paths(answer) == [b"/p/Train-set.csv"]
    assert [head.id for head in answer.jobs] == [job.id]
    assert find(words=("train", "lr")).jobs[0].id == job.id
    assert not find(words=("train", "lr")).artifacts


def test_by_hash_of_files_and_jobs(store: Store, find: Find) -> None:
    job = record(store, ["/in=a"], ["/out=b"])
    answer = find(prefix=digest("b").hex()[:12])
    assert [(one.hash, one.paths, one.output) for one in answer.artifacts] == [(digest("b"), [b"/out"], True)]
    assert [(one.paths, one.made, one.used) for one in find(prefix=digest("a").hex()[:12]).artifacts] == [([b"/in"], 0, 1)]
    assert [head.id for head in find(prefix=job.id.hex()[:12]).jobs] == [job.id]
    assert find(prefix=digest("b").hex()[:12], user=BOB) == pb.SearchResponse()


def test_filters_are_of_the_jobs_that_saw_it(store: Store, find: Find) -> None:
    made = record(store, outputs=["/p/a=a"], argv="make a")
    record(store, inputs=["/p/a=a"], argv="use a")
    assert find("/p/a").artifacts[0].output is False
    view = View(store, Caller(ADA.uid, ADA.uid, 1))
    answer = search_message(view, pb.SearchRequest(globs=[b"/p/a"], filter=pb.JobFilter(words=["make"])))
    assert [(one.job.id, one.output) for one in answer.artifacts] == [(made.id, True)]
    assert not search_message(view, pb.SearchRequest(globs=[b"/p/a"], filter=pb.JobFilter(host="elsewhere"))).artifacts


def test_what_is_anothers_is_not_found(store: Store, find: Find) -> None:
    record(store, outputs=["/shared/secret-plan=s", "/shared/both=same"], argv="secret command")
    record(store, outputs=["/shared/both=same"], user=BOB)
    assert paths(find("/shared/**", user=BOB)) == [b"/shared/both"]
    both = find("/shared/**", user=BOB).artifacts[0]
    assert (both.made, len(both.makers), both.makers[0].user.name) == (1, 1, "bob")
    hidden = find(words=("secret",), user=BOB)
    assert (list(hidden.artifacts), list(hidden.jobs)) == ([], [])
    assert len(find("/shared/**", user=ROOT).artifacts) == 2


def test_a_search_without_time_says_so_and_begins_with_the_project(store: Store, find: Find,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PATH_SECONDS", 0)
    record(store, outputs=["/a/x.csv=1", f"{PROJECT.decode()}/x.csv=2"])
    answer = find("*.csv", project=PROJECT)
    assert (paths(answer), answer.stopped) == ([PROJECT + b"/x.csv"], "time")


def test_everything_is_found_once_with_a_project(store: Store, find: Find) -> None:
    record(store, outputs=["/a/x.csv=1", f"{PROJECT.decode()}/x.csv=2"])
    assert sorted(paths(find("*.csv", project=PROJECT))) == [b"/a/x.csv", PROJECT + b"/x.csv"]


def test_nothing_asked_for(find: Find) -> None:
    with pytest.raises(InvalidError, match="nothing to search for"):
        find()


def test_a_store_from_before_the_index_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was left by schema 2: no texts.  In small steps, and one that was interrupted goes on."""
    with Store.open(tmp_path / "store") as store:
        for at in range(30):
            record(store, [f"/in/{at}=i{at}"], [f"/out/{at}=o{at}"], more=[entry("input", "/lib/x", "lib", "system")])
            begin(store)
        record(store, more=[entry("output", f"/many/{n}", str(n)) for n in range(9000)])
        expected = sorted(path for batch in store.path_texts(b"") for path in batch)
    assert len(expected) == 60 + 9000
    env, tables = open_environment(tmp_path / "store")
    with env.begin(write=True) as txn:
        txn.drop(tables.path_texts, delete=False)
        put(txn, tables.meta, SCHEMA_KEY, U64.pack(2))
    env.close()
    env, tables = open_environment(tmp_path / "store")
    monkeypatch.setattr(upgrade, "STEP_ENTRIES", 5000)
    with env.begin(write=True) as txn:
        assert upgrade.index_older(txn, tables)  # one step, and then roard was killed
        assert 4000 < len(texts_from(txn, tables, b"", None, 100_000)[0]) < 9000
    env.close()
    with Store.open(tmp_path / "store") as store:
        record(store, outputs=["/new=n"])  # beside it
        while store.indexing():
            pass
        assert sorted(path for batch in store.path_texts(b"") for path in batch) == sorted([*expected, b"/new"])
        found = search_message(View(store, Caller(ADA.uid, ADA.uid, 1)), pb.SearchRequest(globs=[b"/out/7"]))
        assert [one.hash for one in found.artifacts] == [digest("o7")]
