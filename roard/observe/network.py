"""Whom a job talked to, kept while it runs: endpoints, and the names that their addresses were asked for by.

Pure bookkeeping. A name is known where a resolver's answer came to the job itself (roard.probe.answers). Each connection
gets the name that the same process, else any of the job's, was told last before it: an address may have many.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lineage.document import time_text
from roard.observe.events import AnswerEvent, EndpointEvent
from roard.probe import layout

#: In one job. A record is one message, and one value in the store.
MOST_ENDPOINTS = 2000
MOST_NAMES = 65536
#: An answer may arrive after the connection that it was for, in the same batch of the reader's or the next.
_WAITING = 32768

_FAMILIES = {socket.AF_INET: "inet", socket.AF_INET6: "inet6", socket.AF_UNIX: "unix"}
_DIRECTIONS = {layout.CONNECT: "connected", layout.ACCEPT: "accepted", layout.SEND: "sent"}
#: https://www.iana.org/assignments/protocol-numbers; 262 is Linux's own, include/uapi/linux/in.h
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 58: "icmpv6", 132: "sctp", 136: "udplite", 255: "raw", 262: "mptcp"}

#: family, address, port, protocol, direction, name
_Key: TypeAlias = tuple[int, bytes, int, int, int, str | None]


@dataclass(slots=True)
class _Use:
    first: int  # CLOCK_BOOTTIME ns
    steps: set[int] = field(default_factory=set)


class NetworkTable:
    def __init__(self) -> None:
        self.more = 0                                   # uses of endpoints that are not kept
        self._uses: dict[_Key, _Use] = {}
        self._waiting: list[EndpointEvent] = []         # in the order of arrival
        self._names: dict[bytes, list[tuple[int, int, str]]] = {}  # of an address: time, process, name
        self._told = 0

    def endpoint(self, event: EndpointEvent) -> None:
        self._waiting.append(event)
        if len(self._waiting) >= _WAITING:
            self._resolve(_WAITING // 2)

    def answer(self, event: AnswerEvent) -> None:
        for address in event.addresses:
            known = self._names.setdefault(address, [])
            if self._told < MOST_NAMES and (not known or known[-1][1:] != (event.tgid, event.name)):
                known.append((event.time, event.tgid, event.name))
                self._told += 1

    def records(self, step_index: Callable[[int], int], offset: int) -> list[dict[str, Any]]:
        """The job's endpoints in a fixed order. ``offset`` turns CLOCK_BOOTTIME into epoch nanoseconds."""
        self._resolve(len(self._waiting))
        rows = [_record(key, use, step_index, offset) for key, use in self._uses.items()]
        return sorted(rows, key=lambda row: (row["family"] == "unix", row["first_at"], row["address"], row["port"],
                                             row["protocol"], row["direction"], row["name"] or ""))

    def _resolve(self, number: int) -> None:
        for event in self._waiting[:number]:
            family, address = _plain(event.family, event.address)
            name = self._name(address, event) if event.kind != layout.ACCEPT else None
            key = (family, address, event.port, event.protocol, event.kind, name)
            use = self._uses.get(key)
            if use is None:
                if len(self._uses) >= MOST_ENDPOINTS:
                    self.more += 1
                    continue
                use = self._uses[key] = _Use(event.time)
            use.first = min(use.first, event.time)
            use.steps.add(event.step)
        del self._waiting[:number]

    def _name(self, address: bytes, event: EndpointEvent) -> str | None:
        told = [(tgid == event.tgid, time, name) for time, tgid, name in self._names.get(address, ()) if time <= event.time]
        return max(told)[2] if told else None


def _plain(family: int, address: bytes) -> tuple[int, bytes]:
    """An IPv4 address as such, also where a socket of IPv6 has it (RFC 4291 section 2.5.5.2)."""
    if family == socket.AF_INET6 and address[:12] == bytes(10) + b"\xff\xff":
        return socket.AF_INET, address[12:]
    return family, address


def _record(key: _Key, use: _Use, step_index: Callable[[int], int], offset: int) -> dict[str, Any]:
    family, address, port, protocol, direction, name = key
    local = family == socket.AF_UNIX
    return {
        "address": _unix_text(address) if local else str(ipaddress.ip_address(address)),
        "port": None if local else port, "family": _FAMILIES[socket.AddressFamily(family)],
        "protocol": "unix" if local else _PROTOCOLS.get(protocol, f"ip protocol {protocol}"),
        "direction": _DIRECTIONS[direction], "name": name,
        "steps": sorted({step_index(step) for step in use.steps}), "first_at": time_text(use.first + offset),
    }


def _unix_text(path: bytes) -> str:
    """unix(7): a path ends in a NUL, an abstract name begins with one; that is written @, as ss(8) and others do."""
    text = path.replace(b"\0", b"@") if path.startswith(b"\0") else path.partition(b"\0")[0]
    return text.decode("utf-8", "backslashreplace")
