"""All services of the daemon's gRPC server."""

from __future__ import annotations

import grpc
from grpc_reflection.v1alpha import reflection

from lineage.errors import RoarError
from lineage.records import Host
from lineage.service.service import LineageService
from lineage.service.view import View
from lineage.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    annotations_pb2,
    annotations_pb2_grpc,
    bundle_pb2,
    bundle_pb2_grpc,
    lineage_pb2,
    lineage_pb2_grpc,
    observe_pb2,
    observe_pb2_grpc,
)
from roard.observe.observer import Observer
from roard.outbox.policy import Forwarding
from roard.rpc.admin_service import AdminService
from roard.rpc.annotation_service import AnnotationService
from roard.rpc.bundle_service import BundleService
from roard.rpc.identity import Identity
from roard.rpc.observe_service import ObserveService
from roard.store.store import Store

_SERVICES = ((lineage_pb2, "Lineage"), (observe_pb2, "Observe"), (admin_pb2, "Admin"), (bundle_pb2, "Bundles"),
             (annotations_pb2, "Annotations"))


def add_services(server: grpc.Server, observer: Observer | None, why: RoarError | None, store: Store, identity: Identity,
                 host: Host, forwarding: Forwarding) -> None:
    """``why``: what keeps the daemon from watching, where there is no observer."""
    caller = identity.caller
    lineage_pb2_grpc.add_LineageServicer_to_server(LineageService(lambda context: View(store, caller(context))), server)
    bundle_pb2_grpc.add_BundlesServicer_to_server(BundleService(store, caller), server)
    observe = ObserveService(observer, why, store, identity, host, caller, forwarding)
    observe_pb2_grpc.add_ObserveServicer_to_server(observe, server)
    annotations_pb2_grpc.add_AnnotationsServicer_to_server(AnnotationService(store, caller), server)
    admin_pb2_grpc.add_AdminServicer_to_server(AdminService(observer, why, store, caller, forwarding), server)
    names = [module.DESCRIPTOR.services_by_name[name].full_name for module, name in _SERVICES]
    reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
