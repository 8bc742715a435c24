"""Cells of a notebook, told by the kernel that executes them over the identity socket: it says who they are without a token,
and the notebook's process needs no gRPC for it.

A request is a line of JSON, ``{"roar": 1, "cell": "ask" | "begin" | "end", "length": bytes, "number": N, "failed": bool}``: for
"begin" the cell's source follows, of which only the hash is kept, and "end" has its number. The answer: ``{"job": number}`` or
``{"error": {…}}``.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from blake3 import blake3

from lineage.errors import InvalidError
from roard.observe.observer import Observer

MAX_SOURCE = 4 << 20  # bytes
MAX_NUMBER = 1 << 31
_BLOCK = 1 << 16


def request_of(data: bytes) -> dict[str, Any] | None:
    """The request that begins with ``data``; None: it is another one."""
    if b'"cell"' not in data:
        return None
    try:
        value = json.loads(data.partition(b"\n")[0])
    except ValueError:
        return None
    return value if isinstance(value, dict) and "cell" in value else None


def answer(observer: Observer | None, pid: int, uid: int, request: dict[str, Any], data: bytes,
           connection: socket.socket) -> dict[str, object]:
    """``data``: what was read until now. Raises InvalidError, NotFoundError, OSError."""
    if observer is None:
        raise InvalidError("this roard does not watch", "see `roard check`")
    what = request["cell"]
    if what == "begin":
        length = request.get("length")
        if not isinstance(length, int) or not 0 <= length <= MAX_SOURCE:
            raise InvalidError("a cell has a length", f"at most {MAX_SOURCE} bytes")
        job = observer.begin_cell(pid, uid, _source_hash(data.partition(b"\n")[2], length, connection))
    elif what == "end":
        number = request.get("number")
        if not isinstance(number, int) or not 0 <= number < MAX_NUMBER:
            raise InvalidError("a cell has a number")
        job = observer.end_cell(pid, uid, number, failed=request.get("failed") is True)
    elif what == "ask":
        job = observer.job_of_process(pid, uid)
    else:
        raise InvalidError("no such request of a cell", "ask, begin, end")
    return {"job": job}


def _source_hash(begun: bytes, length: int, connection: socket.socket) -> bytes:
    hasher = blake3(begun[:length])
    left = length - len(begun)
    while left > 0:
        part = connection.recv(min(left, _BLOCK))
        if not part:
            raise InvalidError("the source of the cell ended early")
        hasher.update(part)
        left -= len(part)
    return hasher.digest()
