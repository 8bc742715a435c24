"""Which system call has which shape: a row here and a handler in bpf/ are all that a call takes.

`needed` is False for calls that newer kernels or some architectures do not have; a needed one that is missing makes the
kernel unfit. Calls whose handler is `on_blind` are those whose accesses the probes cannot follow: a job that makes one is
not complete.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Row(NamedTuple):
    call: str
    handler: str
    needed: bool = True
    edge: Literal["exit", "enter"] = "exit"


CALLS: tuple[Row, ...] = (
    Row("open", "on_open", needed=False),
    Row("openat", "on_openat"),
    Row("openat2", "on_openat2"),
    Row("creat", "on_creat", needed=False),
    Row("open_by_handle_at", "on_openat", needed=False),
    Row("read", "on_read"),
    Row("pread64", "on_pread"),
    Row("readv", "on_readv"),
    Row("preadv", "on_preadv"),
    Row("preadv2", "on_preadv"),
    Row("write", "on_write"),
    Row("pwrite64", "on_write"),
    Row("writev", "on_write"),
    Row("pwritev", "on_write"),
    Row("pwritev2", "on_pwritev2"),
    Row("ftruncate", "on_resize"),
    Row("fallocate", "on_resize"),
    Row("mmap", "on_mmap"),
    Row("mprotect", "on_mprotect"),
    Row("pkey_mprotect", "on_mprotect", needed=False),
    Row("madvise", "on_madvise", needed=False),
    Row("process_madvise", "on_process_madvise", needed=False),
    Row("sendfile64", "on_sendfile"),
    Row("copy_file_range", "on_copy_range"),
    Row("splice", "on_copy_range"),
    Row("tee", "on_tee", needed=False),
    Row("vmsplice", "on_vmsplice", needed=False),
    Row("ioctl", "on_ioctl"),
    Row("io_submit", "on_aio", needed=False),
    Row("close", "on_close", edge="enter"),
    Row("rename", "on_rename", needed=False),
    Row("renameat", "on_renameat", needed=False),
    Row("renameat2", "on_renameat2"),
    Row("link", "on_link", needed=False),
    Row("linkat", "on_linkat"),
    Row("symlink", "on_symlink", needed=False),
    Row("symlinkat", "on_symlinkat"),
    Row("unlink", "on_unlink", needed=False),
    Row("unlinkat", "on_unlinkat"),
    Row("truncate", "on_truncate"),
    Row("mknod", "on_mknod", needed=False),
    Row("mknodat", "on_mknodat"),
    Row("connect", "on_connect"),
    Row("accept", "on_accept", needed=False),
    Row("accept4", "on_accept"),
    Row("sendto", "on_sendto"),
    Row("sendmsg", "on_sendmsg"),
    Row("sendmmsg", "on_sendmmsg"),
    Row("recvfrom", "on_recvfrom"),
    Row("recvmsg", "on_recvmsg"),
    Row("recvmmsg", "on_recvmmsg", needed=False),
)


class Point(NamedTuple):
    """A tracepoint that is no system call's, by the names that it has had."""

    names: tuple[str, ...]
    handler: str


#: Where one of them is missing, a job that uses io_uring is not complete.
URING: tuple[Point, ...] = (
    Point(("io_uring/io_uring_submit_req", "io_uring/io_uring_submit_sqe"), "on_uring_submit"),
    Point(("io_uring/io_uring_file_get",), "on_uring_file"),
    Point(("io_uring/io_uring_complete",), "on_uring_complete"),
)
NO_URING = Row("io_uring_setup", "on_blind", needed=False)

#: While a job runs a program of 32 bits: its calls have no tracepoints of their own.
COMPAT = Point(("raw_syscalls/sys_exit",), "on_compat")
#: Handlers by the numbers of arch/x86/entry/syscalls/syscall_32.tbl.
COMPAT_CALLS: dict[int, str] = {
    3: "on_read", 4: "on_write", 5: "on_open", 8: "on_creat", 9: "on_link", 10: "on_unlink", 14: "on_mknod",
    38: "on_rename", 54: "on_ioctl", 83: "on_symlink", 90: "on_old_mmap", 92: "on_truncate", 93: "on_resize",
    102: "on_socketcall", 125: "on_mprotect", 145: "on_readv", 146: "on_write", 180: "on_pread", 181: "on_write",
    187: "on_sendfile", 192: "on_mmap", 193: "on_truncate", 194: "on_resize", 219: "on_madvise", 239: "on_sendfile",
    248: "on_aio", 295: "on_openat", 297: "on_mknodat", 301: "on_unlinkat", 302: "on_renameat", 303: "on_linkat",
    304: "on_symlinkat", 313: "on_copy_range", 315: "on_tee", 316: "on_vmsplice", 324: "on_resize",
    333: "on_preadv", 334: "on_write", 337: "on_recvmmsg", 342: "on_openat", 345: "on_sendmmsg",
    353: "on_renameat2", 362: "on_connect", 364: "on_accept", 369: "on_sendto", 370: "on_sendmsg",
    371: "on_recvfrom", 372: "on_recvmsg", 377: "on_copy_range", 378: "on_preadv", 379: "on_pwritev2",
    380: "on_mprotect", 437: "on_openat2", 440: "on_process_madvise",
}

#: Raw tracepoints, of the process tree and of connections, and their handlers in the order in which they run.
RAW: tuple[tuple[str, str], ...] = (
    ("sched_process_fork", "on_fork"),
    ("sched_process_exec", "on_exec"),
    ("sched_process_exec", "on_loader"),
    ("sched_process_exec", "on_script"),
    ("sched_process_exit", "on_exit"),
    ("inet_sock_set_state", "on_socket_state"),
    ("inet_sock_set_state", "on_socket_state_twin"),
)
#: Of these the kernel may leave out a run, for the other one has seen the same: bpf/network.h says why.
TWINS: frozenset[str] = frozenset({"on_socket_state", "on_socket_state_twin"})

#: While a job has the processes of a cgroup; where the kernel cannot tell them, there are none of these.
GROUPS: tuple[tuple[str, str], ...] = (
    ("cgroup_attach_task", "on_group_attach"),
    ("sched_process_fork", "on_group_fork"),
    ("sched_process_exec", "on_group_exec"),
)

#: Programs entered by tail calls, in the order of the C enum.
TAILS: tuple[str, ...] = ("on_first", "on_carry", "on_names", "on_name", "on_endpoint", "on_answer", "on_stderr")

#: Of perf tracepoints, all but those that need io_uring.
HANDLERS: tuple[str, ...] = tuple(dict.fromkeys([
    *(row.handler for row in CALLS), NO_URING.handler, COMPAT.handler, *COMPAT_CALLS.values()]))
URING_HANDLERS: tuple[str, ...] = tuple(point.handler for point in URING)
MAPS: tuple[str, ...] = (
    "members", "counts", "groups", "seen", "accesses", "contents", "processes", "tails", "compat_calls", "heard",
    "errors")
