"""Which system call has which shape: a row here and a handler in bpf/roar.bpf.c are all that a call takes.

`needed` is False for calls that newer kernels or some architectures do not have; a needed one that is missing makes the
kernel unfit. BLIND calls are those whose accesses the probes cannot follow: a job that makes one is not complete.
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
    Row("preadv", "on_readv"),
    Row("preadv2", "on_readv"),
    Row("write", "on_write"),
    Row("pwrite64", "on_write"),
    Row("writev", "on_write"),
    Row("pwritev", "on_write"),
    Row("pwritev2", "on_write"),
    Row("ftruncate", "on_resize"),
    Row("fallocate", "on_resize"),
    Row("mmap", "on_mmap"),
    Row("sendfile64", "on_sendfile"),
    Row("copy_file_range", "on_copy_range"),
    Row("splice", "on_copy_range"),
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
    Row("io_uring_setup", "on_blind", needed=False),
    Row("io_submit", "on_blind", needed=False),
)

#: Raw tracepoints of the process tree, and their handlers.
TREE: tuple[tuple[str, str], ...] = (
    ("sched_process_fork", "on_fork"),
    ("sched_process_exec", "on_exec"),
    ("sched_process_exit", "on_exit"),
)

#: Programs entered by tail calls, in the order of the C enum.
TAILS: tuple[str, ...] = ("on_first", "on_carry", "on_names")

HANDLERS: tuple[str, ...] = tuple(dict.fromkeys(row.handler for row in CALLS))
MAPS: tuple[str, ...] = ("members", "counts", "seen", "accesses", "contents", "processes", "tails")
