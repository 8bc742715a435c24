"""Each way to touch a file leaves exactly its entries in the record: one row, one stimulus, one test."""

from __future__ import annotations

import pytest
import rows_async
import rows_calls
import rows_meaning
import rows_names
import rows_places
import rows_processes
from conformance import Bench, Row, run
from harness import Project

#: Rows that the capture does not do justice yet. One that begins to pass fails as such: take it out.
PENDING: dict[str, str] = {
    **dict.fromkeys((
        "O_TMPFILE-linked-by-magic-link", "O_TMPFILE-linked-by-empty-path", "O_TMPFILE-linked-then-written"
    ), "the kernel does not say FMODE_CREATED for O_TMPFILE"),
    **dict.fromkeys((
        "O_TMPFILE-never-linked",
    ), "is taken for a file that was there before, and removed"),
    **dict.fromkeys((
        "truncate-by-a-symbolic-link", "linkat-follows-a-symbolic-link"
    ), "the link is recorded, not the file"),
    **dict.fromkeys((
        "mmap-written-before-and-long-after-close",
    ), "a store into a dirty page changes no signature"),
    **dict.fromkeys((
        "mprotect-makes-a-shared-mapping-writable", "mprotect-at-once", "mprotect-long-after-close",
        "mprotect-over-several-mappings"
    ), "mprotect is not watched"),
    **dict.fromkeys((
        "pkey_mprotect-makes-a-shared-mapping-writable",
    ), "pkey_mprotect is not watched"),
    **dict.fromkeys((
        "copy_file_range-within-a-file",
    ), "the input has the hash of what it was afterwards"),
    **dict.fromkeys((
        "rename-by-descriptors-of-a-directory-that-moved", "rename-of-a-directory-then-read",
        "rename-of-a-directory-with-files-nobody-opened"
    ), "a directory is recorded as a file"),
    **dict.fromkeys((
        "rename-EXCHANGE",
    ), "of files that nobody opened it is not recorded"),
    **dict.fromkeys((
        "rename-EXCHANGE-with-an-own-file",
    ), "the file that was there before is not recorded"),
    **dict.fromkeys((
        "rename-EXCHANGE-of-directories",
    ), "the files in them are not followed"),
    **dict.fromkeys((
        "rename-of-one-hard-link-to-the-other",
    ), "it succeeds and does nothing"),
    **dict.fromkeys((
        "rename-of-an-existing-file-through-a-symbolic-link",
    ), "the input's path is not canonical"),
    **dict.fromkeys((
        "rename-with-dots-after-a-symbolic-link", "rename-of-an-existing-file-with-dots-after-a-symbolic-link",
        "unlink-with-dots-after-a-symbolic-link", "chroot-dots-above-the-root"
    ), "the path is normalised lexically"),
    **dict.fromkeys((
        "rename-through-a-magic-link", "linkat-by-a-magic-link"
    ), "the path is taken literally"),
    **dict.fromkeys((
        "linkat-of-a-descriptor",
    ), "the path is empty"),
    **dict.fromkeys((
        "hard-links-one-read-the-other-written", "hard-links-both-read", "hard-links-one-read-then-unlinked",
        "bind-mount-read-by-both-names"
    ), "an inode has one path"),
    **dict.fromkeys((
        "unlink-through-a-symbolic-link", "unlink-of-an-existing-file-through-a-symbolic-link"
    ), "the path is not canonical"),
    **dict.fromkeys((
        "mknod-of-a-file", "mknod-of-a-file-then-written"
    ), "mknod is not watched"),
    **dict.fromkeys((
        "overwritten-after-readv", "overwritten-after-readv-in-parts"
    ), "readv carries no content"),
    **dict.fromkeys((
        "overwritten-after-preadv",
    ), "preadv carries no content"),
    **dict.fromkeys((
        "append-by-the-shell", "append-by-O_APPEND", "append-by-python", "append-by-RWF_APPEND", "append-by-F_SETFL",
        "append-many-times", "append-to-200-kB", "stdout-appended"
    ), "the old content of an appended file is no input"),
    **dict.fromkeys((
        "io_uring-READ", "io_uring-READ-async", "io_uring-READ-sqpoll", "io_uring-READ-deferred",
        "io_uring-selected-buffer", "io_uring-at-position", "io_uring-OPENAT", "io_uring-OPENAT2",
        "io_uring-fixed-read", "io_uring-FILES_UPDATE", "io_uring-direct-OPENAT", "io_uring-direct-OPENAT2",
        "io_uring-direct-alloc", "io_uring-direct-install", "io_uring-direct-sent", "io_uring-linked",
        "io_uring-SPLICE-fixed", "io_uring-skip-success-async", "io_uring-thread", "io_uring-registered-ring",
        "io_uring-WRITE", "io_uring-WRITE-async", "io_uring-WRITE-sqpoll", "io_uring-WRITE-deferred",
        "io_uring-fixed-write", "io_uring-OPENAT-create", "io_uring-direct-create", "io_uring-vectored",
        "io_uring-vectored-fixed", "io_uring-fixed-buffers", "io_uring-skip-success", "io_uring-child",
        "io_uring-OPENAT-create-async", "io_uring-direct-create-empty", "io_uring-many", "io_uring-nothing",
        "io_uring-direct-unread", "io_uring-cancelled", "io_uring-OPENAT-truncate", "io_uring-read-then-overwritten",
        "io_uring-SPLICE", "io_uring-FALLOCATE", "io_uring-FTRUNCATE", "io_uring-RENAMEAT",
        "io_uring-RENAMEAT-reused", "io_uring-RENAMEAT-own", "io_uring-linked-write", "io_uring-EXCHANGE",
        "io_uring-UNLINKAT", "io_uring-LINKAT", "io_uring-SYMLINKAT", "io_uring-MKDIRAT", "io_uring-names-that-fail"
    ), "io_uring is not followed"),
    **dict.fromkeys((
        "io_submit-PREAD", "io_submit-PREADV", "io_submit-direct", "io_submit-closed", "io_submit-PWRITE",
        "io_submit-PWRITEV", "io_submit-several", "io_submit-stops-at-a-bad-one", "io_submit-nothing"
    ), "libaio is not followed"),
    **dict.fromkeys((
        "exec-dynamic", "exec-loader-of-the-project"
    ), "the loader is not recorded"),
    **dict.fromkeys((
        "exec-after-unlink",
    ), "no hash, and yet complete"),
    **dict.fromkeys((
        "script-that-its-interpreter-does-not-read", "script-with-an-interpreter-of-the-project", "script-of-a-script"
    ), "a script that the kernel alone reads is not recorded"),
    **dict.fromkeys((
        "memfd-executed", "memfd-written-and-read"
    ), "a memfd is taken for a file that was there before, and removed"),
    **dict.fromkeys((
        "mount-namespace-with-a-bind-mount", "mount-namespace-with-a-bind-mount-of-a-file",
        "mount-namespace-with-a-rename-on-a-bind-mount", "mount-namespace-with-a-rename-of-a-file-that-was-there",
        "mount-namespace-with-a-removal-on-a-bind-mount", "mount-namespace-that-hides-a-file-of-the-same-name",
        "pivot_root", "lazily-unmounted", "open_tree"
    ), "paths in a mount namespace are those inside"),
    **dict.fromkeys((
        "ia32-calls-of-a-64-bit-program",
    ), "32-bit calls are told by the program's format alone: these are missed, and the record is complete"),
    **dict.fromkeys((
        "FICLONE", "FICLONERANGE", "cp-reflink"
    ), "ioctl(FICLONE) is not watched"),
    **dict.fromkeys((
        "chroot-absolute-symbolic-link",
    ), "an absolute symbolic link is not followed from the root of its process"),
    **dict.fromkeys((
        "path-of-4000-bytes",
    ), "a path of more than 3,840 bytes is cut"),
    **dict.fromkeys((
        "rename-then-read", "replaced-by-the-job", "removed-and-restored-between-two-reads"
    ), "what had got its name by rename or link is no input any more"),
    **dict.fromkeys((
        "overwritten-by-another-between-two-reads", "overwritten-by-another-between-two-steps"
    ), "an inode has one version as input"),
}
#: Rows that fail now and then, for the same reason: take a row out when what makes it fail is mended.
RACING: dict[str, str] = {
    "exec-of-an-own-output": "executions are applied before the accesses of the same batch: an input, if it was just written",
    "exec-of-an-own-output-at-once": "executions are applied before the accesses of the same batch",
    "exec-unlinked-while-it-runs": "no hash, and yet complete",
}

_TABLES = (rows_calls, rows_names, rows_meaning, rows_processes, rows_places, rows_async)
ROWS: list[Row] = [row for table in _TABLES for row in table.ROWS]


def _parameter(row: Row) -> object:
    # a stimulus that fails is another exception, and not what is expected
    reason = PENDING.get(row.name) or RACING.get(row.name, "")
    pending = pytest.mark.xfail(strict=row.name in PENDING, raises=pytest.fail.Exception, reason=reason)
    return pytest.param(row, id=row.name, marks=[pending] if reason else [])


@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS])
def test_conformance(row: Row, project: Project, bench: Bench) -> None:
    run(row, project, bench)


def test_rows_have_names_of_their_own_and_nothing_else_is_pending() -> None:
    names = [row.name for row in ROWS]
    assert sorted(set(names)) == sorted(names)
    assert set(PENDING) | set(RACING) <= set(names)
