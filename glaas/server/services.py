"""The protobuf services of a registry, for gRPC and for Connect alike."""

from __future__ import annotations

from glaas.registry.store import RegistryStore
from glaas.server.methods import Service
from glaas.server.record_services import BundleRecords, SaidOfThings
from glaas.server.registry_service import RegistryService
from glaas.server.wiring import Wiring
from lineage.service.view import View
from lineage.v1 import (
    annotations_pb2,
    annotations_pb2_grpc,
    bundle_pb2,
    bundle_pb2_grpc,
    lineage_pb2,
    lineage_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
)


def services_of(wiring: Wiring) -> tuple[Service, ...]:
    view = wiring.view_of
    return (
        Service(lineage_pb2.DESCRIPTOR.services_by_name["Lineage"], wiring.registry.lineage_service(view),
                lineage_pb2_grpc.add_LineageServicer_to_server),
        Service(registry_pb2.DESCRIPTOR.services_by_name["Registry"], RegistryService(wiring),
                registry_pb2_grpc.add_RegistryServicer_to_server),
        Service(bundle_pb2.DESCRIPTOR.services_by_name["Bundles"], BundleRecords(view, _session_record),
                bundle_pb2_grpc.add_BundlesServicer_to_server),
        Service(annotations_pb2.DESCRIPTOR.services_by_name["Annotations"], SaidOfThings(view),
                annotations_pb2_grpc.add_AnnotationsServicer_to_server),
    )


def _session_record(view: View, identity: bytes) -> bytes | None:
    assert isinstance(view.store, RegistryStore)
    return view.store.session_record(identity)
