"""Each way to touch a file leaves exactly its entries in the record: one row, one stimulus, one test."""

from __future__ import annotations

import pytest
import rows_calls
import rows_meaning
import rows_names
from conformance import Programs, Row, Viewer, run
from harness import Project

#: Rows that the capture does not do justice yet. One that begins to pass fails as such: take it out.
PENDING: dict[str, str] = {
    "O_TMPFILE-linked-by-magic-link": "the kernel does not say FMODE_CREATED for O_TMPFILE",
    "O_TMPFILE-linked-by-empty-path": "the kernel does not say FMODE_CREATED for O_TMPFILE",
    "O_TMPFILE-linked-then-written": "the kernel does not say FMODE_CREATED for O_TMPFILE",
    "O_TMPFILE-never-linked": "is taken for a file that was there before, and removed",
    "truncate-by-a-symbolic-link": "the link is recorded, not the file",
    "mmap-written-before-and-long-after-close": "a store into a dirty page changes no signature",
    "mprotect-makes-a-shared-mapping-writable": "mprotect is not watched",
    "mprotect-at-once": "mprotect is not watched",
    "mprotect-long-after-close": "mprotect is not watched",
    "pkey_mprotect-makes-a-shared-mapping-writable": "pkey_mprotect is not watched",
    "mprotect-over-several-mappings": "mprotect is not watched",
    "copy_file_range-within-a-file": "the input has the hash of what it was afterwards",
    "rename-then-read": "the read is one of an own output",
    "rename-by-descriptors-of-a-directory-that-moved": "a directory is recorded as a file",
    "rename-EXCHANGE": "of files that nobody opened it is not recorded",
    "rename-EXCHANGE-with-an-own-file": "the file that was there before is not recorded",
    "rename-EXCHANGE-of-directories": "the files in them are not followed",
    "rename-of-one-hard-link-to-the-other": "it succeeds and does nothing",
    "rename-of-a-directory-then-read": "a directory is recorded as a file",
    "rename-of-a-directory-with-files-nobody-opened": "a directory is recorded as a file",
    "rename-of-an-existing-file-through-a-symbolic-link": "the input's path is not canonical",
    "rename-with-dots-after-a-symbolic-link": "the path is normalised lexically",
    "rename-of-an-existing-file-with-dots-after-a-symbolic-link": "the path is normalised lexically",
    "rename-through-a-magic-link": "the path is taken literally",
    "linkat-of-a-descriptor": "the path is empty",
    "linkat-by-a-magic-link": "the path is taken literally",
    "linkat-follows-a-symbolic-link": "the link is recorded, not the file",
    "hard-links-one-read-the-other-written": "an inode has one path",
    "hard-links-both-read": "an inode has one path",
    "hard-links-one-read-then-unlinked": "an inode has one path",
    "unlink-through-a-symbolic-link": "the path is not canonical",
    "unlink-of-an-existing-file-through-a-symbolic-link": "the path is not canonical",
    "unlink-with-dots-after-a-symbolic-link": "the path is normalised lexically",
    "mknod-of-a-file": "mknod is not watched",
    "mknod-of-a-file-then-written": "mknod is not watched",
    "overwritten-after-readv": "readv carries no content",
    "overwritten-after-readv-in-parts": "readv carries no content",
    "overwritten-after-preadv": "preadv carries no content",
    "append-by-the-shell": "the old content of an appended file is no input",
    "append-by-O_APPEND": "the old content of an appended file is no input",
    "append-by-python": "the old content of an appended file is no input",
    "append-by-RWF_APPEND": "the old content of an appended file is no input",
    "append-by-F_SETFL": "the old content of an appended file is no input",
    "append-many-times": "the old content of an appended file is no input",
    "append-to-200-kB": "the old content of an appended file is no input",
}

ROWS: list[Row] = [*rows_calls.ROWS, *rows_names.ROWS, *rows_meaning.ROWS]


def _parameter(row: Row) -> object:
    # a stimulus that fails is another exception, and not what is expected
    pending = pytest.mark.xfail(strict=True, raises=pytest.fail.Exception, reason=PENDING.get(row.name, ""))
    return pytest.param(row, id=row.name, marks=[pending] if row.name in PENDING else [])


@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS])
def test_conformance(row: Row, project: Project, programs: Programs, viewer: Viewer) -> None:
    run(row, project, programs, viewer)


def test_rows_have_names_of_their_own_and_nothing_else_is_pending() -> None:
    names = [row.name for row in ROWS]
    assert sorted(set(names)) == sorted(names)
    assert set(PENDING) <= set(names)
