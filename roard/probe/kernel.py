"""bpf(2) and perf_event_open(2) by ctypes: the daemon never maps libbcc, which brings LLVM with it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from lineage.errors import UnsupportedError

_CALLS = {"x86_64": (321, 298), "aarch64": (280, 241)}  # bpf, perf_event_open
_MAP_LOOKUP, _MAP_UPDATE, _MAP_DELETE, _MAP_NEXT = 1, 2, 3, 4
_NOEXIST = 1
_EXIST = 2
_OBJ_GET_INFO = 15
_RAW_TRACEPOINT_OPEN = 17
_MISSES_AT = 208
_PERF_TYPE_TRACEPOINT = 2
_PERF_SAMPLE_RAW = 1 << 10
_PERF_FLAG_FD_CLOEXEC = 8
_PERF_EVENT_IOC_ENABLE = 0x2400
_PERF_EVENT_IOC_SET_BPF = 0x40042408
TRACEFS = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))

_libc = ctypes.CDLL(None, use_errno=True)


def _numbers() -> tuple[int, int]:
    machine = platform.machine()
    if machine not in _CALLS:
        raise UnsupportedError(f"roard does not know the system calls of {machine}", "x86_64 is supported")
    return _CALLS[machine]


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    result = int(_libc.syscall(_numbers()[0], command, buffer, len(buffer)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def missed_runs(program: int) -> int:
    """How often the kernel did not run a program, because one ran already on that processor (struct bpf_prog_info of
    include/uapi/linux/bpf.h: recursion_misses)."""
    info = ctypes.create_string_buffer(256)
    _bpf(_OBJ_GET_INFO, struct.pack("=IIQ", program, len(info), ctypes.addressof(info)))
    return int.from_bytes(info.raw[_MISSES_AT:_MISSES_AT + 8], sys.byteorder)


class Map:
    """A hash map by its descriptor: keys and values are bytes of the sizes that the map has."""

    def __init__(self, fd: int, key_size: int, value_size: int) -> None:
        self.fd = fd
        self._key_size = key_size
        self._value_size = value_size

    def get(self, key: bytes) -> bytes | None:
        value = ctypes.create_string_buffer(self._value_size)
        try:
            self._call(_MAP_LOOKUP, key, value)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return value.raw

    def set(self, key: bytes, value: bytes) -> None:
        self._call(_MAP_UPDATE, key, ctypes.create_string_buffer(value, self._value_size))

    def add(self, key: bytes, value: bytes) -> bool:
        """False where there is such a key already."""
        try:
            self._call(_MAP_UPDATE, key, ctypes.create_string_buffer(value, self._value_size), _NOEXIST)
        except OSError as error:
            if error.errno == errno.EEXIST:
                return False
            raise
        return True

    def replace(self, key: bytes, value: bytes) -> bool:
        """False where there is no such key (any more)."""
        try:
            self._call(_MAP_UPDATE, key, ctypes.create_string_buffer(value, self._value_size), _EXIST)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            raise
        return True

    def delete(self, key: bytes) -> bool:
        """False where there was no such key."""
        try:
            self._call(_MAP_DELETE, key, None)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            raise
        return True

    def keys(self) -> Iterator[bytes]:
        following = ctypes.create_string_buffer(self._key_size)
        key: bytes | None = None
        while True:
            try:
                self._call(_MAP_NEXT, key, following)
            except OSError as error:
                if error.errno == errno.ENOENT:
                    return
                raise
            key = following.raw
            yield key

    def _call(self, command: int, key: bytes | None, value: object, flags: int = 0) -> None:
        held = ctypes.create_string_buffer(key, self._key_size) if key is not None else None
        pointer = ctypes.addressof(held) if held is not None else 0
        target = ctypes.addressof(value) if value is not None else 0  # type: ignore[arg-type]
        with _not_preempted():
            _bpf(command, struct.pack("=IIQQQ", self.fd, 0, pointer, target, flags))


@contextlib.contextmanager
def _not_preempted() -> Iterator[None]:
    """While a process is in bpf(2) on a map, the kernel leaves out the programs of all tracepoints on that processor
    (include/linux/bpf.h: bpf_disable_instrumentation). Whoever took the processor from it meanwhile would not be seen."""
    try:
        before = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:  # not allowed in this container: what is left out is counted, and said
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


def open_raw_tracepoint(name: str, program: int) -> int:
    """Attaches a program to a raw tracepoint; it stays while the descriptor is open."""
    text = ctypes.create_string_buffer(name.encode())
    return _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("=QII", ctypes.addressof(text), program, 0))


def tracefs() -> Path:
    """Where the tracepoints are described. Mounts it in its usual place where a lean machine has not, if it may."""
    root = next((root for root in TRACEFS if (root / "events").is_dir()), None)
    if root is not None:
        return root
    root = TRACEFS[0]
    if _libc.mount(b"tracefs", os.fsencode(root), b"tracefs", 0, None) != 0:
        raise UnsupportedError(f"tracefs is not mounted: {os.strerror(ctypes.get_errno())}",
                               f"mount -t tracefs tracefs {root}")
    return root


def tracepoint_id(root: Path, name: str) -> int | None:
    """The id of ``syscalls/sys_exit_read`` or the like, None where this kernel has no such tracepoint."""
    try:
        return int((root / "events" / name / "id").read_text())
    except FileNotFoundError:
        return None


def open_tracepoint(identity: int, program: int) -> int:
    """Attaches a program to a tracepoint on all processors; it stays while the descriptor is open.

    struct perf_event_attr of include/uapi/linux/perf_event.h. The kernel runs the program for every processor's hits,
    whichever processor the event is opened on.
    """
    attributes = struct.pack("=IIQQQQ", _PERF_TYPE_TRACEPOINT, 112, identity, 1, _PERF_SAMPLE_RAW, 0).ljust(112, b"\0")
    # sample_period 1, wakeup_events 1 (offset 48)
    attributes = attributes[:48] + struct.pack("=I", 1) + attributes[52:]
    buffer = ctypes.create_string_buffer(attributes, 112)
    fd = int(_libc.syscall(_numbers()[1], buffer, -1, 0, -1, _PERF_FLAG_FD_CLOEXEC))
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"perf_event_open: {os.strerror(code)}")
    try:
        fcntl.ioctl(fd, _PERF_EVENT_IOC_SET_BPF, program)
        fcntl.ioctl(fd, _PERF_EVENT_IOC_ENABLE, 0)
    except OSError:
        os.close(fd)
        raise
    return fd
