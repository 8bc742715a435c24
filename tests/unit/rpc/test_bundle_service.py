"""The Bundles service over a real socket: what comes in, from whom, and who sees it then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from recorder import ADA, BOB, PROJECT, ROOT, digest, record
from test_lineage_service import caller_of

from lineage import bundle, ids
from lineage.errors import CorruptError, InvalidError, NotFoundError
from lineage.records import User
from lineage.service.service import LineageService
from lineage.service.view import View
from lineage.status import error_of
from lineage.v1 import bundle_pb2_grpc, lineage_pb2_grpc
from lineage.v1 import lineage_pb2 as pb
from roard.rpc.bundle_service import BundleService
from roard.store import Store


class Box:
    """A machine: a store, and a server that believes who calls."""

    def __init__(self, directory: Path) -> None:
        self.store = Store.open(directory / "store")
        self.server = grpc.server(ThreadPoolExecutor(4))
        lineage_pb2_grpc.add_LineageServicer_to_server(
            LineageService(lambda context: View(self.store, caller_of(context))), self.server)
        bundle_pb2_grpc.add_BundlesServicer_to_server(BundleService(self.store, caller_of), self.server)
        self.server.add_insecure_port(f"unix:{directory / 'sock'}")
        self.server.start()
        self.channel = grpc.insecure_channel(f"unix:{directory / 'sock'}")
        self.lineage = lineage_pb2_grpc.LineageStub(self.channel)
        self.bundles = bundle_pb2_grpc.BundlesStub(self.channel)

    def ask(self, method: str, request: object, user: User = ADA) -> object:
        stub = self.bundles if method in {"Import", "SessionRecord"} else self.lineage
        try:
            answer = getattr(stub, method)(request, metadata=(("uid", str(user.uid)),), timeout=30)
            return list(answer) if method in {"GetRecord", "ListEntries"} else answer
        except grpc.RpcError as failure:
            raise error_of(failure) from failure

    def packed(self, *heads, user: User = ADA) -> bundle.Raw:
        jobs = []
        for head in heads:
            first, *chunks = self.ask("GetRecord", pb.GetRecordRequest(id=head.id), user)
            jobs.append((first.data, {part.id: part.data for part in chunks}))
        sessions = {self.ask("SessionRecord", pb.GetRecordRequest(id=head.session), user).data for head in heads}
        return bundle.build("", "", sessions, jobs)

    def take(self, raw: bundle.Raw, user: User = ADA):
        return self.ask("Import", (pb.RecordPart(id=identity, data=data) for identity, data in bundle.iterate(raw)), user)

    def close(self) -> None:
        self.channel.close()
        self.server.stop(None).wait()
        self.store.close()


@pytest.fixture
def here(tmp_path):
    (tmp_path / "here").mkdir()
    box = Box(tmp_path / "here")
    yield box
    box.close()


@pytest.fixture
def there(tmp_path):
    (tmp_path / "there").mkdir()
    box = Box(tmp_path / "there")
    yield box
    box.close()


def test_from_box_to_box(here: Box, there: Box) -> None:
    made, used = record(there.store, [], ["/m=m"]), record(there.store, ["/m=m"], ["/n=n"])
    raw = there.packed(made, used)
    answer = here.take(raw, BOB)
    assert (set(answer.imported), list(answer.known), answer.sessions) == ({made.id, used.id}, [], 1)
    assert answer.bundle == raw.id
    job = here.ask("GetJob", pb.GetJobRequest(id=used.id), BOB)
    assert (job.head.user.name, job.head.imported.uid, job.head.imported.bundle) == ("ada", BOB.uid, raw.id)
    graph = here.ask("Ancestors", pb.GraphRequest(artifact=digest("n")), BOB)
    assert {head.id for head in graph.jobs} == {made.id, used.id}
    assert all(head.HasField("imported") for head in graph.jobs)
    assert here.packed(made, used, user=BOB) == raw, "and it can be handed on from here as it was"
    log = here.ask("Log", pb.LogRequest(session=used.session), BOB)
    assert [head.id for head in log.jobs] == [used.id, made.id]
    dag = here.ask("SessionDag", pb.SessionDagRequest(session=used.session), BOB)
    assert [head.id for head in dag.jobs] == [made.id, used.id]
    assert here.ask("Resolve", pb.ResolveRequest(reference="job:" + used.id.hex()[:10]), BOB).id == used.id
    assert here.ask("GetArtifact", pb.GetArtifactRequest(hash=digest("m")), BOB).producers[0].job.HasField("imported")


def test_nobody_else_sees_it_and_root_does(here: Box, there: Box) -> None:
    made = record(there.store, [], ["/m=m"])
    here.take(there.packed(made), BOB)
    questions = [("GetJob", pb.GetJobRequest(id=made.id)), ("GetRecord", pb.GetRecordRequest(id=made.id)),
                 ("ListEntries", pb.ListEntriesRequest(id=made.id)), ("Ancestors", pb.GraphRequest(job=made.id)),
                 ("Ancestors", pb.GraphRequest(artifact=digest("m"))), ("GetArtifact", pb.GetArtifactRequest(hash=digest("m"))),
                 ("GetSession", pb.GetSessionRequest(id=made.session)), ("SessionRecord", pb.GetRecordRequest(id=made.session)),
                 ("Log", pb.LogRequest(session=made.session)), ("SessionDag", pb.SessionDagRequest(session=made.session)),
                 ("Resolve", pb.ResolveRequest(reference=made.id.hex()[:12])), ("Resolve", pb.ResolveRequest(path=b"/m"))]
    for method, request in questions:
        for user in (BOB, ROOT):
            here.ask(method, request, user)
        with pytest.raises(NotFoundError):
            here.ask(method, request, ADA)
    assert list(here.ask("Log", pb.LogRequest(), ADA).jobs) == []


def test_it_has_no_at_number_here(here: Box, there: Box) -> None:
    here.take(there.packed(record(there.store, [], ["/m=m"])), ADA)
    with pytest.raises(NotFoundError):
        here.ask("Resolve", pb.ResolveRequest(reference="@1", project=PROJECT), ADA)
    mine = record(here.store, [], ["/x=x"])
    assert here.ask("Resolve", pb.ResolveRequest(reference="@", project=PROJECT), ADA).id == mine.id


def test_one_job_of_two_importers_is_one_to_root(here: Box, there: Box) -> None:
    made, used = record(there.store, [], ["/m=m"]), record(there.store, ["/m=m"], ["/n=n"])
    raw = there.packed(made, used)
    for user in (ADA, BOB):
        here.take(raw, user)
    graph = here.ask("Descendants", pb.GraphRequest(artifact=digest("m")), ROOT)
    assert [head.id for head in graph.jobs] == [used.id]
    assert len(here.ask("Log", pb.LogRequest(), ROOT).jobs) == 2


def parts(raw: bundle.Raw) -> list[pb.RecordPart]:
    return [pb.RecordPart(id=identity, data=data) for identity, data in bundle.iterate(raw)]


@pytest.mark.parametrize(("change", "error", "words"), [
    (lambda all_: all_[:0], InvalidError, "begins with"),
    (lambda all_: all_[:-1], CorruptError, "cut off"),
    (lambda all_: [*all_, all_[-1]], CorruptError, "followed by"),
    (lambda all_: [all_[0], *reversed(all_[1:])], CorruptError, "out of order"),
    (lambda all_: [*all_[:-1], pb.RecordPart(id=all_[-1].id, data=b"\x80")], CorruptError, "is promised"),
    (lambda all_: [pb.RecordPart(id=b"?" * 32, data=all_[0].data), *all_[1:]], CorruptError, "is promised"),
    (lambda all_: [pb.RecordPart(id=ids.content_id(b"\x80"), data=b"\x80"), *all_[1:]], CorruptError, "not a lineage bundle"),
])
def test_a_lie_is_refused_and_nothing_of_it_is_kept(here: Box, there: Box, change, error, words) -> None:
    raw = there.packed(record(there.store, ["/l=l"], ["/m=m"]))
    before = here.store.statistics()
    with pytest.raises(error, match=words):
        here.ask("Import", iter(change(parts(raw))))
    assert here.store.statistics() == before
    assert here.take(raw).imported, "and the next is taken"


def test_a_session_of_others_is_not_told(there: Box) -> None:
    head = record(there.store, [], ["/m=m"])
    with pytest.raises(NotFoundError):
        there.ask("SessionRecord", pb.GetRecordRequest(id=head.session), BOB)
    part = there.ask("SessionRecord", pb.GetRecordRequest(id=head.session), ADA)
    assert ids.content_id(part.data) == part.id == head.session
