"""The Connect protocol of a served registry, spoken by hand: https://connectrpc.com/docs/protocol."""

from __future__ import annotations

import gzip
import json
import socket
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from google.protobuf.struct_pb2 import Struct
from made_bundles import Box
from served import Served, file_of

from lineage import merkle, wire
from lineage.annotations import Annotations, Item, Subject
from lineage.annotationwire import annotated_to
from lineage.errors import NotFoundError, of_document
from lineage.records import User
from lineage.transparency import verify_opening
from lineage.v1 import annotations_pb2, lineage_pb2, records_pb2
from lineage.v1 import registry_pb2 as pb
from lineage.wire_log import head_of

PROTO = {"Content-Type": "application/proto"}
STREAM = {"Content-Type": "application/connect+proto"}
BOX = Box(nonce=b"connect" * 2 + b"!!")
JOB = BOX.job("python train.py", ["data.csv=data"], ["model.pt=model"])


class Connected:
    def __init__(self, served: Served) -> None:
        self.served = served
        self.ada = served.token("ada")
        said = annotated_to(Annotations(Subject("job", JOB.head.id), (Item("label", "name", ("best",), User(1000, "ada"), 7),)))
        self.request = pb.RegisterBundleRequest(bundle=file_of(BOX.bundle(JOB)), space="public", said=[said])
        self.registered = self.post("Registry/RegisterBundle", self.request, self.ada)

    def post(self, method: str, message: object, token: str = "", **headers: str) -> httpx.Response:
        data = message if isinstance(message, bytes) else message.SerializeToString()  # type: ignore[attr-defined]
        with self.served.client(token) as client:
            return client.post(f"/lineage.v1.{method}", content=data, headers={**PROTO, **headers})


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    with Served(tmp_path_factory.mktemp("connect")) as served:
        yield Connected(served)


def envelope(data: bytes, flags: int = 0) -> bytes:
    return bytes([flags]) + len(data).to_bytes(4, "big") + data


def enveloped(stream: bytes) -> tuple[list[bytes], dict]:
    """(messages, what the end says)."""
    messages = []
    while stream:
        flags, size = stream[0], int.from_bytes(stream[1:5], "big")
        data, stream = stream[5:5 + size], stream[5 + size:]
        if flags & 2:
            assert not stream
            return messages, json.loads(data)
        messages.append(data)
    raise AssertionError("the stream has no end")


def test_registering_proves_itself(connected: Connected) -> None:
    """The answer has all that shows that the log has it."""
    assert 200 == connected.registered.status_code
    assert "application/proto" == connected.registered.headers["content-type"]
    answer = pb.RegisterBundleResponse.FromString(connected.registered.content)
    assert [JOB.head.id] == list(answer.registered)
    opening, _ = verify_opening(answer.proof.opening, answer.proof.entry)
    assert (answer.bundle, "ada", "public") == (opening.bundle, opening.account, opening.space)
    head, _ = head_of(answer.proof.head)
    head.verify()
    merkle.verify_inclusion(merkle.leaf_hash(answer.proof.entry), answer.proof.index, answer.proof.size,
                            list(answer.proof.path), head.root)
    again = pb.RegisterBundleResponse.FromString(connected.post("Registry/RegisterBundle", connected.request,
                                                                connected.ada).content)
    assert ([], [JOB.head.id]) == (list(again.registered), list(again.known))


def test_messages_as_json(connected: Connected) -> None:
    with connected.served.client() as client:
        answer = client.post("/lineage.v1.Lineage/GetJob", json={"id": b64encode(JOB.head.id).decode(), "unknown": 1})
    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert b64encode(JOB.head.run).decode() == answer.json()["head"]["run"]


def test_who_one_is(connected: Connected) -> None:
    own = pb.Account.FromString(connected.post("Registry/WhoAmI", b"", connected.ada).content)
    assert ("ada", ["read", "register"]) == (own.name, list(own.scopes))
    assert pb.Account() == pb.Account.FromString(connected.post("Registry/WhoAmI", b"").content)


def test_a_stream(connected: Connected) -> None:
    request = envelope(lineage_pb2.ListEntriesRequest(id=JOB.head.id).SerializeToString())
    answer = connected.post("Lineage/ListEntries", request, **STREAM)
    assert (200, "application/connect+proto") == (answer.status_code, answer.headers["content-type"])
    messages, end = enveloped(answer.content)
    assert {} == end
    entries = [wire.entry_from(entry) for data in messages for entry in lineage_pb2.EntryPage.FromString(data).entries]
    assert JOB.entries == tuple(entries)


def test_an_error_travels_whole(connected: Connected) -> None:
    answer = connected.post("Lineage/GetJob", lineage_pb2.GetJobRequest(id=b"\1" * 32))
    error = answer.json()
    assert (404, "not_found") == (answer.status_code, error["code"])
    made = of_document(error["details"][0]["debug"])
    assert isinstance(made, NotFoundError)
    assert (error["message"], True) == (made.message, bool(made.hint))
    assert made.document() == json.loads(b64decode(answer.headers["trailer-roar-error-bin"]))
    value = error["details"][0]["value"]
    detail = Struct.FromString(b64decode(value + "=" * (-len(value) % 4)))
    assert made.document() == dict(detail)


def test_an_ambiguous_prefix_lists_its_candidates(connected: Connected) -> None:
    box = Box(nonce=b"ambiguous" + b"!" * 7)
    jobs = [box.job(f"python {number}.py", [], [f"{number}=x{number}"]) for number in range(600)]
    ids = sorted(job.head.id.hex() for job in jobs)
    prefix = next((one[:4] for one, other in pairwise(ids) if one[:4] == other[:4]), None)
    assert prefix is not None
    connected.post("Registry/RegisterBundle", pb.RegisterBundleRequest(bundle=file_of(box.bundle(*jobs))), connected.ada)
    answer = connected.post("Lineage/Resolve", lineage_pb2.ResolveRequest(reference=f"job:{prefix}"), connected.ada)
    assert (400, "failed_precondition") == (answer.status_code, answer.json()["code"])
    assert len(answer.json()["details"][0]["debug"]["candidates"]) > 1


def test_an_error_in_a_stream(connected: Connected) -> None:
    """Its status is 200: the end says it, with the whole error."""
    request = envelope(lineage_pb2.GetRecordRequest(id=b"\1" * 32).SerializeToString())
    answer = connected.post("Lineage/GetRecord", request, **STREAM)
    messages, end = enveloped(answer.content)
    assert (200, [], "not_found") == (answer.status_code, messages, end["error"]["code"])
    assert "not_found" == json.loads(b64decode(end["metadata"]["roar-error-bin"][0]))["code"]


@pytest.mark.parametrize(("headers", "status"), [
    ({"Content-Type": "text/plain"}, 415), ({"Content-Type": ""}, 415), ({"Content-Type": "application/connect+proto"}, 415),
    ({"Content-Encoding": "gzip"}, 501), ({"Connect-Timeout-Ms": "soon"}, 400), ({"Connect-Timeout-Ms": "9" * 11}, 400),
])
def test_requests_that_are_none(connected: Connected, headers: dict[str, str], status: int) -> None:
    answer = connected.post("Lineage/GetJob", lineage_pb2.GetJobRequest(id=JOB.head.id), **headers)
    assert status == answer.status_code
    if status == 415:
        assert "application/proto" in answer.headers["accept-post"]
    else:
        assert {"code", "message"} <= answer.json().keys()


def test_nothing_is_unpacked(connected: Connected) -> None:
    """A small request that says it is compressed may become a large one."""
    bomb = gzip.compress(b"\0" * (100 << 20), 1)
    answer = connected.post("Registry/Known", bomb, connected.ada, **{"Content-Encoding": "gzip"})
    assert 501 == answer.status_code
    stream = connected.post("Lineage/ListEntries", envelope(bomb[:1000], 1), **STREAM)
    assert "unimplemented" == enveloped(stream.content)[1]["error"]["code"]


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x0a\xff", b"\x0a\x7f\x00"])
def test_what_is_no_message(connected: Connected, data: bytes) -> None:
    answer = connected.post("Lineage/GetJob", data)
    assert (400, "invalid_argument") == (answer.status_code, answer.json()["code"])
    assert "invalid_argument" == enveloped(connected.post("Lineage/GetRecord", data, **STREAM).content)[1]["error"]["code"]


def test_methods_that_there_are_not(connected: Connected) -> None:
    assert 404 == connected.post("Lineage/Nothing", b"").status_code
    assert 404 == connected.post("Bundles/Import", b"").status_code  # clients stream to it: gRPC alone has that
    with connected.served.client() as client:
        assert 405 == client.get("/lineage.v1.Lineage/GetJob").status_code


def test_a_deadline(connected: Connected) -> None:
    answer = connected.post("Lineage/Log", lineage_pb2.LogRequest(), **{"Connect-Timeout-Ms": "0"})
    assert (504, "deadline_exceeded") == (answer.status_code, answer.json()["code"])


def test_large_requests_are_refused_before_they_are_read(connected: Connected) -> None:
    big = pb.KnownRequest(jobs=[b"\1" * 32] * 40_000)
    answer = connected.post("Registry/Known", big, connected.ada)
    assert (413, "resource_exhausted") == (answer.status_code, answer.json()["code"])
    assert "1 MB" in answer.json()["message"]
    host, port = connected.served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall(b"POST /lineage.v1.Registry/RegisterBundle HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    b"Authorization: Bearer " + connected.ada.encode() + b"\r\n"
                    b"Content-Type: application/proto\r\nContent-Length: 1000000000\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_bundles_of_strangers_are_not_read(connected: Connected) -> None:
    """Who may not register is told so before 64 MB of theirs are in memory; and JSON is for small things."""
    host, port = connected.served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall(b"POST /lineage.v1.Registry/RegisterBundle HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    b"Content-Type: application/proto\r\nContent-Length: 60000000\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 401 ")
    with connected.served.client(connected.ada) as client:
        answer = client.post("/lineage.v1.Registry/RegisterBundle", json={"bundle": "A" * (5 << 20)})
    assert (413, "resource_exhausted") == (answer.status_code, answer.json()["code"])


def test_chunked_requests_are_counted(connected: Connected) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b"\0" * 65536

    with connected.served.client(connected.ada) as client:
        try:
            answer = client.post("/lineage.v1.Registry/Known", content=pieces(), headers=PROTO)
        except httpx.WriteError:
            return  # it had answered and closed before all was sent
    assert 413 == answer.status_code


def test_what_is_said_of_things(connected: Connected) -> None:
    """By the job's id in the registry's own way, by its run as roard has it."""
    listed = pb.ListSaidResponse.FromString(connected.post(
        "Registry/ListSaid", pb.ListSaidRequest(subjects=[annotations_pb2.Subject(kind="job", id=JOB.head.id)])).content)
    assert [("name", ["best"])] == [(item.key, list(item.values)) for one in listed.annotated for item in one.items]
    for identity in (JOB.head.id, JOB.head.run):
        request = annotations_pb2.ListAnnotationsRequest(subjects=[annotations_pb2.Subject(kind="job", id=identity)])
        answer = annotations_pb2.ListAnnotationsResponse.FromString(
            connected.post("Annotations/ListAnnotations", request).content)
        assert [JOB.head.run] == [one.subject.id for one in answer.annotated]
    assert 501 == connected.post("Annotations/Annotate", b"", connected.ada).status_code


def test_scopes_and_taking_back(connected: Connected) -> None:
    box = Box(nonce=b"scope" * 3 + b"!")
    job = box.job("python moved.py", [], ["moved=moved"])
    connected.post("Registry/RegisterBundle", pb.RegisterBundleRequest(bundle=file_of(box.bundle(job))), connected.ada)
    get = lineage_pb2.GetJobRequest(id=job.head.id)
    assert 404 == connected.post("Lineage/GetJob", get).status_code
    bob = connected.served.token("bob")
    for token in ("", bob):
        taken = connected.post("Registry/SetScope", pb.SetScopeRequest(jobs=[job.head.id], space="public"), token)
        assert taken.status_code == 401 or not pb.SetScopeResponse.FromString(taken.content).moved
    moved = connected.post("Registry/SetScope", pb.SetScopeRequest(jobs=[job.head.id], space="public"), connected.ada)
    assert [job.head.id] == list(pb.SetScopeResponse.FromString(moved.content).moved)
    assert 200 == connected.post("Lineage/GetJob", get).status_code
    known = connected.post("Registry/Known", pb.KnownRequest(space="public", jobs=[job.head.id, b"\2" * 32]), connected.ada)
    assert [job.head.id] == list(pb.KnownResponse.FromString(known.content).jobs)
    forgotten = connected.post("Registry/ForgetJobs", pb.ForgetJobsRequest(jobs=[job.head.id]), connected.ada)
    assert [job.head.id] == list(pb.ForgetJobsResponse.FromString(forgotten.content).forgotten)
    assert 404 == connected.post("Lineage/GetJob", get).status_code


def test_the_log_grows_as_it_was(connected: Connected) -> None:
    head, _ = head_of(pb.TreeHead.FromString(connected.post("Registry/GetTreeHead", b"").content))
    head.verify()
    proof = pb.ConsistencyProof.FromString(connected.post("Registry/GetConsistency", pb.ConsistencyRequest(first=1)).content)
    later, _ = head_of(proof.head)
    first = pb.RegisterBundleResponse.FromString(connected.registered.content).proof
    merkle.verify_consistency(1, first.head.root, proof.second, later.root, list(proof.path))
    inclusion = pb.InclusionProof.FromString(
        connected.post("Registry/GetInclusion", pb.InclusionRequest(job=JOB.head.id)).content)
    assert first.index == inclusion.index


def test_a_session_record(connected: Connected) -> None:
    answer = connected.post("Bundles/SessionRecord", lineage_pb2.GetRecordRequest(id=BOX.session))
    assert BOX.record == lineage_pb2.RecordPart.FromString(answer.content).data
    assert 404 == connected.post("Bundles/SessionRecord", lineage_pb2.GetRecordRequest(id=b"\1" * 32)).status_code


def test_jobs_are_whole(connected: Connected) -> None:
    answer = connected.post("Lineage/GetJob", lineage_pb2.GetJobRequest(id=JOB.head.id))
    assert JOB.head.argv == tuple(records_pb2.Job.FromString(answer.content).head.argv)
