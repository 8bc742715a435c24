"""What counts as taking or leaving content, and which version of it."""

from __future__ import annotations

from conformance import Row, python, shell

OLD, NEW = b"the old content\n", b"the new content\n"
#: What happens at once after a read of all of `in`: the input still is what was read.
_READERS = {
    "read": "os.read(f, 99999)",
    "pread": "os.pread(f, 99999, 0)",
    "readv": "os.readv(f, [bytearray(99999)])",
    "readv-in-parts": "os.readv(f, [bytearray(30), bytearray(30), bytearray(99999)])",
    "preadv": "os.preadv(f, [bytearray(99999)], 0)",
    "readinto": "os.fdopen(f, 'rb', 0).readinto(bytearray(99999))",
    "buffered-readinto": "os.fdopen(f, 'rb').readinto(bytearray(99999))",
    "readall": "os.fdopen(f, 'rb').read()",
    "read-by-4096": "b''.join(iter(lambda: os.read(f, 4096), b''))",
    "text": "os.fdopen(f).read()",
}
_SHORT, _LONG = OLD * 6 + b"1234", OLD * 3750    # 100 B, 60 kB
#: Which word an input has of which nothing was read, but the old content is in the new, is not for this suite to say.
KEPT = (OLD, None)


def _overwritten(name: str, read: str) -> Row:
    """Each of two sizes, truncated and in place, at once after the read."""
    code = f"""
for name in ('short', 'long', 'short-in-place', 'long-in-place'):
    g = os.open(name, os.O_WRONLY); f = os.open(name, os.O_RDONLY)
    {read}
    if 'place' in name: os.pwrite(g, b'THE NEW', 0)
    else: g = os.open(name, os.O_WRONLY | os.O_TRUNC); os.write(g, b'the new content\\n')
"""
    files = {"short": _SHORT, "long": _LONG, "short-in-place": _SHORT, "long-in-place": _LONG}
    return Row(f"overwritten-after-{name}", python(code), files, {name: (content, "read") for name, content in files.items()}, {
        name: (b"THE NEW" + content[7:], "write") if "place" in name else (NEW, "truncate write")
        for name, content in files.items()})


_VERSIONS = [
    *(_overwritten(name, read) for name, read in _READERS.items()),
    Row("overwritten-in-microseconds", ("@races", "100"), {f"in{i}": OLD * i for i in range(1, 101)},
        {f"in{i}": (OLD * i, "read") for i in range(1, 101)}, {f"in{i}": (NEW, "truncate write") for i in range(1, 101)}),
    # too large to travel with its reads: what was read is known only if it was hashed in time
    Row("overwritten-in-microseconds-200-kB", python("""
        f = os.open('in', os.O_RDWR); os.read(f, 999999); os.pwrite(f, b'THE NEW', 0)
    """), {"in": OLD * 13_000}, {"in": (OLD * 13_000, "read")}, {"in": (b"THE NEW" + OLD[7:] + OLD * 12_999, "write")},
        excuse="unhashed_inputs"),
    Row("overwritten-in-microseconds-read-by-3-bytes", python("""
        f = os.open('in', os.O_RDWR)
        while os.read(f, 3): pass
        os.pwrite(f, b'THE NEW', 0)
    """), {"in": OLD * 9}, {"in": (OLD * 9, "read")}, {"in": (b"THE NEW" + OLD[7:] + OLD * 8, "write")},
        excuse="unhashed_inputs"),
    Row("overwritten-after-parent-and-child-read-in-turns", python("""
        f = os.open('in', os.O_RDWR); os.read(f, 4096)
        if os.fork() == 0: os.read(f, 4096); os._exit(0)
        os.wait(); os.read(f, 9999); os.pwrite(f, b'THE NEW', 0)
    """), {"in": OLD * 700}, {"in": (OLD * 700, "read")}, {"in": (b"THE NEW" + OLD[7:] + OLD * 699, "write")},
        excuse="unhashed_inputs"),
    Row("overwritten-after-reads-out-of-order", python("""
        f = os.open('in', os.O_RDWR)
        for at in (4096, 0, 8192, 4096): os.pread(f, 4096, at)
        os.pwrite(f, b'THE NEW', 0)
    """), {"in": OLD * 700}, {"in": (OLD * 700, "read")}, {"in": (b"THE NEW" + OLD[7:] + OLD * 699, "write")},
        excuse="unhashed_inputs"),
    # the old content is what it was when it was read first
    Row("changed-by-the-job-between-two-parts-of-a-read", python("""
        f = os.open('in', os.O_RDWR); os.read(f, 4096); os.pwrite(f, b'THE NEW', 0); os.read(f, 9999)
    """), {"in": OLD * 700}, {"in": (OLD * 700, "read")}, {"in": (b"THE NEW" + OLD[7:] + OLD * 699, "write")},
        excuse="unhashed_inputs"),
    Row("mapped-then-overwritten", python("""
        import mmap
        f = os.open('in', os.O_RDWR); mmap.mmap(f, 0, mmap.MAP_SHARED, mmap.PROT_READ)[:]; os.pwrite(f, b'THE NEW', 0)
    """), {"in": OLD}, {"in": (OLD, "map")}, {"in": (b"THE NEW" + OLD[7:], "write")}, excuse="unhashed_inputs"),
    Row("read-then-renamed-then-overwritten", python("""
        read('in'); os.rename('in', 'b'); write('b', b'the new content\\n')
    """), {"in": OLD}, {"in": (OLD, "read")}, {"b": (NEW, "truncate write rename")}),
    Row("read-then-overwritten-by-another-step", shell("sort in > t; tr a-z A-Z < t > in; rm t"), {"in": OLD},
        {"in": (OLD, "read")}, {"in": (OLD.upper(), "truncate write")}, {"t": (None, "read create write")}),
    # cat copies in the kernel: no process ever had the content
    Row("copied-then-overwritten", python("""
        f = os.open('in', os.O_RDONLY); os.copy_file_range(f, os.open('out', os.O_WRONLY | os.O_CREAT, 0o644), 99)
        write('in', b'the new content\\n')
    """), {"in": OLD}, {"in": (OLD, "read")}, {"in": (NEW, "truncate write"), "out": (OLD, "create write")},
        excuse="unhashed_inputs"),
    Row("sed-in-place", ("sed", "-i", "s/old/new/", "in"), {"in": OLD}, {"in": (OLD, "read")},
        {"in": (NEW, "create write rename")}),
    Row("written-then-read-back", python("write('out', b'the new content\\n'); read('out')"),
        outputs={"out": (NEW, "read create write")}),
    Row("truncated-then-read-back", python("write('in', b'the new content\\n'); read('in')"), {"in": OLD},
        outputs={"in": (NEW, "read truncate write")}),
    # not all of it was overwritten, and the rest was read: an input, of content that is gone
    Row("overwritten-in-part-then-read", python("""
        f = os.open('in', os.O_RDWR); os.pread(f, 99, 0); os.pwrite(f, b'THE NEW', 0); os.pread(f, 99, 0)
    """), {"in": OLD}, {"in": (OLD, "read")}, {"in": (b"THE NEW" + OLD[7:], "write")}),
]

_NOTHING = [
    Row("opened-not-read", python("open('in'); os.open('in', os.O_RDONLY)"), {"in": OLD}),
    Row("opened-for-writing-not-written", python("os.open('in', os.O_WRONLY); open('in', 'r+'); open('in', 'ab')"),
        {"in": OLD}),
    Row("looked-at-not-read", python("""
        f = os.open('in', os.O_RDONLY)
        os.stat('in'); os.lstat('soft'); os.fstat(f); os.access('in', os.R_OK); os.readlink('soft'); os.listdir('.')
        os.statvfs('in'); call(332, -100, 'in', 0, 0xfff, ctypes.create_string_buffer(256)); os.listxattr('in')
        os.lseek(f, 0, os.SEEK_DATA); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_WILLNEED); call(187, f, 0, 99)
        os.fsync(f); call(73, f, 1)
    """), {"in": OLD}, soft={"soft": "in"}),
    Row("changed-in-its-attributes-alone", python("""
        os.chmod('in', 0o600); os.chown('in', 0, 0); os.utime('in')
        try: os.setxattr('in', 'user.x', b'1')
        except OSError: pass
    """), {"in": OLD}),
    Row("watched-not-read", python("i = call(294, 0); call(254, i, 'in', 0xfff); open('in').close(); os.read(i, 99)"),
        {"in": OLD}),
    Row("devices", python("""
        write('/dev/null', b'x'); os.read(os.open('/dev/zero', os.O_RDONLY), 99)
        import mmap; mmap.mmap(os.open('/dev/zero', os.O_RDWR), 4096, mmap.MAP_PRIVATE)[:1] = b'x'
        open('/dev/urandom', 'rb').read(9)
    """)),
    Row("kernel-files", python("""
        read('/proc/self/status'); read('/proc/meminfo'); read('/sys/kernel/mm/transparent_hugepage/enabled')
    """)),
    Row("pipes-and-sockets", shell("echo x | cat | wc -c > /dev/null")),
]

_APPEND = [
    # what an appended file held before is in what it holds now
    Row("append-by-the-shell", shell("echo more >> in"), {"in": OLD}, {"in": KEPT}, {"in": (OLD + b"more\n", "write")}),
    Row("append-by-O_APPEND", python("os.write(os.open('in', os.O_WRONLY | os.O_APPEND), b'more\\n')"), {"in": OLD},
        {"in": KEPT}, {"in": (OLD + b"more\n", "write")}),
    Row("append-by-python", python("open('in', 'a').write('more\\n')"), {"in": OLD}, {"in": (OLD, "write")},
        {"in": (OLD + b"more\n", "write")}),
    Row("append-by-RWF_APPEND", python("os.pwritev(os.open('in', os.O_WRONLY), [b'more\\n'], 0, os.RWF_APPEND)"), {"in": OLD},
        {"in": KEPT}, {"in": (OLD + b"more\n", "write")}),
    Row("append-by-F_SETFL", python("""
        import fcntl
        f = os.open('in', os.O_WRONLY); fcntl.fcntl(f, fcntl.F_SETFL, os.O_APPEND); os.write(f, b'more\\n')
    """), {"in": OLD}, {"in": KEPT}, {"in": (OLD + b"more\n", "write")}),
    Row("append-by-pwrite", python("os.pwrite(os.open('in', os.O_WRONLY | os.O_APPEND), b'more\\n', 0)"), {"in": OLD},
        {"in": KEPT}, {"in": (OLD + b"more\n", "write")}),
    Row("append-then-read", shell("echo more >> in; sort in > /dev/null"), {"in": OLD}, {"in": KEPT},
        {"in": (OLD + b"more\n", None)}),
    Row("append-then-renamed", shell("echo more >> in; mv in out"), {"in": OLD}, {"in": KEPT},
        {"out": (OLD + b"more\n", "write rename")}),
    Row("append-by-two-steps", shell("sh -c 'echo more >> in'; sh -c 'echo more >> in'"), {"in": OLD}, {"in": KEPT},
        {"in": (OLD + b"more\nmore\n", "write")}),
    Row("append-many-times", shell("for i in 1 2 3; do echo $i >> in; done"), {"in": OLD}, {"in": (OLD, "write")},
        {"in": (OLD + b"1\n2\n3\n", "write")}),
    Row("append-to-200-kB", shell("echo more >> in"), {"in": OLD * 13_000}, {"in": (OLD * 13_000, None)},
        {"in": (OLD * 13_000 + b"more\n", "write")}),
    Row("append-after-a-read", shell("cat in > /dev/null; echo more >> in"), {"in": OLD}, {"in": (OLD, "read")},
        {"in": (OLD + b"more\n", "write")}),
    Row("append-to-a-new-file", shell("echo more >> out; echo more >> out"), outputs={"out": (b"more\n" * 2, "create write")}),
    Row("append-opened-not-written", shell(": >> in"), {"in": OLD}),
    Row("append-after-a-truncation", shell(": > in; echo more >> in"), {"in": OLD},
        outputs={"in": (b"more\n", "truncate write")}),
]

ROWS = [*_VERSIONS, *_NOTHING, *_APPEND]
