"""What can be called: the methods of the services, as their descriptors say, with the handlers behind them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message


class Service(NamedTuple):
    """``servicer`` has a method for each of the descriptor's; ``add`` puts it on a gRPC server."""

    descriptor: ServiceDescriptor
    servicer: object
    add: Callable[[Any, Any], None]


@dataclass(frozen=True, slots=True)
class Method:
    """``handler(request, context)`` gives a message, or with ``streaming`` yields them; it raises what went wrong."""

    service: str
    name: str
    request: type[Message]
    streaming: bool
    handler: Callable[[Any, Any], Any]

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"


def methods_of(services: Iterable[Service]) -> Mapping[str, Method]:
    """By path.  Those to which clients would stream are for gRPC alone."""
    found = {}
    for service in services:
        for one in service.descriptor.methods:
            if one.client_streaming:
                continue
            # Below what `answered` makes of it for gRPC: here errors are wanted as they were raised.
            handler = inspect.unwrap(getattr(type(service.servicer), one.name))
            method = Method(service.descriptor.full_name, one.name, message_factory.GetMessageClass(one.input_type),
                            one.server_streaming, handler.__get__(service.servicer))
            found[method.path] = method
    return found
