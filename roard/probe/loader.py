"""The loader: a process of its own that compiles and loads the probes, hands their descriptors over, and ends.

With it end LLVM's 100 MB and the need for more than the descriptors. It attaches nothing: the daemon does, when the
first job comes. Run by roard.probe.load as ``python -m roard.probe.loader FD``, where FD is a unix socket; it answers
there with one JSON line, the descriptors attached: ``{"maps": [...], "programs": [...]}`` in the descriptors' order, or
``{"error": {...}}``.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import re
import socket
import sys
import tempfile
from pathlib import Path

from lineage.errors import RoarError, UnsupportedError
from roard.probe import table
from roard.probe.btf import write_headers


def source_directory() -> Path:
    """bpf/ of the source tree, or the copy inside an installed package."""
    here = Path(__file__).resolve()
    for candidate in (here.parent / "bpf", here.parents[2] / "bpf"):
        if (candidate / "roar.bpf.c").is_file():
            return candidate
    raise UnsupportedError("the probes' source (bpf/roar.bpf.c) is missing", "install roar again")


def compile_probes(sizes: dict[str, int]) -> tuple[list[int], dict[str, int], object]:
    """(map descriptors in the order of the table, programs' descriptors by name, what keeps them open)."""
    with tempfile.TemporaryDirectory(prefix="roar-bpf-") as work:  # mode 0700: nobody else's headers reach the compiler
        write_headers(Path(work))
        os.environ["BCC_KERNEL_SOURCE"] = work
        os.chdir(work)  # bcc puts -I <current directory> first
        from bcc import BPF

        text = probe_source()
        log = io.StringIO()
        defines = [f"-DROAR_{name.upper()}={value}" for name, value in sizes.items()]
        defines.append(f"-DROAR_MOUNT_NAMESPACE={Path('/proc/self/ns/mnt').stat().st_ino}u")
        try:
            with contextlib.redirect_stdout(log):
                bpf = BPF(text=text, cflags=["-w", *defines])
        except Exception as error:
            raise UnsupportedError(f"the probes do not compile for this kernel: {error}",
                                   "please report the kernel's version, with `roard check --verbose`") from error
        for at, name in enumerate(table.TAILS):
            bpf["tails"][ctypes.c_int(at)] = ctypes.c_int(_load(bpf, name, BPF.TRACEPOINT))
        types = (Path(work) / "include/kernel_types.h").read_text()
        uring = table.URING_HANDLERS if "#define HAS_URING" in types else ()
        groups = table.GROUPS if "#define HAS_CGROUPS" in types else ()
        programs = {name: _load(bpf, name, BPF.TRACEPOINT) for name in (*table.HANDLERS, *uring)}
        programs |= {name: _load(bpf, name, BPF.RAW_TRACEPOINT) for _, name in (*table.RAW, *groups)}
        for number, name in table.COMPAT_CALLS.items():
            bpf["compat_calls"][ctypes.c_int(number)] = ctypes.c_int(programs[name])
        os.chdir("/")
    return [bpf[name].map_fd for name in table.MAPS], programs, bpf


def probe_source() -> str:
    """roar.bpf.c with its own headers in it: bcc compiles one text."""
    directory = source_directory()
    return re.sub(r'^#include "([a-z.]+)"$', lambda found: (directory / found[1]).read_text(),
                  (directory / "roar.bpf.c").read_text(), flags=re.MULTILINE)


def _load(bpf: object, name: str, kind: int) -> int:
    try:
        return int(bpf.load_func(name, kind).fd)  # type: ignore[attr-defined]
    except Exception as error:
        raise UnsupportedError(f"the kernel refuses the probe {name}: {error}",
                               "roard needs CAP_BPF and CAP_PERFMON: is it root?") from error


def main() -> None:
    answer = socket.socket(fileno=int(sys.argv[1]))
    try:
        maps, programs, _keep = compile_probes(json.loads(sys.argv[2]))
    except RoarError as error:
        answer.sendall(json.dumps({"error": {"message": error.message, "hint": error.hint}}).encode() + b"\n")
        return
    said = {"maps": list(table.MAPS), "programs": list(programs)}
    socket.send_fds(answer, [json.dumps(said).encode() + b"\n"], [*maps, *programs.values()])
    answer.shutdown(socket.SHUT_WR)
    answer.recv(1)  # the descriptors are received when the other side closes


if __name__ == "__main__":
    main()
