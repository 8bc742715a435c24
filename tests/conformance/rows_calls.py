"""Every call that opens, reads, writes, maps or moves content."""

from __future__ import annotations

from conformance import ANY, Row, python, shell

IN = b"what is in the file\n"
OUT = b"what goes out\n"
LONG = bytes(range(256)) * 800      # more than a read carries
SOURCE = {"in": IN}
READ = {"in": (IN, "read")}
MADE = {"out": (OUT, "create write")}

_OPEN = [
    Row("open", python("f = call(2, 'in', 0, 0); os.read(f, 99)"), SOURCE, READ),
    Row("openat", python("f = call(257, -100, 'in', 0, 0); os.read(f, 99)"), SOURCE, READ),
    Row("openat-with-directory", python("d = os.open('sub', 0); f = call(257, d, 'in', 0, 0); os.read(f, 99)"),
        {"sub/in": IN}, {"sub/in": (IN, "read")}),
    Row("openat2", python("""
        how = (ctypes.c_uint64 * 3)(os.O_RDONLY, 0, 0)
        f = call(437, -100, 'in', how, 24); os.read(f, 99)
    """), SOURCE, READ),
    Row("openat2-create", python("""
        how = (ctypes.c_uint64 * 3)(os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, 0)
        f = call(437, -100, 'out', how, 24); os.write(f, b'what goes out\\n')
    """), outputs=MADE),
    Row("openat2-truncate", python("""
        how = (ctypes.c_uint64 * 3)(os.O_WRONLY | os.O_TRUNC, 0, 0)
        call(437, -100, 'in', how, 24)
    """), SOURCE, outputs={"in": (b"", "truncate")}),
    Row("creat", python("f = call(85, 'out', 0o644); os.write(f, b'what goes out\\n')"), outputs=MADE),
    Row("creat-of-an-existing-file", python("f = call(85, 'in', 0o644); os.write(f, b'what goes out\\n')"), SOURCE,
        outputs={"in": (OUT, "truncate write")}),
    Row("creat-of-an-existing-file-nothing-written", python("call(85, 'in', 0o644)"), SOURCE,
        outputs={"in": (b"", "truncate")}),
    Row("open_by_handle_at", python("""
        handle = (ctypes.c_uint32 * 34)(128)
        mount = ctypes.c_int()
        call(303, -100, 'in', handle, ctypes.byref(mount), 0)
        d = os.open('.', os.O_RDONLY)
        f = call(304, d, handle, os.O_RDONLY)
        os.read(f, 99)
    """), SOURCE, READ),
    Row("open_by_handle_at-write", python("""
        handle = (ctypes.c_uint32 * 34)(128)
        mount = ctypes.c_int()
        call(303, -100, 'in', handle, ctypes.byref(mount), 0)
        d = os.open('.', os.O_RDONLY)
        f = call(304, d, handle, os.O_WRONLY | os.O_TRUNC)
        os.write(f, b'what goes out\\n')
    """), SOURCE, outputs={"in": (OUT, "truncate write")}),
    Row("open-by-magic-link", python("f = os.open('in', os.O_RDONLY); read(f'/proc/self/fd/{f}')"), SOURCE, READ),
    Row("open-dev-stdin", shell("exec < in; cat /dev/stdin"), SOURCE, READ),
    Row("O_TMPFILE-linked-by-magic-link", python("""
        f = os.open('.', os.O_TMPFILE | os.O_WRONLY, 0o644)
        os.write(f, b'what goes out\\n')
        call(265, -100, f'/proc/self/fd/{f}', -100, 'out', 0x400)
    """), outputs={"out": (OUT, "create write link")}),
    Row("O_TMPFILE-linked-by-empty-path", python("""
        f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o644)
        os.write(f, b'what goes out\\n')
        call(265, f, '', -100, 'out', 0x1000)
    """), outputs={"out": (OUT, "create write link")}),
    Row("O_TMPFILE-linked-then-written", python("""
        f = os.open('.', os.O_TMPFILE | os.O_WRONLY, 0o644)
        call(265, -100, f'/proc/self/fd/{f}', -100, 'out', 0x400)
        os.write(f, b'what goes out\\n')
    """), outputs={"out": (OUT, "create write link")}),
    Row("O_TMPFILE-never-linked", python("""
        f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o644)
        os.write(f, b'gone'); os.pread(f, 9, 0)
    """), scratch=ANY),
    Row("O_PATH", python("f = os.open('in', os.O_PATH); os.fstat(f)"), SOURCE),
    Row("O_PATH-reopened-to-read", python("f = os.open('in', os.O_PATH); read(f'/proc/self/fd/{f}')"), SOURCE, READ),
    Row("O_DIRECT", python("""
        import mmap
        try: f = os.open('in', os.O_RDONLY | os.O_DIRECT)
        except OSError: print('no O_DIRECT on this file system', file=sys.stderr); sys.exit(77)
        os.readv(f, [mmap.mmap(-1, 4096)])
    """), SOURCE, READ),
    Row("O_TRUNC-nothing-written", python("os.open('in', os.O_WRONLY | os.O_TRUNC)"), SOURCE,
        outputs={"in": (b"", "truncate")}),
    Row("O_TRUNC-read-only", python("os.open('in', os.O_RDONLY | os.O_TRUNC)"), SOURCE, outputs={"in": (b"", "truncate")}),
    Row("O_TRUNC-written", python("write('in', b'what goes out\\n')"), SOURCE, outputs={"in": (OUT, "truncate write")}),
    Row("O_TRUNC-that-fails", python("""
        try: os.open('in', os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_TRUNC)
        except FileExistsError: pass
    """), SOURCE),
    Row("O_CREAT-of-an-empty-file", python("os.open('out', os.O_WRONLY | os.O_CREAT, 0o644)"),
        outputs={"out": (b"", "create")}),
    Row("O_CREAT-of-an-existing-file", python("os.open('in', os.O_WRONLY | os.O_CREAT, 0o644)"), SOURCE),
    Row("O_CREAT-of-an-existing-file-read", python("os.read(os.open('in', os.O_RDWR | os.O_CREAT, 0o644), 99)"), SOURCE, READ),
    Row("O_CREAT-through-a-dangling-link", python("write('soft', b'what goes out\\n')"), soft={"soft": "out"}, outputs=MADE),
    Row("open-of-nothing", python("""
        for flags in (os.O_RDONLY, os.O_WRONLY | os.O_TRUNC):
            try: os.open('none', flags)
            except FileNotFoundError: pass
    """)),
]

_READ = [
    Row(f"{call}{suffix}", python(f"f = os.open('in', os.O_RDONLY)\n{code}"), {"in": content}, {"in": (content, "read")})
    for call, code in {
        "read": "os.read(f, 9999999)",
        "readv": "os.readv(f, [bytearray(4), bytearray(9999999)])",
        "pread64": "os.pread(f, 9999999, 0)",
        "preadv": "call(295, f, (ctypes.c_uint64 * 4)(*(x for b in (ctypes.create_string_buffer(4),"
                  " ctypes.create_string_buffer(9999999)) for x in (ctypes.addressof(b), len(b)))), 2, 0, 0)",
        "preadv2": "os.preadv(f, [bytearray(4), bytearray(9999999)], 0, os.RWF_HIPRI * 0)",
        "preadv2-at-the-position": "b = ctypes.create_string_buffer(9999999);"
                                   " call(327, f, (ctypes.c_uint64 * 2)(ctypes.addressof(b), len(b)), 1, -1, -1, 0)",
    }.items()
    for suffix, content in (("", IN), ("-of-200-kB", LONG))
] + [
    Row("read-half", python("os.read(os.open('in', os.O_RDONLY), 5)"), SOURCE, READ),
    Row("read-half-of-200-kB", python("os.read(os.open('in', os.O_RDONLY), 100000)"), {"in": LONG}, {"in": (LONG, "read")}),
    Row("read-from-the-middle", python("os.pread(os.open('in', os.O_RDONLY), 5, 8)"), SOURCE, READ),
    Row("read-backwards", python("f = os.open('in', os.O_RDONLY)\nfor at in range(18, -1, -3): os.pread(f, 3, at)"),
        SOURCE, READ),
    Row("read-byte-by-byte", python("f = os.open('in', os.O_RDONLY)\nwhile os.read(f, 1): pass"), SOURCE, READ),
    Row("read-of-nothing-at-the-end", python("""
        f = os.open('in', os.O_RDONLY); os.lseek(f, 0, os.SEEK_END); os.read(f, 9); os.pread(f, 9, 1000)
    """), SOURCE),
    Row("read-of-zero-bytes", python("f = os.open('in', os.O_RDONLY); os.read(f, 0); os.pread(f, 0, 0)"), SOURCE),
    Row("read-of-an-empty-file", python("os.read(os.open('in', os.O_RDONLY), 9)"), {"in": b""}, {"in": (b"", "read")}),
    Row("read-that-fails", python("""
        f = os.open('in', os.O_WRONLY)
        try: os.read(f, 9)
        except OSError: pass
        try: call(0, os.open('in', os.O_RDONLY), 1, 9)   # EFAULT
        except OSError: pass
    """), SOURCE),
    Row("read-several-files-over-one-descriptor", python("""
        for name in 'abc':
            f = os.open(name, os.O_RDONLY); os.dup2(f, 9); os.close(f); os.read(9, 99)
    """), {name: name.encode() for name in "abc"}, {name: (name.encode(), "read") for name in "abc"}),
]

_WRITE = [
    Row(call, python(f"f = os.open('out', os.O_WRONLY | os.O_CREAT, 0o644)\n{code}"), outputs=MADE)
    for call, code in {
        "write": "os.write(f, b'what goes out\\n')",
        "writev": "os.writev(f, [b'what goes', b' out\\n'])",
        "pwrite64": "os.pwrite(f, b'what goes out\\n', 0)",
        "pwritev": "a = ctypes.create_string_buffer(b'what goes out\\n');"
                   " call(296, f, (ctypes.c_uint64 * 2)(ctypes.addressof(a), 14), 1, 0, 0)",
        "pwritev2": "os.pwritev(f, [b'what goes', b' out\\n'], 0, os.RWF_DSYNC)",
        "pwritev2-at-the-position": "a = ctypes.create_string_buffer(b'what goes out\\n');"
                                    " call(328, f, (ctypes.c_uint64 * 2)(ctypes.addressof(a), 14), 1, -1, -1, 0)",
    }.items()
] + [
    Row("write-after-a-hole", python("""
        f = os.open('out', os.O_WRONLY | os.O_CREAT, 0o644); os.pwrite(f, b'end', 4096)
    """), outputs={"out": (bytes(4096) + b"end", "create write")}),
    Row("write-of-3-MB", python("write('out', b'123' * (1 << 20))"), outputs={"out": (b"123" * (1 << 20), "create write")}),
    Row("write-of-zero-bytes", python("f = os.open('in', os.O_WRONLY); os.write(f, b''); os.pwrite(f, b'', 3)"), SOURCE),
    Row("write-that-fails", python("""
        try: os.write(os.open('in', os.O_RDONLY), b'x')
        except OSError: pass
    """), SOURCE),
    Row("write-closed-and-opened-again", python("""
        import time
        write('out', b'first'); time.sleep(0.6); write('out', b'what goes out\\n', 'r+b')
    """), outputs=MADE),
    Row("write-long-after-it-was-opened", python("""
        import time
        f = os.open('out', os.O_WRONLY | os.O_CREAT, 0o644); os.write(f, b'what'); time.sleep(0.6)
        os.write(f, b' goes'); g = os.dup(f); os.close(f); time.sleep(0.6); os.write(g, b' out\\n')
    """), outputs=MADE),
    Row("ftruncate", python("os.ftruncate(os.open('in', os.O_RDWR), 4)"), SOURCE, outputs={"in": (IN[:4], "truncate")}),
    Row("ftruncate-longer", python("os.ftruncate(os.open('in', os.O_RDWR), 30)"), SOURCE,
        outputs={"in": (IN + bytes(10), "truncate")}),
    Row("ftruncate-of-a-new-file", python("os.ftruncate(os.open('out', os.O_RDWR | os.O_CREAT, 0o644), 9)"),
        outputs={"out": (bytes(9), "create truncate")}),
    Row("ftruncate-that-fails", python("""
        try: os.ftruncate(os.open('in', os.O_RDONLY), 4)
        except OSError: pass
    """), SOURCE),
    Row("truncate", python("os.truncate('in', 4)"), SOURCE, outputs={"in": (IN[:4], "truncate")}),
    Row("truncate-after-a-read", python("read('in'); os.truncate('in', 4)"), SOURCE, READ, {"in": (IN[:4], "truncate")}),
    Row("truncate-by-a-symbolic-link", python("os.truncate('soft', 4)"), SOURCE, soft={"soft": "in"},
        outputs={"in": (IN[:4], "truncate")}),
    Row("truncate-by-a-symbolic-link-then-retargeted", python("""
        os.truncate('soft', 4); os.unlink('soft'); os.symlink('decoy', 'soft')
    """), {**SOURCE, "decoy": IN}, soft={"soft": "in"}, outputs={"in": (IN[:4], "truncate"), "soft": (None, "link")},
        excuse="unknown_paths"),
    Row("truncate-that-fails", python("""
        try: os.truncate('none', 4)
        except OSError: pass
    """)),
    Row("fallocate", python("call(285, os.open('out', os.O_RDWR | os.O_CREAT, 0o644), 0, 0, 9)"),
        outputs={"out": (bytes(9), "create truncate")}),
    Row("posix_fallocate", python("os.posix_fallocate(os.open('out', os.O_RDWR | os.O_CREAT, 0o644), 0, 9)"),
        outputs={"out": (bytes(9), "create truncate")}),
    # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE: no word of the table is quite right
    Row("fallocate-punches-a-hole", python("call(285, os.open('in', os.O_RDWR), 3, 0, 4)"), SOURCE,
        outputs={"in": (bytes(4) + IN[4:], None)}),
    Row("fallocate-zeroes", python("call(285, os.open('in', os.O_RDWR), 16, 0, 4)"), SOURCE,
        outputs={"in": (bytes(4) + IN[4:], None)}),
    # the way of XFS, on all file systems: struct space_resv
    *(Row(name, python(f"""
        import errno, fcntl, struct
        f = os.open('in', os.O_RDWR)
        try: fcntl.ioctl(f, {command}, struct.pack('hhxxxxqqiI16x', 0, 0, 0, 4, 0, 0))
        except OSError as error: sys.exit(77 if error.errno in (errno.ENOTTY, errno.EOPNOTSUPP) and not print(
            'this file system does not do that', file=sys.stderr) else 1)
    """), SOURCE, outputs=changed) for name, command, changed in (
        ("FS_IOC_UNRESVSP64", 0x4030582b, {"in": (bytes(4) + IN[4:], "truncate")}),
        ("FS_IOC_ZERO_RANGE", 0x40305839, {"in": (bytes(4) + IN[4:], "truncate")}),
        ("FS_IOC_RESVSP64", 0x4030582a, {}))),
]

_MAP = [
    Row("mmap-shared", python("""
        import mmap
        mmap.mmap(os.open('in', os.O_RDONLY), 0, mmap.MAP_SHARED, mmap.PROT_READ)[:]
    """), SOURCE, {"in": (IN, "map")}),
    Row("mmap-private", python("""
        import mmap
        mmap.mmap(os.open('in', os.O_RDONLY), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)[:]
    """), SOURCE, {"in": (IN, "map")}),
    Row("mmap-after-close", python("""
        import mmap
        f = os.open('in', os.O_RDONLY); m = mmap.mmap(f, 0, mmap.MAP_PRIVATE, mmap.PROT_READ); os.close(f); m[:]
    """), SOURCE, {"in": (IN, "map")}),
    Row("mmap-of-200-kB", python("""
        import mmap
        mmap.mmap(os.open('in', os.O_RDONLY), 0, mmap.MAP_SHARED, mmap.PROT_READ)[:]
    """), {"in": LONG}, {"in": (LONG, "map")}),
    Row("mmap-private-and-writable", python("""
        import mmap
        mmap.mmap(os.open('in', os.O_RDONLY), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)[:2] = b'xx'
    """), SOURCE, {"in": (IN, "map")}),
    Row("mmap-private-and-writable-of-a-writable-descriptor", python("""
        import mmap
        mmap.mmap(os.open('in', os.O_RDWR), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)[:2] = b'xx'
    """), SOURCE, {"in": (IN, "map")}),
    Row("mmap-shared-and-writable", python("""
        import mmap
        f = os.open('out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 14)
        mmap.mmap(f, 14)[:] = b'what goes out\\n'
    """), outputs={"out": (OUT, "create truncate map write")}),
    Row("mmap-shared-and-writable-validated", python("""
        f = os.open('out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 14)
        at = call(9, 0, 14, 3, 3, f, 0)             # MAP_SHARED_VALIDATE
        ctypes.memmove(at, b'what goes out\\n', 14)
    """), outputs={"out": (OUT, "create truncate map write")}),
    Row("mmap-written-long-after-close", python("""
        import mmap, time
        f = os.open('out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 14)
        m = mmap.mmap(f, 14); os.close(f); time.sleep(0.6)
        m[:] = b'what goes out\\n'
    """), outputs={"out": (OUT, "create truncate map write")}),
    # the page is dirty already: this store changes no time stamp, and no size
    Row("mmap-written-before-and-long-after-close", python("""
        import mmap, time
        f = os.open('out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 14)
        m = mmap.mmap(f, 14); m[:] = b'what came first'[:14]; os.close(f); time.sleep(0.9)
        m[:] = b'what goes out\\n'
    """), outputs={"out": (OUT, "create truncate map write")}),
    Row("mmap-written-by-a-child", python("""
        import mmap
        f = os.open('out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 14)
        m = mmap.mmap(f, 14); os.close(f)
        if os.fork() == 0: m[:] = b'what goes out\\n'; os._exit(0)
        os.wait()
    """), outputs={"out": (OUT, "create truncate map write")}),
    Row("mmap-read-then-written", python("""
        import mmap
        f = os.open('in', os.O_RDWR); os.read(f, 99)
        mmap.mmap(f, 0)[:4] = b'WHAT'
    """), SOURCE, READ, {"in": (b"WHAT" + IN[4:], "map write")}),
    Row("mremap-of-a-writable-mapping", python("""
        f = os.open('out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 8192)
        at = call(9, 0, 4096, 3, 1, f, 0)
        at = call(25, at, 4096, 8192, 1); ctypes.memset(at + 4096, 65, 4096)
    """), outputs={"out": (bytes(4096) + b"A" * 4096, "create truncate map write")}),
    # a while between: what was in a mapping, and is not any more, nobody can tell
    Row("mprotect-makes-a-shared-mapping-writable", python("""
        import time
        at = call(9, 0, 4096, 1, 1, os.open('in', os.O_RDWR), 0); time.sleep(0.6)
        call(10, at, 4096, 3); ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}, {"in": (b"WHAT" + IN[4:], "map write")}),
    Row("mprotect-at-once", python("""
        at = call(9, 0, 4096, 1, 1, os.open('in', os.O_RDWR), 0)
        call(10, at, 4096, 3); ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}, {"in": (b"WHAT" + IN[4:], "map write")}, excuse="unhashed_inputs"),
    Row("mprotect-long-after-close", python("""
        import time
        f = os.open('in', os.O_RDWR); at = call(9, 0, 4096, 1, 1, f, 0); os.close(f); time.sleep(0.6)
        call(10, at, 4096, 3); ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}, {"in": (b"WHAT" + IN[4:], "map write")}),
    Row("pkey_mprotect-makes-a-shared-mapping-writable", python("""
        import time
        at = call(9, 0, 4096, 1, 1, os.open('in', os.O_RDWR), 0); time.sleep(0.6)
        call(329, at, 4096, 3, -1); ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}, {"in": (b"WHAT" + IN[4:], "map write")}),
    Row("mprotect-over-several-mappings", python("""
        import time
        f, g = os.open('a', os.O_RDWR), os.open('b', os.O_RDWR)
        at = call(9, 0, 8192, 0, 0x22, -1, 0)
        call(9, at, 4096, 1, 0x11, f, 0); call(9, at + 4096, 4096, 1, 0x11, g, 0)    # MAP_FIXED
        time.sleep(0.6); call(10, at, 8192, 3)
        ctypes.memset(at, 65, 2); ctypes.memset(at + 4096, 66, 2)
    """), {"a": b"aa", "b": b"bb"}, {"a": (b"aa", "map"), "b": (b"bb", "map")},
        {"a": (b"AA", "map write"), "b": (b"BB", "map write")}),
    Row("mprotect-over-many-mappings", python("""
        import time
        at = call(9, 0, 4096 * 12, 0, 0x22, -1, 0)
        for i in range(12): call(9, at + i * 4096, 4096, 1, 0x11, os.open(f'in{i}', os.O_RDWR), 0)
        time.sleep(0.6); call(10, at, 4096 * 12, 3)
        for i in range(12): ctypes.memset(at + i * 4096, 65, 2)
    """), {f"in{i}": b"%03d" % i for i in range(12)}, {f"in{i}": (b"%03d" % i, "map") for i in range(12)},
        {f"in{i}": (b"AA%d" % (i % 10), "map write") for i in range(12)}, excuse="unseen_calls"),
    # the mappings before the hole are writable, although the call says ENOMEM
    Row("mprotect-that-fails-half-way", python("""
        import time
        at = call(9, 0, 8192, 0, 0x22, -1, 0)
        call(9, at, 4096, 1, 0x11, os.open('in', os.O_RDWR), 0); call(11, at + 4096, 4096); time.sleep(0.6)
        try: call(10, at, 8192, 3)
        except OSError: pass
        ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}, {"in": (b"WHAT" + IN[4:], "map write")}),
    Row("mprotect-of-a-part-of-a-mapping", python("""
        import time
        at = call(9, 0, 12288, 1, 1, os.open('in', os.O_RDWR), 0); time.sleep(0.6)
        call(10, at + 4096, 4096, 3); ctypes.memset(at + 4096, 65, 4096)
    """), {"in": bytes(12288)}, {"in": (bytes(12288), "map")},
        {"in": (bytes(4096) + b"A" * 4096 + bytes(4096), "map write")}),
    Row("mprotect-in-a-large-address-space", python("""
        import time
        for i in range(3000): call(9, 0, 4096, 1 + i % 2 * 2, 0x22, -1, 0)
        at = call(9, 0, 4096, 1, 1, os.open('in', os.O_RDWR), 0)
        for i in range(3000): call(9, 0, 4096, 1 + i % 2 * 2, 0x22, -1, 0)
        time.sleep(0.6); call(10, at, 4096, 3); ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}, {"in": (b"WHAT" + IN[4:], "map write")}),
    Row("mprotect-of-a-private-mapping", python("""
        at = call(9, 0, 4096, 1, 2, os.open('in', os.O_RDWR), 0)
        call(10, at, 4096, 3); ctypes.memmove(at, b'WHAT', 4)
    """), SOURCE, {"in": (IN, "map")}),
    Row("mprotect-that-fails", python("""
        at = call(9, 0, 4096, 1, 1, os.open('in', os.O_RDONLY), 0)
        try: call(10, at, 4096, 3)
        except PermissionError: pass
    """), SOURCE, {"in": (IN, "map")}),
    Row("madvise-REMOVE", python("""
        f = os.open('in', os.O_RDWR); at = call(9, 0, 8192, 3, 1, f, 0); os.close(f); call(28, at, 4096, 9)
    """), {"in": b"p" * 8192}, outputs={"in": (bytes(4096) + b"p" * 4096, "map truncate write")}),
    # mapped to be read only, but by a descriptor that may write: allowed since 6.7
    Row("madvise-REMOVE-of-what-may-only-be-read", python("""
        f = os.open('in', os.O_RDWR); at = call(9, 0, 8192, 1, 1, f, 0); os.close(f)
        try: call(28, at, 4096, 9)
        except PermissionError: sys.exit(77 if not print('this kernel wants a writable mapping', file=sys.stderr) else 1)
    """), {"in": b"p" * 8192}, {"in": (b"p" * 8192, "map")}, {"in": (bytes(4096) + b"p" * 4096, "truncate")},
        excuse="unhashed_inputs"),
    Row("madvise-REMOVE-that-fails", python("""
        at = call(9, 0, 4096, 1, 1, os.open('in', os.O_RDONLY), 0)
        try: call(28, at, 4096, 9)
        except PermissionError: pass
    """), SOURCE, {"in": (IN, "map")}),
    Row("process_madvise-REMOVE", python("""
        f = os.open('in', os.O_RDWR); at = call(9, 0, 8192, 3, 1, f, 0)
        try: call(440, os.pidfd_open(os.getpid()), (ctypes.c_uint64 * 2)(at, 4096), 1, 9, 0)
        except OSError: sys.exit(77 if not print('this kernel does not do that', file=sys.stderr) else 1)
    """), {"in": b"p" * 8192}, incomplete="unseen_calls"),
    Row("remap_file_pages", python("""
        f = os.open('in', os.O_RDWR); at = call(9, 0, 8192, 3, 1, f, 0); os.close(f)
        call(216, at, 4096, 0, 1, 0); ctypes.memset(at, 120, 4)
    """), {"in": b"p" * 8192}, outputs={"in": (b"p" * 4096 + b"xxxx" + b"p" * 4092, "map write")}),
    Row("mmap-that-fails", python("""
        try: call(9, 0, 4096, 3, 1, os.open('in', os.O_RDONLY), 0)
        except PermissionError: pass
    """), SOURCE),
]

_MOVE = [
    Row(call, python(f"f = os.open('in', os.O_RDONLY); g = os.open('out', os.O_WRONLY | os.O_CREAT, 0o644)\n{code}"),
        SOURCE, READ, {"out": (IN, "create write")})
    for call, code in {
        "sendfile": "os.sendfile(g, f, None, 99)",
        "sendfile-with-offset": "os.sendfile(g, f, 0, 99)",
        "copy_file_range": "os.copy_file_range(f, g, 99)",
        "copy_file_range-with-offsets": "os.copy_file_range(f, g, 99, 0, 0)",
        "splice": "a, b = os.pipe(); os.splice(f, b, 99); os.splice(a, g, 99)",
        "splice-with-offsets": "a, b = os.pipe(); os.splice(f, b, 99, 0); os.splice(a, g, 99, None, 0)",
        "splice-and-tee": "a, b = os.pipe(); c, d = os.pipe(); os.splice(f, b, 99); call(276, a, d, 99, 0);"
                          " os.splice(c, g, 99)",
    }.items()
] + [
    Row("sendfile-to-a-socket", python("""
        import socket
        a, b = socket.socketpair(); os.sendfile(a.fileno(), os.open('in', os.O_RDONLY), 0, 99); b.recv(99)
    """), SOURCE, READ),
    Row("splice-to-a-pipe-alone", python("a, b = os.pipe(); os.splice(os.open('in', os.O_RDONLY), b, 99)"), SOURCE, READ),
    Row("splice-from-a-pipe-alone", python("""
        a, b = os.pipe(); os.write(b, b'what goes out\\n')
        os.splice(a, os.open('out', os.O_WRONLY | os.O_CREAT, 0o644), 99)
    """), outputs=MADE),
    Row("tee-and-vmsplice", python("""
        a, b = os.pipe(); c, d = os.pipe()
        data = ctypes.create_string_buffer(b'x' * 99)
        call(278, b, (ctypes.c_uint64 * 2)(ctypes.addressof(data), 99), 1, 0)
        call(276, a, d, 99, 0); os.read(c, 99)
    """)),
    Row("vmsplice-then-splice", python("""
        a, b = os.pipe()
        data = ctypes.create_string_buffer(b'what goes out\\n')
        call(278, b, (ctypes.c_uint64 * 2)(ctypes.addressof(data), 14), 1, 0)
        os.splice(a, os.open('out', os.O_WRONLY | os.O_CREAT, 0o644), 14)
    """), outputs=MADE),
    Row("splice-of-nothing", python("""
        f = os.open('in', os.O_RDONLY); g = os.open('keep', os.O_WRONLY); os.lseek(f, 0, os.SEEK_END)
        a, b = os.pipe(); os.splice(f, b, 99); os.sendfile(g, f, None, 99); os.copy_file_range(f, g, 99)
    """), {"in": IN, "keep": b"kept"}),
    Row("copy_file_range-within-a-file", python("""
        f = os.open('in', os.O_RDWR); os.copy_file_range(f, f, 4, 0, 20)
    """), SOURCE, READ, {"in": (IN + IN[:4], "write")}, excuse="unhashed_inputs"),
]

ROWS = [*_OPEN, *_READ, *_WRITE, *_MAP, *_MOVE]
