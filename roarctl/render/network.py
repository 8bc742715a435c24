"""Whom a job talked to and which GPUs it had, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roarctl.render.text import count_text, printable

_MOST_ENDPOINTS = 6
_MOST_ADDRESSES = 2
_MOST_GPUS = 8


def endpoint_texts(context: Mapping[str, Any], *, everything: bool = False) -> list[str]:
    """`data.example.org (192.0.2.7) tcp 443`; ``everything``: this machine's own endpoints too, and all of them."""
    found = _grouped(context, everything=everything)
    texts = [_text(*key, addresses) for key, addresses in found.items()]
    if everything or len(texts) <= _MOST_ENDPOINTS:
        return texts
    return [*texts[:_MOST_ENDPOINTS - 1], f"… {len(texts) - _MOST_ENDPOINTS + 1} more: --all"]


def count_endpoints(context: Mapping[str, Any]) -> int:
    """On other machines."""
    return len(_grouped(context, everything=False))


def gpu_text(context: Mapping[str, Any]) -> str:
    """Those that are one GPU each, or, where there are none, what stands for all of them."""
    gpus = context.get("gpus") or []
    single = [gpu for gpu in gpus if gpu.get("index") is not None]
    texts = [printable(f"{gpu['path']} ({gpu.get('model') or gpu['vendor']})" if gpu.get("model") or gpu.get("vendor")
                       else gpu["path"]) for gpu in single or gpus]
    more = [f"{len(texts) - _MOST_GPUS} more"] if len(texts) > _MOST_GPUS else []
    return ", ".join(texts[:_MOST_GPUS] + more)


def _grouped(context: Mapping[str, Any], *, everything: bool) -> dict[tuple[str, str, int | None, str], list[str]]:
    """Addresses by what they are called, protocol, port and direction. An address without a name is called that."""
    groups: dict[tuple[str, str, int | None, str], list[str]] = {}
    for row in context.get("network") or []:
        if everything or not (row["family"] == "unix" or _own(row["address"])):
            key = (row["name"] or row["address"], row["protocol"], row["port"], row["direction"])
            groups.setdefault(key, []).append(row["address"])
    return groups


def _own(address: str) -> bool:
    """Loopback: RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3."""
    return address.startswith("127.") or address == "::1"


def _text(name: str, protocol: str, port: int | None, direction: str, addresses: list[str]) -> str:
    several = f" and {count_text(len(addresses) - _MOST_ADDRESSES, 'other')}" if len(addresses) > _MOST_ADDRESSES else ""
    where = f" ({', '.join(addresses[:_MOST_ADDRESSES])}{several})" if name not in addresses else ""
    how = protocol if port is None else f"{protocol} {port}"
    return printable(f"from {name}{where} to {how}" if direction == "accepted" else f"{name}{where} {how}")
