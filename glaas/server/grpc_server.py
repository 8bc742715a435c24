"""The same services over gRPC, on a port of their own, with reflection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_reflection.v1alpha import reflection

from glaas.server.claim import is_free
from glaas.server.methods import Service
from glaas.server.settings import Address, Settings
from lineage.errors import InvalidError, UnavailableError

_GRACE_SECONDS = 10.0
_METADATA = 32 << 10  # bytes of a call's headers
_HINT = "is it taken? give another with --grpc-listen, or none"


@contextmanager
def served(settings: Settings, services: Iterable[Service]) -> Iterator[Address | None]:
    """Where it listens; None where that is not wanted."""
    if settings.grpc is None:
        yield None
        return
    limits = settings.limits
    # who registers waits in a thread: readers have their own share of them
    threads = limits.handlers + limits.verifiers + limits.waiting_bundles
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="grpc"), maximum_concurrent_rpcs=4 * threads,
        options=[("grpc.max_receive_message_length", limits.bundle), ("grpc.max_send_message_length", limits.bundle),
                 ("grpc.max_metadata_size", _METADATA), ("grpc.so_reuseport", 0),
                 ("grpc.keepalive_permit_without_calls", 0)])
    names = [reflection.SERVICE_NAME]
    for service in services:
        service.add(service.servicer, server)
        names.append(service.descriptor.full_name)
    reflection.enable_server_reflection(names, server)
    address = _bound(server, settings)
    server.start()
    try:
        yield address
    finally:
        server.stop(_GRACE_SECONDS).wait()


def _bound(server: grpc.Server, settings: Settings) -> Address:
    wanted = settings.grpc
    assert wanted is not None
    credentials = _credentials(settings)

    def listen(address: Address) -> int:
        try:
            if credentials is not None:
                return server.add_secure_port(address.text, credentials)
            return server.add_insecure_port(address.text)
        except RuntimeError:  # newer versions raise where older ones gave 0
            return 0

    # gRPC complains on stderr where an address is taken: asked first, since that is no trouble here
    port = listen(wanted) if not settings.grpc_elsewhere or is_free(wanted) else 0
    if port == 0 and settings.grpc_elsewhere:
        port = listen(Address(wanted.host, 0))
    if port == 0:
        raise UnavailableError(f"cannot listen for gRPC at {wanted.text}", _HINT)
    return Address(wanted.host, port)


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    if not settings.tls:
        return None
    try:
        return grpc.ssl_server_credentials([(Path(settings.tls_key).read_bytes(), Path(settings.tls_cert).read_bytes())])
    except OSError as error:
        raise InvalidError(f"{error.filename} cannot be read: {error.strerror}", "see --tls-cert and --tls-key") from error
