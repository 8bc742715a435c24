"""io_uring and libaio: what a kernel thread or a completion does is the submitter's."""

from __future__ import annotations

from conformance import Row

IN, OUT = b"what is in the file\n", b"what goes out\n"
SOURCE = {"in": IN}
READ = {"in": (IN, "read")}
MADE = {"out": (OUT, "create write")}
_PAGE = b"p" * 4096
_WRITTEN_PAGE = OUT + bytes(4096 - len(OUT))
_EIGHT = {f"in{i}": b"%d" % i for i in range(8)}
_EIGHT_READ = {name: (content, "read") for name, content in _EIGHT.items()}
_EIGHT_MADE = {f"out{i}": (OUT, "create write") for i in range(8)}


def _uring(name: str, files: object = None, *tables: object, **others: object) -> Row:
    return Row(f"io_uring-{name}", ("@uring", name), files or {}, *tables, **others)


_URING = [
    *(_uring(name, SOURCE, READ) for name in (
        "READ", "READ-async", "READ-sqpoll", "READ-deferred", "selected-buffer", "at-position", "OPENAT", "OPENAT2",
        "fixed-read", "FILES_UPDATE", "direct-OPENAT", "direct-OPENAT2", "direct-alloc", "direct-install", "direct-sent",
        "linked", "SPLICE-fixed", "skip-success-async", "thread", "registered-ring",
        "TEE", "register-update")),
    *(_uring(name, outputs=MADE) for name in (
        "WRITE", "WRITE-async", "WRITE-sqpoll", "WRITE-deferred", "fixed-write", "OPENAT-create", "direct-create")),
    *(_uring(name, SOURCE, READ, MADE) for name in ("vectored", "vectored-fixed", "fixed-buffers", "skip-success", "child")),
    *(_uring(name, outputs={"out": (b"", "create")}) for name in ("OPENAT-create-async", "direct-create-empty")),
    _uring("many", _EIGHT, _EIGHT_READ, _EIGHT_MADE),
    *(_uring(name, SOURCE) for name in ("nothing", "direct-unread", "cancelled", "READ_MULTISHOT", "ACCEPT")),
    _uring("MADVISE", {"in": b"p" * 8192}, incomplete="unseen_calls"),
    _uring("OPENAT-truncate", SOURCE, outputs={"in": (b"", "truncate")}),
    _uring("read-then-overwritten", SOURCE, READ, {"in": (OUT, "truncate write")}, excuse="unhashed_inputs"),
    _uring("SPLICE", SOURCE, READ, {"out": (IN, "create write")}),
    _uring("FALLOCATE", outputs={"out": (bytes(9), "create truncate")}),
    _uring("FTRUNCATE", SOURCE, outputs={"in": (IN[:4], "truncate")}),
    *(_uring(name, SOURCE, {"in": (IN, "rename")}, {"out": (IN, "rename")}) for name in ("RENAMEAT", "RENAMEAT-reused")),
    _uring("RENAMEAT-own", outputs={"out": (OUT, "create write rename")}),
    _uring("linked-write", outputs={"out": (OUT, "create write rename")}),
    _uring("EXCHANGE", {"a": b"A", "b": b"B"}, {"a": (b"A", "rename"), "b": (b"B", "rename")},
           {"a": (b"B", "rename"), "b": (b"A", "rename")}),
    _uring("UNLINKAT", SOURCE, removed={"in": (None, "unlink")}),
    _uring("LINKAT", SOURCE, {"in": (IN, "link")}, {"out": (IN, "link")}),
    _uring("SYMLINKAT", SOURCE, outputs={"out": (None, "link")}),
    _uring("MKDIRAT", outputs={"d/out": (b"", "create")}),
    _uring("append", SOURCE, {"in": (IN, None)}, {"in": (IN + OUT, "write")}),
    _uring("READ-O_DIRECT", SOURCE, READ),
    _uring("WRITE-O_DIRECT", {"in": _PAGE}, outputs={"in": (_WRITTEN_PAGE, "write")}),
    _uring("WRITE-and-exit", {"in": _PAGE}, outputs={"in": (_WRITTEN_PAGE, "write")}),
    # in a chain without completions nothing tells which file it was
    _uring("skip-success-direct", SOURCE, READ, excuse="unseen_calls"),
    _uring("skip-success-names", SOURCE, {"in": (IN, "rename")}, {"out": (IN, "rename")}),
    _uring("names-that-fail", {"a": b"A", "b": b"B"}),
]


def _aio(name: str, files: object = None, *tables: object, **others: object) -> Row:
    return Row(f"io_submit-{name}", ("@aio", name), files or {}, *tables, **others)


_AIO = [
    *(_aio(name, SOURCE, READ) for name in ("PREAD", "PREADV", "direct", "closed")),
    *(_aio(name, outputs=MADE) for name in ("PWRITE", "PWRITEV")),
    _aio("several", _EIGHT, _EIGHT_READ, _EIGHT_MADE),
    _aio("stops-at-a-bad-one", {"in": IN, "keep": IN}, READ),
    _aio("append", SOURCE, {"in": (IN, None)}, {"in": (IN + OUT, "write")}),
    _aio("append-to-two", {"short": b"short\n", "in": IN}, {"short": (b"short\n", None), "in": (IN, None)},
         {"short": (b"short\n" + OUT, "write"), "in": (IN + OUT, "write")}),
    _aio("fails-later", {"keep": IN}),
    _aio("nothing", SOURCE),
]

ROWS = [*_URING, *_AIO]
