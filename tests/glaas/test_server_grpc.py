"""gRPC of a served registry: the services that HTTP has, with the same rules of who sees what."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from made_bundles import Box
from served import Served, file_of

from lineage import wire
from lineage.errors import DeniedError, NotFoundError, RoarError, UnsupportedError
from lineage.status import error_of
from lineage.v1 import bundle_pb2_grpc, lineage_pb2, lineage_pb2_grpc, registry_pb2_grpc
from lineage.v1 import registry_pb2 as pb

BOX = Box(nonce=b"grpc" * 4)
JOB = BOX.job("python train.py", ["data.csv=data"], ["model.pt=model"])


class Channel:
    def __init__(self, served: Served) -> None:
        self.served = served
        self.channel = grpc.insecure_channel(served.grpc_address(), [("grpc.max_send_message_length", 200 << 20)])
        self.lineage = lineage_pb2_grpc.LineageStub(self.channel)
        self.registry = registry_pb2_grpc.RegistryStub(self.channel)
        self.ada, self.bob = served.token("ada"), served.token("bob")


def as_(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def refusal(call: grpc.RpcError) -> RoarError:
    return error_of(call)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    with Served(tmp_path_factory.mktemp("grpc")) as served:
        made = Channel(served)
        yield made
        made.channel.close()


def test_registering_and_reading(channel: Channel) -> None:
    answer = channel.registry.RegisterBundle(pb.RegisterBundleRequest(bundle=file_of(BOX.bundle(JOB))),
                                             metadata=as_(channel.ada), timeout=60)
    assert [JOB.head.id] == list(answer.registered)
    assert answer.proof.entry
    get = lineage_pb2.GetJobRequest(id=JOB.head.id)
    assert JOB.head.argv == tuple(channel.lineage.GetJob(get, metadata=as_(channel.ada), timeout=60).head.argv)
    pages = channel.lineage.ListEntries(lineage_pb2.ListEntriesRequest(id=JOB.head.id), metadata=as_(channel.ada), timeout=60)
    assert JOB.entries == tuple(wire.entry_from(entry) for page in pages for entry in page.entries)
    for metadata in ((), as_(channel.bob)):
        with pytest.raises(grpc.RpcError) as refused:
            channel.lineage.GetJob(get, metadata=metadata, timeout=60)
        assert isinstance(refusal(refused.value), NotFoundError)


def test_who_one_is(channel: Channel) -> None:
    assert "bob" == channel.registry.WhoAmI(pb.WhoAmIRequest(), metadata=as_(channel.bob), timeout=60).name
    assert "" == channel.registry.WhoAmI(pb.WhoAmIRequest(), timeout=60).name
    for request in (pb.KnownRequest(), pb.RegisterBundleRequest(), pb.SetScopeRequest(), pb.ForgetJobsRequest()):
        method = getattr(channel.registry, type(request).__name__.removesuffix("Request"))
        with pytest.raises(grpc.RpcError) as refused:
            method(request, timeout=60)
        assert isinstance(refusal(refused.value), DeniedError)
    with pytest.raises(grpc.RpcError) as refused:
        channel.registry.WhoAmI(pb.WhoAmIRequest(), metadata=as_("glaas_wrong"), timeout=60)
    assert "not valid" in refusal(refused.value).message


def test_a_lie_is_refused_with_its_reason(channel: Channel) -> None:
    data = bytearray(file_of(BOX.bundle(JOB)))
    data[-3] ^= 1
    with pytest.raises(grpc.RpcError) as refused:
        channel.registry.RegisterBundle(pb.RegisterBundleRequest(bundle=bytes(data)), metadata=as_(channel.ada), timeout=60)
    assert (grpc.StatusCode.DATA_LOSS, "corrupt") == (refused.value.code(), refusal(refused.value).code)


def test_messages_have_a_limit(channel: Channel) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        channel.registry.RegisterBundle(pb.RegisterBundleRequest(bundle=b"\0" * (80 << 20)), metadata=as_(channel.ada),
                                        timeout=60)
    assert grpc.StatusCode.RESOURCE_EXHAUSTED == refused.value.code()


def test_bundles_come_whole(channel: Channel) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        bundle_pb2_grpc.BundlesStub(channel.channel).Import(iter([lineage_pb2.RecordPart()]), metadata=as_(channel.ada),
                                                            timeout=60)
    assert isinstance(refusal(refused.value), UnsupportedError)


def test_it_describes_itself(channel: Channel) -> None:
    """What grpcurl asks for."""
    database = ProtoReflectionDescriptorDatabase(channel.channel)
    services = set(database.get_services())
    assert {"lineage.v1.Lineage", "lineage.v1.Registry", "lineage.v1.Bundles", "lineage.v1.Annotations"} <= services
    method = DescriptorPool(database).FindServiceByName("lineage.v1.Registry").methods_by_name["RegisterBundle"]
    assert "lineage.v1.RegisterBundleRequest" == method.input_type.full_name
