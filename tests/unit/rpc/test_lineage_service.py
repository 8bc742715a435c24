"""The Lineage service over a real socket: what it answers, to whom, and how it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from recorder import ADA, BOB, PROJECT, ROOT, begin, digest, ended, entries, entry, record

from lineage import ids, wire
from lineage.errors import AmbiguousError, CorruptError, InvalidError, NotFoundError, RoarError
from lineage.records import User
from lineage.service.errors import answered
from lineage.service.service import LineageService
from lineage.service.view import View
from lineage.status import error_of
from lineage.v1 import lineage_pb2 as pb
from lineage.v1 import lineage_pb2_grpc
from lineage.v1 import records_pb2 as records
from roard.rpc.caller import Caller
from roard.store import Store


def caller_of(context: grpc.ServicerContext) -> Caller:
    uid = int(dict(context.invocation_metadata())["uid"])
    return Caller(uid=uid, gid=uid, pid=1)


def serve(service: LineageService, socket: Path) -> grpc.Server:
    server = grpc.server(ThreadPoolExecutor(4))
    lineage_pb2_grpc.add_LineageServicer_to_server(service, server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


@dataclass
class Client:
    stub: lineage_pb2_grpc.LineageStub
    user: User = ADA

    def __getattr__(self, method: str) -> Callable[..., object]:
        """Unary answers as they are, streams as lists; what the server refused as the error that it raised."""
        def call(request: object) -> object:
            try:
                answer = getattr(self.stub, method)(request, metadata=(("uid", str(self.user.uid)),), timeout=30)
                return list(answer) if method in {"ListEntries", "GetRecord"} else answer
            except grpc.RpcError as failure:
                raise error_of(failure) from failure
        return call

    def resolve(self, reference: str, project: bytes = PROJECT) -> pb.ResolveResponse:
        return self.Resolve(pb.ResolveRequest(reference=reference, project=project))


@pytest.fixture
def ada(store: Store, tmp_path: Path) -> Iterator[Client]:
    server = serve(LineageService(lambda context: View(store, caller_of(context))), tmp_path / "sock")
    with grpc.insecure_channel(f"unix:{tmp_path / 'sock'}") as channel:
        yield Client(lineage_pb2_grpc.LineageStub(channel))
    server.stop(None).wait()


@pytest.fixture
def bob(ada: Client) -> Client:
    return Client(ada.stub, BOB)


@pytest.fixture
def root(ada: Client) -> Client:
    return Client(ada.stub, ROOT)


# -- references -------------------------------------------------------------------------------------------------------


def test_jobs_by_number_and_from_the_newest(store: Store, ada: Client) -> None:
    heads = [record(store, outputs=[f"/o={index}"]) for index in range(4)]
    for reference, index in [("@", 3), ("@4", 3), ("@1", 0), ("@~0", 3), ("@~2", 1), ("@~3", 0)]:
        answer = ada.resolve(reference)
        assert (answer.kind, answer.id) == ("job", heads[index].id), reference
    for reference in ("@5", "@0", "@~4"):
        with pytest.raises(NotFoundError) as caught:
            ada.resolve(reference)
        assert caught.value.hint


def test_a_running_job_is_the_newest_and_answers_with_its_run(store: Store, ada: Client) -> None:
    done = record(store)
    running = begin(store)
    assert ada.resolve("@").id == ada.resolve("@2").id == running.run
    assert ada.resolve("@~1").id == done.id
    assert ada.resolve(running.run.hex()[:8]).id == running.run
    assert ada.resolve("job:" + running.run.hex()).id == running.run


def test_numbers_left_out_are_not_counted_back_over(store: Store, ada: Client) -> None:
    first, never, last = record(store), begin(store), begin(store)
    store.forget_job(never.run)
    last = store.finish_job(ended(last))
    assert ada.resolve("@~1").id == first.id
    with pytest.raises(NotFoundError):
        ada.resolve("@2")
    assert ada.resolve("@3").id == last.id


def test_numbers_are_of_the_callers_session_in_the_project(store: Store, ada: Client, bob: Client) -> None:
    mine, theirs = record(store), record(store, user=BOB)
    assert ada.resolve("@1").id == mine.id
    assert bob.resolve("@1").id == theirs.id
    with pytest.raises(NotFoundError, match="no session"):
        ada.resolve("@1", b"/elsewhere")
    with pytest.raises(InvalidError):
        ada.resolve("@1", b"")


def test_ids_by_prefix_with_and_without_their_kind(store: Store, ada: Client) -> None:
    head = record(store, outputs=["/o=content"])
    for kind, identity in [("job", head.id), ("artifact", digest("content")), ("session", head.session)]:
        for digits in (9, 12, 64):
            prefix = identity.hex()[:digits]
            for reference in (prefix, f"{kind}:{prefix}", prefix.upper()):
                answer = ada.resolve(reference)
                assert (answer.kind, answer.id) == (kind, identity)
    with pytest.raises(NotFoundError):
        ada.resolve(f"session:{head.id.hex()[:12]}")


def test_the_run_of_a_job_that_has_ended_still_names_it(store: Store, ada: Client) -> None:
    head = record(store)
    assert ada.resolve(head.run.hex()).id == head.id
    assert ada.GetJob(pb.GetJobRequest(id=head.run)).head.id == head.id


def test_an_ambiguous_prefix_lists_what_it_could_mean(store: Store, ada: Client) -> None:
    by_prefix: dict[str, list[str]] = {}
    for index in range(600):  # 4 digits have 65,536 values: among 600 two that are alike are nearly certain
        by_prefix.setdefault(digest(str(index)).hex()[:4], []).append(str(index))
    prefix, contents = next((prefix, found) for prefix, found in by_prefix.items() if len(found) == 2)
    record(store, outputs=[f"/data/{content}={content}" for content in contents])
    with pytest.raises(AmbiguousError) as caught:
        ada.resolve("artifact:" + prefix)
    assert set(caught.value.candidates) == {f"artifact:{digest(one).hex()[:12]}  /data/{one}" for one in contents}
    assert ada.resolve(caught.value.candidates[0].split()[0]).kind == "artifact"


@pytest.mark.parametrize("reference", [
    "", "abc", "model.pt", "@x", "@-1", "@~", "job:", "planet:abcd", "0x1234", "@" + "9" * 40])
def test_what_is_no_reference_is_said_with_what_is(ada: Client, reference: str) -> None:
    with pytest.raises(InvalidError) as caught:
        ada.resolve(reference)
    assert "@3" in caught.value.hint


def test_a_path_names_its_present_content_or_the_newest_seen_there(store: Store, ada: Client) -> None:
    record(store, outputs=["/f=old"])
    record(store, outputs=["/f=new"])

    def by_path(path: bytes, content: str | None) -> pb.ResolveResponse:
        return ada.Resolve(pb.ResolveRequest(path=path, hash=digest(content) if content else b"", project=PROJECT))

    for path, content, found, changed in [(b"/f", "old", "old", False), (b"/moved", "old", "old", False),
                                          (b"/f", "edited", "new", True), (b"/f", None, "new", True)]:
        answer = by_path(path, content)
        assert (answer.kind, answer.id, answer.path, answer.changed) == ("artifact", digest(found), path, changed)
    with pytest.raises(NotFoundError):
        by_path(b"/g", "edited")


# -- what is not the caller's does not exist --------------------------------------------------------------------------


def test_others_see_nothing_of_it_and_root_sees_all(store: Store, ada: Client, bob: Client, root: Client) -> None:
    head = record(store, ["/in=a"], ["/out=b"])
    running = begin(store)
    questions = [
        ("GetJob", pb.GetJobRequest(id=head.id)), ("GetJob", pb.GetJobRequest(id=running.run)),
        ("GetJob", pb.GetJobRequest(id=head.run)), ("ListEntries", pb.ListEntriesRequest(id=head.id)),
        ("GetArtifact", pb.GetArtifactRequest(hash=digest("b"))), ("GetSession", pb.GetSessionRequest(id=head.session)),
        ("GetRecord", pb.GetRecordRequest(id=head.id)), ("Log", pb.LogRequest(session=head.session)),
        ("SessionDag", pb.SessionDagRequest(session=head.session)), ("Ancestors", pb.GraphRequest(job=head.id)),
        ("Ancestors", pb.GraphRequest(artifact=digest("b"))), ("Descendants", pb.GraphRequest(artifact=digest("a"))),
        ("Resolve", pb.ResolveRequest(reference=head.id.hex()[:10])),
        ("Resolve", pb.ResolveRequest(reference=running.run.hex()[:10])),
        ("Resolve", pb.ResolveRequest(reference=head.run.hex())),
        ("Resolve", pb.ResolveRequest(reference=digest("a").hex()[:10])),
        ("Resolve", pb.ResolveRequest(reference=head.session.hex()[:10])),
        ("Resolve", pb.ResolveRequest(path=b"/out", hash=digest("b"))),
    ]
    for method, request in questions:
        getattr(ada, method)(request)
        getattr(root, method)(request)
        with pytest.raises(NotFoundError):
            getattr(bob, method)(request)
    assert list(bob.Log(pb.LogRequest()).jobs) == []
    assert len(root.Log(pb.LogRequest()).jobs) == 2


def test_hidden_and_missing_look_alike(store: Store, bob: Client) -> None:
    head = record(store)
    messages = []
    for identity in (head.id, bytes(32)):
        with pytest.raises(NotFoundError) as caught:
            bob.GetJob(pb.GetJobRequest(id=identity))
        messages.append((caught.value.message.replace(identity.hex()[:12], "…"), caught.value.hint))
    assert messages[0] == messages[1]


def test_of_a_shared_artifact_each_sees_their_own_jobs(store: Store, ada: Client, bob: Client) -> None:
    mine = record(store, outputs=["/shared=s"])
    theirs = record(store, ["/shared=s"], ["/bobs=b"], user=BOB)
    seen = ada.GetArtifact(pb.GetArtifactRequest(hash=digest("s")))
    assert ([one.job.id for one in seen.producers], len(seen.consumers)) == ([mine.id], 0)
    seen = bob.GetArtifact(pb.GetArtifactRequest(hash=digest("s")))
    assert (len(seen.producers), [one.job.id for one in seen.consumers]) == (0, [theirs.id])
    graph = bob.Ancestors(pb.GraphRequest(job=theirs.id))
    assert [job.id for job in graph.jobs] == [theirs.id]
    assert [(one.path, one.produced) for one in graph.artifacts] == [(b"/shared", False)]


# -- records ----------------------------------------------------------------------------------------------------------


def test_a_job_comes_whole(store: Store, ada: Client) -> None:
    head = record(store, ["/in=a"], ["/out=b"], more=[entry("output", "/torn", None)])
    job = wire.job_from(ada.GetJob(pb.GetJobRequest(id=head.id)), [
        wire.entry_from(one) for page in ada.ListEntries(pb.ListEntriesRequest(id=head.id)) for one in page.entries])
    assert job == store.job(head.id)


def test_a_running_job_has_a_head_and_no_entries_yet(store: Store, ada: Client) -> None:
    head = begin(store)
    assert wire.head_from(ada.GetJob(pb.GetJobRequest(id=head.run)).head) == head
    assert ada.ListEntries(pb.ListEntriesRequest(id=head.run)) == []
    assert [job.run for job in ada.Ancestors(pb.GraphRequest(job=head.run)).jobs] == [head.run]
    with pytest.raises(NotFoundError, match="still runs"):
        ada.GetRecord(pb.GetRecordRequest(id=head.run))


def test_entries_come_in_pages_and_by_kind_and_role(store: Store, ada: Client) -> None:
    found = [entry("input", f"/in/{index}", str(index), "data" if index % 2 else "system") for index in range(2500)]
    head = record(store, outputs=["/out=b"], more=found)
    pages = ada.ListEntries(pb.ListEntriesRequest(id=head.id))
    assert [len(page.entries) for page in pages] == [1000, 1000, 501]
    assert {wire.entry_from(one) for page in pages for one in page.entries} == {*found, *entries(outputs=["/out=b"])}

    def count(**asked: list[str]) -> int:
        return sum(len(page.entries) for page in ada.ListEntries(pb.ListEntriesRequest(id=head.id, **asked)))

    assert (count(kinds=["output"]), count(roles=["data"]), count(kinds=["input"], roles=["system"])) == (1, 1251, 1250)
    for asked in ({"kinds": ["planet"]}, {"roles": ["planet"]}):
        with pytest.raises(InvalidError):
            count(**asked)


def test_pages_of_long_paths_stay_below_the_limit_of_a_message(store: Store, ada: Client) -> None:
    head = record(store, more=[entry("output", f"/{index}/" + "x" * 4000, str(index)) for index in range(1500)])
    pages = ada.ListEntries(pb.ListEntriesRequest(id=head.id))
    assert sum(len(page.entries) for page in pages) == 1500
    assert max(page.ByteSize() for page in pages) < 2 << 20


def test_an_artifact_knows_who_made_and_who_read_it_newest_first(store: Store, ada: Client) -> None:
    makers = [record(store, outputs=["/f=same", "/g=same"]) for _ in range(3)]
    reader = record(store, ["/f=same"])
    seen = ada.GetArtifact(pb.GetArtifactRequest(hash=digest("same")))
    assert (seen.hash, seen.size, seen.truncated) == (digest("same"), 4, False)
    assert [(one.job.id, one.entry.path) for one in seen.producers] == [
        (head.id, path) for head in makers[::-1] for path in (b"/f", b"/g")]
    assert [(one.job.id, one.entry.kind) for one in seen.consumers] == [(reader.id, "input")]
    few = ada.GetArtifact(pb.GetArtifactRequest(hash=digest("same"), limit=2))
    assert (len(few.producers), few.truncated) == (2, True)


def test_sessions_by_id_and_by_project(store: Store, ada: Client) -> None:
    head = record(store)
    session = store.session(head.session)
    assert wire.session_from(ada.GetSession(pb.GetSessionRequest(id=head.session))) == session
    assert wire.session_from(ada.GetSession(pb.GetSessionRequest(project=PROJECT))) == session
    with pytest.raises(InvalidError):
        ada.GetSession(pb.GetSessionRequest())


def test_the_record_recomputes_the_id(store: Store, ada: Client) -> None:
    head = record(store, ["/in=a"], ["/out=b"])
    parts = {part.id: part.data for part in ada.GetRecord(pb.GetRecordRequest(id=head.id))}
    assert all(ids.content_id(data) == identity for identity, data in parts.items())
    assert ids.decode_job(parts[head.id], parts.__getitem__) == store.job(head.id)


def test_the_log_has_running_and_finished_jobs_newest_first(store: Store, ada: Client) -> None:
    first = begin(store, started_at=10)
    second = store.finish_job(ended(begin(store, started_at=20)))
    third = begin(store, started_at=30)
    elsewhere = store.finish_job(ended(begin(store, project=b"/other", started_at=40)))
    record(store, user=BOB)
    runs = [head.run for head in (elsewhere, third, second, first)]
    assert [job.run for job in ada.Log(pb.LogRequest()).jobs] == runs
    assert [job.run for job in ada.Log(pb.LogRequest(project=PROJECT)).jobs] == runs[1:]
    assert [job.run for job in ada.Log(pb.LogRequest(session=elsewhere.session)).jobs] == runs[:1]
    few = ada.Log(pb.LogRequest(limit=2))
    assert ([job.run for job in few.jobs], few.truncated) == (runs[:2], True)
    assert not ada.Log(pb.LogRequest(limit=4)).truncated


# -- graphs -----------------------------------------------------------------------------------------------------------


def edges(graph: pb.Graph) -> set[tuple[str, str, str]]:
    """(from, to) as "@n" and paths, in the direction in which content went."""
    found = set()
    for edge in graph.edges:
        job, artifact = f"@{graph.jobs[edge.job].number}", graph.artifacts[edge.artifact].path.decode()
        found.add((job, artifact) if edge.output else (artifact, job))
    return found


def pipeline(store: Store) -> None:
    record(store, ["/raw=a"], ["/clean=b"], more=[entry("input", "/etc/conf", "k", "config")], argv="python prep.py")
    record(store, ["/clean=b"], ["/model=c"], more=[entry("input", "/train.py", "t", "source"),
                                                     entry("output", "/tmp/cache", "x", "temporary")])
    record(store, ["/model=c"], ["/plot=d"], more=[entry("input", "/tmp/cache", "x", "temporary")])


def test_ancestors_reach_the_roots_of_the_shown_roles(store: Store, ada: Client) -> None:
    pipeline(store)
    graph = ada.Ancestors(pb.GraphRequest(artifact=digest("d"), path=b"/plot"))
    assert [job.number for job in graph.jobs] == [3, 2, 1]
    assert edges(graph) == {
        ("@3", "/plot"), ("/model", "@3"), ("@2", "/model"), ("/clean", "@2"), ("/train.py", "@2"), ("@1", "/clean"),
        ("/raw", "@1"), ("/tmp/cache", "@3"), ("@2", "/tmp/cache")}, "what lies between jobs is there whatever its role"
    assert {(one.path, one.role, one.size, one.produced) for one in graph.artifacts} == {
        (b"/plot", "data", 1, True), (b"/model", "data", 1, True), (b"/clean", "data", 1, True),
        (b"/train.py", "source", 1, False), (b"/raw", "data", 1, False), (b"/tmp/cache", "temporary", 1, True)}
    assert graph.truncated == ""


def test_roots_of_other_roles_are_listed_when_asked_for(store: Store, ada: Client) -> None:
    pipeline(store)
    graph = ada.Ancestors(pb.GraphRequest(artifact=digest("b"), roles=["config"]))
    assert edges(graph) == {("@1", "/clean"), ("/etc/conf", "@1")}
    with pytest.raises(InvalidError):
        ada.Ancestors(pb.GraphRequest(artifact=digest("b"), roles=["planet"]))


def test_descendants_reach_the_leaves(store: Store, ada: Client) -> None:
    pipeline(store)
    graph = ada.Descendants(pb.GraphRequest(artifact=digest("a"), path=b"/raw"))
    assert [job.number for job in graph.jobs] == [1, 2, 3]
    assert edges(graph) == {("/raw", "@1"), ("@1", "/clean"), ("/clean", "@2"), ("@2", "/model"), ("/model", "@3"),
                            ("@3", "/plot"), ("@2", "/tmp/cache"), ("/tmp/cache", "@3")}
    assert {one.path for one in graph.artifacts if not one.produced} == {b"/raw"}


def test_a_start_without_a_past_or_a_future_is_shown(store: Store, ada: Client) -> None:
    pipeline(store)
    for walk, content, path in [(ada.Ancestors, "a", b"/raw"), (ada.Descendants, "d", b"/plot")]:
        graph = walk(pb.GraphRequest(artifact=digest(content)))
        assert ([*graph.jobs], [one.path for one in graph.artifacts]) == ([], [path])


def test_limits_are_obeyed_and_said(store: Store, ada: Client) -> None:
    for index in range(1, 20):
        record(store, [f"/f{index - 1}=f{index - 1}"], [f"/f{index}=f{index}"])
    graph = ada.Ancestors(pb.GraphRequest(artifact=digest("f19"), depth=2))
    assert ([job.number for job in graph.jobs], graph.truncated) == ([19, 18], "depth")
    assert {one.path: one.produced for one in graph.artifacts} == {b"/f19": True, b"/f18": True, b"/f17": True}
    graph = ada.Ancestors(pb.GraphRequest(artifact=digest("f19"), max_nodes=10))
    assert (len(graph.jobs) + len(graph.artifacts), graph.truncated) == (10, "nodes")
    assert len(ada.Ancestors(pb.GraphRequest(artifact=digest("f19"), depth=10**6, max_nodes=10**9)).jobs) == 19


@pytest.mark.parametrize("request_", [pb.GraphRequest(), pb.GraphRequest(job=b"j" * 32, artifact=b"a" * 32)])
def test_a_walk_starts_from_one_thing(ada: Client, request_: pb.GraphRequest) -> None:
    with pytest.raises(InvalidError):
        ada.Ancestors(request_)


def test_the_dag_of_a_session(store: Store, ada: Client) -> None:
    pipeline(store)
    running = begin(store)
    graph = ada.SessionDag(pb.SessionDagRequest(project=PROJECT))
    assert [job.run for job in graph.jobs][-1] == running.run
    assert [job.number for job in graph.jobs] == [1, 2, 3, 4]
    assert edges(graph) == {("/raw", "@1"), ("@1", "/clean"), ("/clean", "@2"), ("/train.py", "@2"), ("@2", "/model"),
                            ("/model", "@3"), ("@3", "/plot")}
    assert ada.SessionDag(pb.SessionDagRequest(session=running.session)) == graph
    assert ada.SessionDag(pb.SessionDagRequest(project=PROJECT, max_nodes=5)).truncated == "nodes"


def test_graphs_of_jobs_that_overlapped_say_who_made_what(store: Store, ada: Client) -> None:
    """@1 began first and read what @2 wrote; @3 made it again, but later."""
    server, maker = begin(store, started_at=10), begin(store, started_at=20)
    store.finish_job(ended(maker, entries(["/raw=r"], ["/spool=x"]), ended_at=30))
    server = store.finish_job(ended(server, entries(["/spool=x"], ["/out=y"]), ended_at=90))
    store.finish_job(ended(begin(store, started_at=100), entries(["/raw=r"], ["/spool=x"])))
    for graph in (ada.SessionDag(pb.SessionDagRequest(project=PROJECT)), ada.Ancestors(pb.GraphRequest(job=server.id))):
        made = {(graph.jobs[edge.maker].number, graph.artifacts[edge.artifact].path, graph.jobs[edge.job].number)
                for edge in graph.edges if edge.HasField("maker")}
        assert made == {(2, b"/spool", 1)}
    down = ada.Descendants(pb.GraphRequest(artifact=digest("r")))
    assert {down.jobs[edge.maker].number for edge in down.edges if edge.HasField("maker")} == {2}
    assert [job.number for job in ada.SessionDag(pb.SessionDagRequest(project=PROJECT)).jobs] == [1, 2, 3]


def test_a_maker_beyond_the_limit_is_not_named(store: Store, ada: Client) -> None:
    pipeline(store)
    graph = ada.Ancestors(pb.GraphRequest(artifact=digest("d"), depth=1))
    assert ([job.number for job in graph.jobs], graph.truncated) == ([3], "depth")
    assert not any(edge.HasField("maker") for edge in graph.edges)


def test_the_log_of_jobs_that_overlapped_is_cut_by_when_they_began(store: Store, ada: Client) -> None:
    """The one that began first ends last."""
    heads = [begin(store, started_at=10 * index) for index in range(5)]
    for head in reversed(heads):
        store.finish_job(ended(head))
    for request in (pb.LogRequest(limit=2), pb.LogRequest(project=PROJECT, limit=2)):
        assert [job.number for job in ada.Log(request).jobs] == [5, 4]


# -- failures ---------------------------------------------------------------------------------------------------------


def test_ids_of_impossible_length_are_refused(ada: Client) -> None:
    with pytest.raises(InvalidError):
        ada.GetJob(pb.GetJobRequest(id=b"short"))
    with pytest.raises(NotFoundError):
        ada.GetArtifact(pb.GetArtifactRequest(hash=b"short"))


class Broken(LineageService):
    """Handlers that fail in the ways in which handlers fail."""

    @answered
    def GetSession(self, request: pb.GetSessionRequest, context: grpc.ServicerContext) -> records.Session:  # noqa: N802
        raise CorruptError("a damaged page", "run `roard fsck`")

    @answered
    def Log(self, request: pb.LogRequest, context: grpc.ServicerContext) -> pb.LogResponse:  # noqa: N802
        raise KeyError("a secret of the inside")

    @answered
    def ListEntries(self, request: object, context: grpc.ServicerContext) -> Iterator[pb.EntryPage]:  # noqa: N802
        yield pb.EntryPage()
        raise CorruptError("a damaged page", "run `roard fsck`")


def test_errors_travel_whole_and_defects_stay_inside(
        store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(Broken(lambda context: View(store, caller_of(context))), tmp_path / "broken")
    with grpc.insecure_channel(f"unix:{tmp_path / 'broken'}") as channel:
        client = Client(lineage_pb2_grpc.LineageStub(channel))
        for method, request in [("GetSession", pb.GetSessionRequest()), ("ListEntries", pb.ListEntriesRequest())]:
            with pytest.raises(CorruptError, match="a damaged page") as caught:
                getattr(client, method)(request)
            assert caught.value.hint == "run `roard fsck`"
        with caplog.at_level(logging.ERROR), pytest.raises(RoarError) as defect:
            client.Log(pb.LogRequest())
        assert "secret" not in defect.value.message
        assert "a secret of the inside" in caplog.text
        assert "Traceback" in caplog.text
    server.stop(None).wait()


def test_a_job_that_ends_is_found_all_the_while(store: Store, ada: Client) -> None:
    """By its run, from its beginning on, whatever happens in between."""
    head = begin(store)
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(lambda: [ada.GetJob(pb.GetJobRequest(id=head.run)).head.run for _ in range(100)])
        store.finish_job(ended(head, entries(["/in=a"], ["/out=b"])))
        assert set(asking.result()) == {head.run}
    assert ada.GetJob(pb.GetJobRequest(id=head.run)).head.id == store.job_of_run(head.run)
