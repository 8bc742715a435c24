"""`roard check`: what this machine allows, each with the reason. Answers are yes, no, or could not tell."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lineage.errors import RoarError, UnsupportedError
from roard.probe import kernel, table


@dataclass(frozen=True)
class Finding:
    """``ok`` None: could not tell."""

    name: str
    ok: bool | None
    words: str
    hint: str = ""


def _root() -> Finding:
    ok = os.geteuid() == 0
    return Finding("root", ok, "running as root" if ok else "not root: the rest may not be visible", "sudo roard check")


def _machine() -> Finding:
    machine = platform.machine()
    return Finding("machine", machine == "x86_64", f"{machine}, Linux {platform.release()}",
                   "the probes know the registers of x86_64 only")


def _btf() -> Finding:
    ok = Path("/sys/kernel/btf/vmlinux").exists()
    return Finding("btf", ok, "the kernel describes its own types" if ok else "no /sys/kernel/btf/vmlinux",
                   "a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian's have it)")


def _bcc() -> Finding:
    from importlib.util import find_spec

    ok = find_spec("bcc") is not None
    return Finding("bcc", ok, "python3-bpfcc is there" if ok else "python3-bpfcc is not visible",
                   "apt-get install python3-bpfcc; the virtual environment needs --system-site-packages")


def _tracepoints() -> Finding:
    try:
        root = kernel.tracefs()
        missing = [row.call for row in table.CALLS
                   if row.needed and kernel.tracepoint_id(root, f"syscalls/sys_{row.edge}_{row.call}") is None]
    except UnsupportedError as error:
        return Finding("tracepoints", False, error.message, error.hint)
    except PermissionError:
        return Finding("tracepoints", None, "only root can look into tracefs", "sudo roard check")
    if missing:
        return Finding("tracepoints", False, f"missing: {', '.join(missing)}", "a kernel with CONFIG_FTRACE_SYSCALLS=y")
    return Finding("tracepoints", True, f"{len(table.CALLS)} system calls, io_uring and the process tree"
                   if all(_point(root, point) for point in table.URING) else
                   f"{len(table.CALLS)} system calls and the process tree; not io_uring: a job that uses it is incomplete")


def _point(root: Path, point: table.Point) -> bool:
    return any(kernel.tracepoint_id(root, name) is not None for name in point.names)


def _probes() -> Finding:
    if os.geteuid() != 0:
        return Finding("probes", None, "only root can load them", "sudo roard check")
    from roard.probe.probes import load

    try:
        probes = load()
    except RoarError as error:
        return Finding("probes", False, error.message, error.hint)
    return Finding("probes", True, f"{len(probes.programs)} programs load and pass the kernel's verifier")


CHECKS: tuple[Callable[[], Finding], ...] = (_root, _machine, _btf, _bcc, _tracepoints, _probes)


def findings() -> list[Finding]:
    return [check() for check in CHECKS]
