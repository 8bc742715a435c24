"""`%load_ext roar`: in a notebook whose kernel runs under `roar run`, each cell is a step of the job.

An IPython extension, for the user's own process: the standard library alone, so that nothing of roar's comes to be among the
job's packages. It tells roard when a cell begins and ends; the kernel says who tells it (unix(7): SO_PEERCRED).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import Any

_SOCKET = "/run/roar/roard.sock"
_SECONDS = 5.0
_MOST_SOURCE = 4 << 20  # bytes
_MOST_ANSWER = 64 << 10
_KEY = "roar_cells"


class Cells:
    """What IPython calls (https://ipython.readthedocs.io/en/stable/config/callbacks.html)."""

    def __init__(self) -> None:
        self._open = 0

    def begin(self, info: Any = None) -> None:  # noqa: ANN401 - IPython's own objects
        if info is None or getattr(info, "silent", False):
            return
        source = str(getattr(info, "raw_cell", "") or "").encode("utf-8", "surrogatepass")
        self._open += 1
        with contextlib.suppress(OSError, ValueError):  # the notebook goes on, whatever became of roard
            tell("begin", source)

    def end(self, result: Any = None) -> None:  # noqa: ANN401
        if not self._open:
            return
        self._open -= 1
        with contextlib.suppress(OSError, ValueError):
            # versions of IPython differ in when they count: the result has the cell's number for certain
            tell("end", number=getattr(result, "execution_count", None) or 0, failed=not getattr(result, "success", True))


def tell(what: str, source: bytes = b"", **more: object) -> dict[str, Any]:
    """Sends roard one line of JSON, followed by a cell's source, of which it keeps the hash. OSError, ValueError."""
    source = source[:_MOST_SOURCE]
    path = os.environ.get("ROARD_SOCKET") or _SOCKET
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(f"{path}.id")
        connection.sendall(json.dumps({"roar": 1, "cell": what, "length": len(source), **more}).encode() + b"\n" + source)
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < _MOST_ANSWER:
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    value = json.loads(answer)
    return value if isinstance(value, dict) else {}


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401
    """`%load_ext roar`"""
    try:
        answer = tell("ask")
        said = (answer.get("error") or {}).get("message", "")
    except (OSError, ValueError) as error:
        answer, said = {}, str(error)
    if "job" not in answer:
        print(f"roar: this kernel is not recorded ({said}): start it under roar, as by `roar run jupyter lab`")
        return
    if getattr(shell, _KEY, None) is None:
        cells = Cells()
        setattr(shell, _KEY, cells)
        shell.events.register("pre_run_cell", cells.begin)
        shell.events.register("post_run_cell", cells.end)
    print(f"roar: each cell is a step of job @{answer['job']} from now on")


def unload_ipython_extension(shell: Any) -> None:  # noqa: ANN401
    """`%unload_ext roar`"""
    cells = getattr(shell, _KEY, None)
    if cells is not None:
        shell.events.unregister("pre_run_cell", cells.begin)
        shell.events.unregister("post_run_cell", cells.end)
        setattr(shell, _KEY, None)
