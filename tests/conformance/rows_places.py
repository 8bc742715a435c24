"""Where files are: the record has the path by which the host finds them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from conformance import ANY, Process, Row, Unsupported, mounted, python, shell

IN, OUT = b"what is in the file\n", b"what goes out\n"
SOURCE = {"in": IN}
READ = {"in": (IN, "read")}
MADE = {"out": (OUT, "create write")}
_COPY = "sort in > out"
_SUB = {"sub/in": IN}
_SUB_COPY = {"inputs": {"sub/in": (IN, "read")}, "outputs": {"sub/out": (IN, "create write")}}
_REAL = {"real/in": IN}
_REAL_COPY = {"inputs": {"real/in": (IN, "read")}, "outputs": {"real/out": (IN, "create write")}}

_DIRECTORIES = [
    Row("chdir", shell(f"cd sub; {_COPY}"), _SUB, **_SUB_COPY),
    Row("fchdir", python("os.fchdir(os.open('sub', 0)); write('out', read('in'))"), _SUB, **_SUB_COPY),
    Row("chdir-and-back", shell(f"cd sub/deeper/..; {_COPY}"), {**_SUB, "sub/deeper/x": b""}, **_SUB_COPY),
    Row("dirfd-relative", python("""
        d = os.open('sub', os.O_RDONLY)
        os.read(os.open('in', os.O_RDONLY, dir_fd=d), 99)
        os.write(os.open('t', os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=d), b'what goes out\\n')
        os.rename('t', 'out', src_dir_fd=d, dst_dir_fd=d)
    """), _SUB, {"sub/in": (IN, "read")}, {"sub/out": (OUT, "create write rename")}),
    Row("O_PATH-directory", python("""
        d = os.open('sub', os.O_PATH); os.read(os.open('in', os.O_RDONLY, dir_fd=d), 99)
    """), _SUB, {"sub/in": (IN, "read")}),
    Row("map_files", python("""
        import mmap
        m = mmap.mmap(os.open('in', os.O_RDONLY), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
        files = f'/proc/{os.getpid()}/map_files/'
        read(next(files + name for name in os.listdir(files) if os.readlink(files + name) == os.getcwd() + '/in'))
    """), SOURCE, {"in": (IN, "read map")}),
    Row("absolute", python("write(os.getcwd() + '/out', read(os.getcwd() + '//./in'))"), SOURCE, READ,
        {"out": (IN, "create write")}),
    Row("by-the-root-of-another-process", python("""
        pid = os.fork()
        if pid == 0: os.read(os.pipe()[0], 1)
        read(f'/proc/{pid}/root{os.getcwd()}/in'); read(f'/proc/{pid}/cwd/other'); os.kill(pid, 9)
    """), {**SOURCE, "other": OUT}, {**READ, "other": (OUT, "read")}),
    Row("threads-with-directories-of-their-own", python("""
        import threading
        def work(name):
            call(272, 0x200); os.chdir(name); read('in')       # unshare(CLONE_FS)
        for each in 'ab':
            t = threading.Thread(target=work, args=(each,)); t.start(); t.join()
    """), {"a/in": b"a", "b/in": b"b"}, {"a/in": (b"a", "read"), "b/in": (b"b", "read")}),
    Row("symbolic-link-to-a-file", python("read('soft'); write('other', b'what goes out\\n')"), {**SOURCE, "out": IN},
        READ, {"out": (OUT, "truncate write")}, soft={"soft": "in", "other": "out"}),
    Row("symbolic-link-to-a-directory", shell(f"cd link; {_COPY}"), _REAL, **_REAL_COPY, soft={"link": "real"}),
    Row("symbolic-link-of-a-symbolic-link", python("write('three/out', read('three/in'))"), _REAL, **_REAL_COPY,
        soft={"one": "real", "two": "one", "three": "two/."}),
    Row("the-directory-of-the-job-removed", shell("cd sub; rm in; rmdir ../sub; cat ../in > ../out"), {**SOURCE, **_SUB}, READ,
        {"out": (IN, "create write")}, removed={"sub/in": (None, "unlink")}),
]

# ---- mounts ----


def _bound(project: Path) -> contextlib.AbstractContextManager[None]:
    return mounted("--bind", project / "real", at=project / "bound")


@contextlib.contextmanager
def _file_bound(project: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "--bind", project / "in", project / "bound"], capture_output=True, text=True)
    if done.returncode:
        raise Unsupported(done.stderr)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", project / "bound"], check=True)


def _tmpfs(project: Path) -> contextlib.AbstractContextManager[None]:
    return mounted("-t", "tmpfs", "none", at=project / "t")


@contextlib.contextmanager
def _overlay(project: Path) -> Iterator[None]:
    """`low` is below, what is written goes up; both are to be seen in `merged`."""
    for name in ("up", "work"):
        (project / name).mkdir()
    options = f"lowerdir={project}/low,upperdir={project}/up,workdir={project}/work"
    with mounted("-t", "overlay", "-o", options, "none", at=project / "merged"):
        yield


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/sbin:/usr/sbin")


@contextlib.contextmanager
def _loop(project: Path, maker: str, *options: str) -> Iterator[None]:
    """A file system of its own on `disk`, in a file."""
    program = _tool(maker)
    if program is None:
        raise Unsupported(f"{maker} is not installed")
    image = project.parent / f"{project.name}.image"
    try:
        with image.open("wb") as file:
            file.truncate(320 << 20)     # btrfs wants that much
        subprocess.run([program, *options, image], check=True, capture_output=True)
        with mounted("-o", "loop", image, at=project / "disk"):
            (project / "disk/in").write_bytes(IN)
            yield
    finally:
        image.unlink(missing_ok=True)


@contextlib.contextmanager
def _twins(project: Path) -> Iterator[None]:
    """Two file systems with the same inodes."""
    with _loop(project, "mkfs.ext4", "-q"):
        os.sync()
        image = project.parent / f"{project.name}.twin"
        try:
            shutil.copy(project.parent / f"{project.name}.image", image)
            with mounted("-o", "loop", image, at=project / "twin"):
                yield
        finally:
            image.unlink(missing_ok=True)


@contextlib.contextmanager
def _reflinks(project: Path) -> Iterator[None]:
    """A file system whose files can share their blocks."""
    maker = next(filter(_tool, ("mkfs.btrfs", "mkfs.xfs")), None)
    if maker is None:
        raise Unsupported("no file system with reflinks can be made: neither mkfs.btrfs nor mkfs.xfs is installed")
    with _loop(project, maker):
        yield


@contextlib.contextmanager
def _two_alike(project: Path) -> Iterator[None]:
    with _reflinks(project):
        (project / "disk/twin").write_bytes(IN)
        yield


def _privately(script: str) -> tuple[str, ...]:
    """A script in a mount namespace of its own."""
    return ("unshare", "-m", "sh", "-e", "-c", script)


_LOW = {"low/in": IN, "low/keep": b"kept"}
_DISK_READ = {"disk/in": (IN, "read")}
_DISK_CLONED = {"disk/out": (IN, "create write")}
_MOUNTS = [
    Row("bind-mount", shell(f"cd bound; {_COPY}"), _REAL, {"bound/in": (IN, "read")}, {"bound/out": (IN, "create write")},
        around=_bound),
    Row("bind-mount-of-a-file", python("read('bound')"), {**SOURCE, "bound": b""}, {"bound": (IN, "read")},
        around=_file_bound),
    Row("bind-mount-read-by-both-names", python("read('bound/in'); read('real/in')"), _REAL,
        {"bound/in": (IN, "read"), "real/in": (IN, "read")}, around=_bound),
    Row("bind-mount-renamed-within", python("write('bound/t', b'what goes out\\n'); os.rename('bound/t', 'bound/out')"),
        _REAL, outputs={"bound/out": (OUT, "create write rename")}, around=_bound),
    Row("mount-namespace", _privately(_COPY), SOURCE, READ, {"out": (IN, "create write")}),
    # what is mounted inside is not to be found by that path from outside
    Row("mount-namespace-with-a-bind-mount", _privately(f"mount --bind real bound; cd bound; {_COPY}"),
        {**_REAL, "bound/other": b""}, **_REAL_COPY),
    Row("mount-namespace-with-a-bind-mount-of-a-file", _privately("mount --bind real/in bound; sort bound > out"),
        {**_REAL, "bound": b"hidden"}, {"real/in": (IN, "read")}, {"out": (IN, "create write")}),
    Row("mount-namespace-with-a-rename-on-a-bind-mount",
        _privately("mount --bind real bound; echo x > bound/t; mv bound/t bound/f"), {**_REAL, "bound/other": b""},
        outputs={"real/f": (b"x\n", "create write rename")}, excuse="unknown_paths"),
    Row("mount-namespace-with-a-rename-of-a-file-that-was-there", _privately("mount --bind real bound; mv bound/in bound/f"),
        {**_REAL, "bound/other": b""}, {"real/in": (IN, "rename")}, {"real/f": (IN, "rename")}, excuse="unknown_paths"),
    Row("mount-namespace-with-a-removal-on-a-bind-mount", _privately("mount --bind real bound; rm bound/in"),
        {**_REAL, "bound/other": b""}, removed={"real/in": (None, "unlink")}, excuse="unknown_paths"),
    Row("mount-namespace-with-names-in-the-root-of-a-file-system",
        _privately("mount --bind t seen; cd seen; echo x > a; echo y > b; mv b c; rm a"), {"seen/.x": b""},
        outputs={"t/c": (b"y\n", "create write rename")}, scratch={"t/a": (None, "create write")}, around=_tmpfs),
    Row("mount-namespace-that-hides-a-file-of-the-same-name", _privately(f"mount --bind real bound; cd bound; {_COPY}"),
        {**_REAL, "bound/in": b"hidden", "bound/out": b"hidden"}, **_REAL_COPY),
    # gone with its namespace
    Row("mount-namespace-with-a-tmpfs", _privately("mount -t tmpfs none t; sort in > t/f; sort t/f > out"),
        {**SOURCE, "t/other": b""}, READ, {"out": (IN, "create write")}, {"t/f": (None, "read create write")}),
    Row("mount-namespace-with-a-tmpfs-over-a-file-of-that-name",
        _privately("mount -t tmpfs none t; sort in > t/f; sort t/f > out"), {**SOURCE, "t/f": b"hidden"}, READ,
        {"out": (IN, "create write")}, {"t/f": (None, "read create write")}),
    # by the layer that has it or by the path inside: neither would be wrong
    Row("mount-namespace-with-an-overlay", _privately(
        "mount -t overlay -o lowerdir=low,upperdir=up,workdir=work none merged; sort merged/in > out"),
        {**_LOW, "up/.x": b"", "work/.x": b"", "merged/.x": b""}, ANY, {"out": (IN, "create write")}),
    Row("tmpfs", shell(f"cp in t; cd t; {_COPY}"), SOURCE, READ,
        {"t/in": (IN, "read create write"), "t/out": (IN, "create write")}, around=_tmpfs),
    Row("lazily-unmounted", _privately(f"mount --bind real bound; cd bound; umount -l ../bound; {_COPY}"),
        {**_REAL, "bound/other": b""}, **_REAL_COPY),
    # a mount that is nowhere
    Row("open_tree", python("d = call(428, -100, 'real', 1); os.read(os.open('in', 0, dir_fd=d), 99)"), _REAL,
        {"real/in": (IN, "read")}),
    Row("move_mount", python("""
        call(272, 0x20000); call(165, 0, '/', 0, 0x44000, 0)        # a mount namespace of its own, nothing shared
        call(429, call(428, -100, 'real', 1), '', -100, 'bound', 4)
        write('bound/out', read('bound/in'))
    """), {**_REAL, "bound/other": b""}, **_REAL_COPY),
    Row("file-systems-that-are-copies", python("read('disk/in'); read('twin/in')"),
        inputs={"disk/in": (IN, "read"), "twin/in": (IN, "read")}, around=_twins),
    Row("overlay-read", python("read('merged/in')"), _LOW, {"merged/in": (IN, "read")}, around=_overlay),
    Row("overlay-mapped", python("""
        import mmap
        mmap.mmap(os.open('merged/in', os.O_RDONLY), 0, mmap.MAP_SHARED, mmap.PROT_READ)[:]
    """), _LOW, {"merged/in": (IN, "map")}, around=_overlay),
    Row("overlay-new-file", python("write('merged/out', b'what goes out\\n')"), _LOW,
        outputs={"merged/out": (OUT, "create write")}, around=_overlay),
    Row("overlay-copied-up", python("write('merged/in', b'what goes out\\n')"), _LOW,
        outputs={"merged/in": (OUT, "truncate write")}, around=_overlay),
    Row("overlay-read-then-copied-up", python("read('merged/in'); write('merged/in', b'WHAT', 'r+b')"), _LOW,
        {"merged/in": (IN, "read")}, {"merged/in": (b"WHAT" + IN[4:], "write")}, around=_overlay),
    Row("overlay-copied-up-then-renamed", python("write('merged/in', b'WHAT', 'r+b'); os.rename('merged/in', 'merged/out')"),
        _LOW, outputs={"merged/out": (b"WHAT" + IN[4:], "write rename")}, around=_overlay),
    Row("overlay-mapped-and-written", python("""
        import mmap
        f = os.open('merged/out', os.O_RDWR | os.O_CREAT, 0o644); os.ftruncate(f, 14)
        mmap.mmap(f, 14)[:] = b'what goes out\\n'
    """), _LOW, outputs={"merged/out": (OUT, "create truncate map write")}, around=_overlay),
    Row("overlay-removed", python("os.unlink('merged/in')"), _LOW, removed={"merged/in": (None, "unlink")}, around=_overlay),
    Row("overlay-executed", ("merged/prog", "use"), SOURCE, {**READ, "merged/prog": ("@process", "execute")}, MADE,
        programs={"low/prog": "process"}, around=_overlay),
    Row("ext4-of-its-own", shell(f"cd disk; {_COPY}"), inputs=_DISK_READ, outputs={"disk/out": (IN, "create write")},
        around=lambda project: _loop(project, "mkfs.ext4", "-q")),
    *(Row(name, python(f"""
        import fcntl, struct
        f = os.open('disk/in', os.O_RDONLY); g = os.open('disk/out', os.O_WRONLY | os.O_CREAT, 0o644)
        {code}
    """), inputs=_DISK_READ, outputs=_DISK_CLONED, around=_reflinks) for name, code in {
        "FICLONE": "fcntl.ioctl(g, 0x40049409, f)",
        "FICLONERANGE": "fcntl.ioctl(g, 0x4020940d, struct.pack('qQQQ', f, 0, 0, 0))",
        "copy_file_range-that-clones": "os.copy_file_range(f, g, 99)",
    }.items()),
    Row("FIDEDUPERANGE", python(f"""
        import fcntl, struct
        f = os.open('disk/in', os.O_RDONLY); g = os.open('disk/twin', os.O_RDWR)
        told = fcntl.ioctl(f, 0xc0189436, struct.pack('QQHHIqQQiI', 0, {len(IN)}, 1, 0, 0, g, 0, 0, 0, 0))
        assert struct.unpack_from('i', told, 48) == (0,), told
    """), around=_two_alike),
    Row("FICLONE-that-fails", python("""
        import fcntl
        try: fcntl.ioctl(os.open('keep', os.O_WRONLY), 0x40049409, os.open('/proc/version', os.O_RDONLY))
        except OSError: pass
    """), {"keep": IN}),
    Row("cp-reflink", shell("cp --reflink=always disk/in disk/out"), inputs=_DISK_READ, outputs=_DISK_CLONED, around=_reflinks),
]


# ---- roots ----

_ROOT = {"root/in": IN, "in": b"not in the root"}
_ROOTS = [
    Row("chroot", ("chroot", "root", "/prog", "use"), _ROOT,
        {"root/in": (IN, "read"), "root/prog": ("@process", "execute")}, {"root/out": (OUT, "create write")},
        programs={"root/prog": "process"}),
    Row("chroot-renames", python("""
        os.chroot('root'); os.chdir('/')
        write('/t', b'what goes out\\n'); os.rename('/t', '/out')
    """), _ROOT, outputs={"root/out": (OUT, "create write rename")}),
    # .. of a root is that root
    Row("chroot-dots-above-the-root", python("""
        os.chroot('root'); os.chdir('/')
        write('/t', b'what goes out\\n'); os.rename('/../t', '../../out'); os.unlink('/../../in')
    """), _ROOT, outputs={"root/out": (OUT, "create write rename")}, removed={"root/in": (None, "unlink")}),
    Row("chroot-absolute-symbolic-link", python("""
        os.chroot('root'); os.chdir('/'); write('/t', b'x'); os.rename('/t', '/link/out')
    """), {**_ROOT, "root/real/other": b""}, soft={"root/link": "/real"},
        outputs={"root/real/out": (b"x", "create write rename")}),
    Row("chroot-descriptor-from-outside", python("""
        d = os.open('.', 0); os.chroot('root'); os.read(os.open('in', 0, dir_fd=d), 99)
    """), _ROOT, {"in": (b"not in the root", "read")}),
    Row("pivot_root", ("unshare", "-m", "sh", "-e", "-c", """
        mount --bind root root; cd root; mkdir old; pivot_root . old; exec /prog use
    """), _ROOT, {"root/in": (IN, "read"), "root/prog": ("@process", "execute")}, {"root/out": (OUT, "create write")},
        programs={"root/prog": "process"}),
]

# ---- names ----

_DEEP = "/".join(f"d{i}" for i in range(60))
_DEEPER = "/".join(f"d{i}" for i in range(200))
_LONG = "/".join(["n" * 250] * 20)


def _tree(path: str) -> str:
    """Python that makes a directory of any depth step by step, and stands in it."""
    return f"for part in {path!r}.split('/'): os.mkdir(part); os.chdir(part)\n"


def _long_directory(project: Path) -> bytes:
    """With a file of one letter in it the absolute path has 4,000 bytes."""
    rest = 4000 - len(os.fsencode(project)) - 2
    parts = ["n" * 200] * ((rest - 2) // 201)
    return os.fsencode("/".join([*parts, "n" * (rest - 201 * len(parts) - 1)]))


@contextlib.contextmanager
def _deep_file(project: Path) -> Iterator[None]:
    """The file `f` in the long directory: no single call takes such a path."""
    here = os.open(project, os.O_RDONLY)
    for part in _long_directory(project).split(b"/"):
        os.mkdir(part, dir_fd=here)
        below = os.open(part, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with open(os.open("f", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=here), "wb") as file:
        file.write(IN)
    os.close(here)
    yield


_NAMES = [
    *(Row(f"name-with-{what}", python(f"""
        name = {name!r}
        write(name + b'.out', read(name)); os.rename(name + b'.out', name + b'.new')
    """), inputs={name: (IN, "read")}, outputs={name + b".new": (IN, "create write rename")},
          around=lambda project, name=name: _named(project, name)) for what, name in {
        "a-newline": b"two\nlines", "bytes-that-are-not-UTF-8": b"\xff\xfe\x80", "control-characters": b"\x1b[31m\x01\x7f",
        "spaces-and-quotes": b" a 'b' \"c\" ", "UTF-8": "äöü-日本語-\U0001f600".encode(), "backslashes": b"a\\b\\n",
        "255-bytes": b"n" * 250 + b"x", "dots": b"x...", "a-surrogate": b"\xed\xa0\x80", "deleted": b"x (deleted)"}.items()),
    Row("60-components", python(_tree(_DEEP) + "write('f', b'what goes out\\n'); read('f')"),
        outputs={f"{_DEEP}/f": (OUT, "read create write")}),
    Row("60-components-renamed", python(_tree(_DEEP) + "write('t', b'what goes out\\n'); os.rename('t', 'f')"),
        outputs={f"{_DEEP}/f": (OUT, "create write rename")}),
    Row("200-components", python(_tree(_DEEPER) + "write('f', b'what goes out\\n')"),
        outputs={f"{_DEEPER}/f": (OUT, "create write")}, excuse="long_paths"),
    Row("path-of-4000-bytes", python("""
        here = os.open('.', 0)
        while 'f' not in os.listdir(here): here = os.open(os.listdir(here)[0], 0, dir_fd=here)
        os.read(os.open('f', 0, dir_fd=here), 99)
        os.write(os.open('t', os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=here), b'what goes out\\n')
        os.rename('t', 'g', src_dir_fd=here, dst_dir_fd=here)
    """), around=_deep_file, inputs={lambda project: _long_directory(project) + b"/f": (IN, "read")},
        outputs={lambda project: _long_directory(project) + b"/g": (OUT, "create write rename")}),
    # longer than any path that a call takes: exact, or at least said
    Row("path-of-5000-bytes", python(_tree(_LONG) + "write('f', b'what goes out\\n')"),
        outputs={f"{_LONG}/f": (OUT, "create write")}, excuse="long_paths"),
]


@contextlib.contextmanager
def _named(project: Path, name: bytes) -> Iterator[None]:
    with open(os.fsencode(project) + b"/" + name, "wb") as file:
        file.write(IN)
    yield


# ---- files that become others meanwhile ----


def _replaced(project: Path, process: Process) -> None:
    """Between two reads somebody else puts another file in its place."""
    process.stdout.readline()
    (project / "new").write_bytes(OUT)
    (project / "new").rename(project / "in")
    process.stdin.write(b"\n")


def _overwritten(project: Path, process: Process) -> None:
    """Between two reads somebody else writes into it."""
    process.stdout.readline()
    (project / "in").write_bytes(OUT)
    process.stdin.write(b"\n")


_BOTH = {"in": [(IN, "read"), (OUT, "read")]}
_TWICE = "read('in'); print(flush=True); sys.stdin.readline(); read('in')"
_CHANGES = [
    Row("replaced-between-two-reads", python(_TWICE), SOURCE, _BOTH, during=_replaced),
    Row("replaced-between-two-steps", shell("sort in > /dev/null; echo; read x; sort in > /dev/null"), SOURCE, _BOTH,
        during=_replaced),
    Row("replaced-by-the-job", python("read('in'); os.rename('new', 'in'); read('in')"), {**SOURCE, "new": OUT},
        {"in": (IN, "read"), "new": (OUT, "rename | read rename")}, {"in": (OUT, "rename | read rename")}),
    Row("removed-and-restored-between-two-reads", python("read('in'); os.unlink('in'); os.link('other', 'in'); read('in')"),
        {**SOURCE, "other": OUT}, {"in": (IN, "read"), "other": (OUT, None)}, ANY),
    Row("overwritten-by-another-between-two-reads", python(_TWICE), SOURCE, _BOTH, during=_overwritten),
    Row("overwritten-by-another-between-two-steps", shell("sort in > /dev/null; echo; read x; sort in > /dev/null"), SOURCE,
        _BOTH, during=_overwritten),
    Row("inodes-used-again", shell("for i in 1 2 3 4 5 6 7 8 9; do echo $i > f; cat f; rm f; done; echo x > f"),
        outputs={"f": (b"x\n", "create write")}, scratch=ANY),
]

ROWS = [*_DIRECTORIES, *_MOUNTS, *_ROOTS, *_NAMES, *_CHANGES]
