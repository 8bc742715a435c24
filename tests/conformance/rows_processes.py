"""Processes, programs and descriptors that come from somewhere else: whoever does it, the job did it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from conformance import ANY, Process, Row, python, shell

IN, OUT = b"what is in the file\n", b"what goes out\n"
LOADER = "/lib64/ld-linux-x86-64.so.2"
SOURCE = {"in": IN}
READ = {"in": (IN, "read")}
MADE = {"out": (OUT, "create write")}
COPIED = {"out": (IN, "create write")}
_FIFTY = {f"in{i}": b"%d" % i for i in range(50)}
_FIFTY_READ = {name: (content, "read") for name, content in _FIFTY.items()}


def _as_another(project: Path, process: Process) -> None:
    """A process that is not the job's gets the pid of one that was."""
    pid = process.stdout.readline().strip()
    if not pid:
        return
    try:
        other = project / "elsewhere"
        other.mkdir()
        (other / "in").write_bytes(b"not the job's")
        program = process.args[process.args.index("--") + 1]
        subprocess.run([program, "as", pid], cwd=other, check=True, capture_output=True)
    finally:
        process.stdin.write(b"\n")


def _works_itself(project: Path, process: Process) -> None:
    """A process that is not the job's uses files in the same place."""
    (project / "other").write_bytes((project / "in").read_bytes())
    (project / "other").rename(project / "another")
    process.stdin.write(b"\n")


_USE = "write('out', read('in'))"
_PROCESSES = [
    *(Row(name, ("@process", name), SOURCE, READ, MADE) for name in (
        "vfork", "clone3", "clone-parent", "shared-table", "thread-without-leader", "thread-exec", "thread-fork", "daemon")),
    Row("fork", python("""
        if os.fork() == 0: write('out', read('in')); os._exit(0)
        os.wait()
    """), SOURCE, READ, COPIED),
    Row("fork-descriptor-of-the-parent", python("""
        f = os.open('in', os.O_RDONLY); g = os.open('out', os.O_WRONLY | os.O_CREAT, 0o644)
        if os.fork() == 0: os.write(g, os.read(f, 99)); os._exit(0)
        os.close(f); os.close(g); os.wait()
    """), SOURCE, READ, COPIED),
    Row("fork-of-a-fork-of-a-fork", python("""
        for _ in range(5):
            if os.fork(): os.wait(); os._exit(0)
        write('out', read('in'))
    """), SOURCE, READ, COPIED),
    Row("posix_spawn", python("os.waitpid(os.posix_spawn('/bin/cp', ['cp', 'in', 'out'], {}), 0)"), SOURCE, READ, COPIED),
    Row("posix_spawn-with-redirections", python("""
        os.waitpid(os.posix_spawn('/bin/tr', ['tr', 'a', 'a'], {}, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, 'in', os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, 'out', os.O_WRONLY | os.O_CREAT, 0o644)]), 0)
    """), SOURCE, READ, COPIED),
    Row("unshared-table", ("@process", "unshared-table"), {**SOURCE, "other": b"not read"}, READ, MADE),
    Row("daemon-of-the-shell", shell("setsid sh -c 'sleep 0.5; cat in > out' < /dev/null > /dev/null 2>&1 &"), SOURCE, READ,
        {"out": (IN, "create write")}),
    Row("background-process-of-the-shell", shell("(sleep 0.5; sort in > out) < /dev/null > /dev/null 2>&1 &"), SOURCE, READ,
        COPIED),
    Row("pid-reuse", ("@process", "pid-reuse"), _FIFTY, _FIFTY_READ),
    Row("pid-reuse-by-a-stranger", ("@process", "pid-for-another"), SOURCE, READ, MADE, during=_as_another),
    Row("many-children", ("@process", "many-children"), _FIFTY, _FIFTY_READ),
    Row("somebody-else-at-work", python(f"sys.stdin.readline(); {_USE}"), SOURCE, READ, COPIED, during=_works_itself),
    Row("pid-namespace", ("unshare", "-pf", "sh", "-c", "sort in > out; (cat out | cat)"), SOURCE, READ,
        {"out": (IN, "read create write")}),
    Row("pid-namespaces-nested", ("unshare", "-pf", "unshare", "-pf", "--mount-proc", "sh", "-c", "sort in > out"), SOURCE,
        READ, COPIED),
    Row("user-namespace", ("unshare", "-Ur", "sh", "-c", "sort in > out"), SOURCE, READ, COPIED),
    Row("killed", ("@process", "killed"), SOURCE, READ, MADE, exit_code=137),
    Row("killed-while-a-child-goes-on", shell("""
        (sleep 0.5; sort in > out) < /dev/null > /dev/null 2>&1 &
        kill -9 $$
    """), SOURCE, READ, COPIED, exit_code=137),
]


def _loader(project: Path) -> contextlib.AbstractContextManager[None]:
    """The project has a loader of its own."""
    shutil.copy(LOADER, project / "ld.so")
    return contextlib.nullcontext()


_EXEC = [
    Row("exec-static", ("./prog", "use"), SOURCE, {**READ, "prog": ("@process", "execute")}, MADE,
        programs={"prog": "process"}),
    Row("exec-dynamic", ("./prog",), SOURCE, {**READ, "prog": ("@dynamic", "execute")}, COPIED, programs={"prog": "dynamic"},
        system={"ld-linux-x86-64.so.2": "execute map", "libc.so.6": "map"}),
    Row("exec-loader-of-the-project", ("./prog",), SOURCE,
        {**READ, "prog": ("@loaded", "execute"), "ld.so": (LOADER, "execute | map")}, COPIED, programs={"prog": "loaded"},
        around=_loader),
    Row("exec-loader-itself", ("./ld.so", "./prog"), SOURCE,
        {**READ, "prog": ("@dynamic", "read map"), "ld.so": (LOADER, "execute")}, COPIED, programs={"prog": "dynamic"},
        around=_loader),
    Row("exec-by-a-symbolic-link", ("./link", "use"), SOURCE, {**READ, "prog": ("@process", "execute")}, MADE,
        programs={"prog": "process"}, soft={"link": "prog"}),
    Row("exec-of-an-own-output", shell("cp prog own; ./own use"), SOURCE, {**READ, "prog": ("@process", "read")},
        {**MADE, "own": ("@process", "execute create write")}, programs={"prog": "process"}),
    Row("exec-of-an-own-output-at-once", python("""
        write('own', read('prog')); os.chmod('own', 0o755); os.execv('own', ['own', 'use'])
    """), SOURCE, {**READ, "prog": ("@process", "read")}, {**MADE, "own": ("@process", "execute create write")},
        programs={"prog": "process"}),
    Row("exec-unlinked-while-it-runs", python("""
        pid = os.posix_spawn('prog', ['prog', 'use'], {}); os.unlink('prog'); os.waitpid(pid, 0)
    """), SOURCE, {**READ, "prog": ("@process", "execute")}, MADE, programs={"prog": "process"},
        removed={"prog": (None, "unlink")}, excuse="unhashed_inputs"),
    Row("exec-after-unlink", python("""
        f = os.open('prog', os.O_PATH); os.unlink('prog'); os.execve(f, ['prog', 'use'], {})
    """), SOURCE, {**READ, "prog": ("@process", "execute")}, MADE, programs={"prog": "process"},
        removed={"prog": (None, "unlink")}, excuse="unhashed_inputs"),
    Row("exec-that-fails", ("@process", "exec-that-fails"),
        {**SOURCE, "text": b"no magic", "not-executable": b"x", "broken": b"#!/none/such\n"}, READ, MADE),
    Row("script", ("./go",), {**SOURCE, "go": b"#!/bin/sh\nsort in > out\n"},
        {**READ, "go": (b"#!/bin/sh\nsort in > out\n", "read | execute | read execute")}, COPIED, system={"/dash": "execute"}),
    Row("script-by-env", ("./go",), {**SOURCE, "go": b"#!/usr/bin/env -S sh -e\nsort in > out\n"},
        {**READ, "go": (b"#!/usr/bin/env -S sh -e\nsort in > out\n", "read | execute | read execute")}, COPIED,
        system={"/dash": "execute", "/env": "execute"}),
    # the kernel alone reads such a script: its interpreter does not
    Row("script-that-its-interpreter-does-not-read", ("./go",), {"go": b"#!/bin/true\n"},
        {"go": (b"#!/bin/true\n", "read | execute | read execute")}),
    Row("script-with-an-interpreter-of-the-project", ("./go",), {**SOURCE, "go": b"#!./prog\n"},
        {**READ, "go": (b"#!./prog\n", "read | execute | read execute"), "prog": ("@dynamic", "execute")}, COPIED,
        programs={"prog": "dynamic"}),
    Row("script-of-a-script", ("./outer",), {**SOURCE, "outer": b"#!./inner\n", "inner": b"#!/bin/sh\nsort in > out\n"},
        {**READ, "outer": (b"#!./inner\n", "read | execute | read execute"),
         "inner": (b"#!/bin/sh\nsort in > out\n", "read | execute | read execute")}, COPIED),
    Row("script-by-descriptor", python("os.execve(call(2, 'go', 0), ['go'], {'PATH': '/bin'})"),
        {**SOURCE, "go": b"#!/bin/sh\nsort in > out\n"},
        {**READ, "go": (b"#!/bin/sh\nsort in > out\n", "read | execute | read execute")}, COPIED),
    Row("script-relative-to-a-directory", python("""
        d = call(2, 'sub', 0)
        call(322, d, 'go', (ctypes.c_char_p * 2)(b'go'), (ctypes.c_char_p * 2)(b'PATH=/bin'), 0)     # execveat
    """), {**SOURCE, "sub/go": b"#!/bin/sh\nsort in > out\n"},
        {**READ, "sub/go": (b"#!/bin/sh\nsort in > out\n", "read | execute | read execute")}, COPIED),
    Row("script-without-a-first-line", shell("./go"), SOURCE, {**READ, "go": (b"sort in > out\n", "read")}, COPIED,
        around=lambda project: _executable(project / "go", b"sort in > out\n")),
    Row("fexecve", ("@process", "fexecve", "prog", "use"), SOURCE, {**READ, "prog": ("@process", "execute")}, MADE,
        programs={"prog": "process"}),
    # a file without a name is nobody's output, and nothing that was there before
    Row("memfd-executed", ("@process", "memfd", "prog", "use"), SOURCE, {**READ, "prog": ("@process", "read")}, MADE,
        scratch=ANY, programs={"prog": "process"}),
    Row("memfd-written-and-read", python("""
        import mmap
        f = os.memfd_create('x'); os.write(f, b'1'); os.pread(f, 1, 0); os.ftruncate(f, 9); mmap.mmap(f, 9)[:1] = b'2'
        read(f'/proc/self/fd/{f}')
    """), scratch=ANY),
    Row("shared-memory-removed", python("""
        import mmap
        f = os.open('/dev/shm/roar-conformance', os.O_RDWR | os.O_CREAT); os.unlink('/dev/shm/roar-conformance')
        os.ftruncate(f, 9); mmap.mmap(f, 9)[:1] = b'2'
    """)),
    Row("library-of-the-project", python("ctypes.CDLL('./lib')"), inputs={"lib": ("@library", "read map")},
        programs={"lib": "library"}),
    Row("ia32-calls-of-a-64-bit-program", ("@int80",), SOURCE, READ, COPIED),
    Row("ia32-calls-of-an-interpreter", ("./go",), {**SOURCE, "go": b"#!./prog\n"},
        {**READ, "go": (b"#!./prog\n", "read | execute | read execute"), "prog": ("@int80", "execute")}, COPIED,
        programs={"prog": "int80"}),
    # the first in a row may be excused: who runs programs of 32-bit calls is known from then on
    Row("ia32-calls-of-a-64-bit-program-below-a-shell", shell("./prog; true"), SOURCE,
        {**READ, "prog": ("@int80", "execute")}, COPIED, programs={"prog": "int80"}, excuse="ia32"),
    *(Row(f"ia32-{use}", ("@ia32", use), SOURCE, READ, COPIED, excuse="ia32") for use in (
        "copy", "vectored", "positioned", "sent")),
    Row("ia32-mapped", ("@ia32", "mapped"), SOURCE, {"in": (IN, "map")}, {"out": (IN, "create truncate map write")},
        excuse="ia32"),
    Row("ia32-at", ("@ia32", "at"), SOURCE, READ, {"out": (IN, "create write rename")}, excuse="ia32"),
    Row("ia32-names", ("@ia32", "names"), {**SOURCE, "keep": OUT, "other": OUT}, {"in": (IN, "rename"), "keep": (OUT, "link")},
        {"b": (IN, "rename"), "c": (OUT, "link"), "d": (None, "link")}, removed={"other": (None, "unlink")}, excuse="ia32"),
    Row("exec-reads-itself", python("os.posix_spawn('prog', ['prog', 'reads-itself'], {}); os.wait()"),
        inputs={"prog": ("@process", "read execute")}, programs={"prog": "process"}),
]


@contextlib.contextmanager
def _executable(path: Path, content: bytes) -> Iterator[None]:
    path.write_bytes(content)
    path.chmod(0o755)
    yield


# ---- descriptors ----

Inherits = Callable[[Path, contextlib.ExitStack], Mapping[int, int]]


def _stdin(how: str = "rb", position: int = 0, unlink: bool = False) -> Inherits:
    def opened(project: Path, stack: contextlib.ExitStack) -> Mapping[int, int]:
        file = stack.enter_context((project / "in").open(how, 0))
        file.seek(position)
        if unlink:
            (project / "in").unlink()
        return {0: file.fileno()}
    return opened


def _stdout(how: str) -> Inherits:
    return lambda project, stack: {1: stack.enter_context((project / "out").open(how)).fileno()}


def _both(project: Path, stack: contextlib.ExitStack) -> Mapping[int, int]:
    return {**_stdin()(project, stack), **_stdout("wb")(project, stack)}


def _seventeen(project: Path, stack: contextlib.ExitStack) -> Mapping[int, int]:
    """A descriptor that is no standard one."""
    fd = os.open(project / "in", os.O_RDONLY)
    stack.callback(os.close, fd)
    return {117: fd}


def _sends(flags: int = os.O_RDONLY, unlink: bool = False) -> Callable[[Path, Process], None]:
    """Listens on a socket in the project, and passes a descriptor of `in`."""
    def during(project: Path, _process: Process) -> None:
        fd = os.open(project / "in", flags)
        if unlink:
            (project / "in").unlink()
        with socket.socket(socket.AF_UNIX) as listening, contextlib.closing(os.fdopen(fd, "rb", 0)):
            listening.settimeout(30)
            listening.bind(str(project / "s"))
            listening.listen()
            connection, _ = listening.accept()
            with connection:
                socket.send_fds(connection, [b"x"], [fd])
                connection.recv(1)
    return during


def _shows_its_own(project: Path, process: Process) -> None:
    """Tells the job where to fetch a descriptor of `in`."""
    with (project / "in").open("rb") as file:
        process.stdin.write(b"%d %d\n" % (os.getpid(), file.fileno()))
        process.stdout.readline()


_RECEIVE = """
import socket, time
s = socket.socket(socket.AF_UNIX)
while s.connect_ex('s'): time.sleep(0.01)
f = socket.recv_fds(s, 1, 1)[1][0]
"""

_DESCRIPTORS = [
    Row("stdin", ("cat",), SOURCE, READ, inherits=_stdin()),
    Row("stdin-from-the-middle", ("cat",), SOURCE, READ, inherits=_stdin(position=8)),
    Row("stdin-at-the-end", ("cat",), SOURCE, inherits=_stdin(position=len(IN))),
    Row("stdin-not-read", ("true",), SOURCE, inherits=_stdin()),
    Row("stdin-unlinked", ("cat",), SOURCE, READ, inherits=_stdin(unlink=True)),
    Row("stdin-mapped", python("import mmap; mmap.mmap(0, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)"), SOURCE,
        {"in": (IN, "map")}, inherits=_stdin()),
    Row("stdin-written", python("os.write(0, b'WHAT')"), SOURCE, outputs={"in": (b"WHAT" + IN[4:], "write")},
        inherits=_stdin("r+b")),
    # made by whoever started the job, written by the job
    Row("stdout", ("printf", "what goes out\\n"), outputs={"out": (OUT, "write")}, inherits=_stdout("wb")),
    Row("stdout-not-written", ("true",), inherits=_stdout("wb")),
    Row("stdout-appended", ("printf", "what goes out\\n"), {"out": IN}, {"out": (IN, None)}, {"out": (IN + OUT, "write")},
        inherits=_stdout("ab")),
    Row("stdin-and-stdout", ("sort",), SOURCE, READ, {"out": (IN, "write")}, inherits=_both),
    Row("stdin-copied-to-stdout", ("cat",), SOURCE, READ, {"out": (IN, "write")}, inherits=_both),
    Row("inherited-with-another-number", python("os.read(117, 99)"), SOURCE, READ, inherits=_seventeen),
    Row("dup", python("f = os.dup(os.open('in', 0)); g = os.dup2(f, 55); os.read(g, 99)"), SOURCE, READ),
    Row("F_DUPFD", python("import fcntl; os.read(fcntl.fcntl(os.open('in', 0), fcntl.F_DUPFD_CLOEXEC, 70), 99)"), SOURCE, READ),
    Row("descriptor-with-a-large-number", python("""
        import fcntl, resource
        most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 60000)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        os.read(fcntl.fcntl(os.open('in', 0), fcntl.F_DUPFD, most - 9), 99)
    """), SOURCE, READ),
    Row("dup-written", python("""
        f = os.open('out', os.O_WRONLY | os.O_CREAT, 0o644); g = os.dup(f); os.close(f); os.write(g, b'what goes out\\n')
    """), outputs=MADE),
    Row("SCM_RIGHTS-within-the-job", python("""
        import socket
        a, b = socket.socketpair()
        if os.fork() == 0:
            socket.send_fds(a, [b'x'], [os.open('in', 0), os.open('out', os.O_WRONLY | os.O_CREAT, 0o644)]); os._exit(0)
        os.wait(); f, g = socket.recv_fds(b, 1, 2)[1]; os.write(g, os.read(f, 99))
    """), SOURCE, READ, COPIED),
    Row("SCM_RIGHTS-from-outside", python(_RECEIVE + "os.read(f, 99)"), SOURCE, READ, during=_sends()),
    Row("SCM_RIGHTS-from-outside-unlinked", python(_RECEIVE + "os.read(f, 99)"), SOURCE, READ, during=_sends(unlink=True)),
    Row("SCM_RIGHTS-from-outside-mapped", python(_RECEIVE + """
import mmap; mmap.mmap(f, 0, mmap.MAP_SHARED, mmap.PROT_READ)[:]
"""), SOURCE, {"in": (IN, "map")}, during=_sends()),
    Row("SCM_RIGHTS-from-outside-written", python(_RECEIVE + "os.write(f, b'WHAT')"), SOURCE,
        outputs={"in": (b"WHAT" + IN[4:], "write")}, during=_sends(os.O_RDWR)),
    Row("SCM_RIGHTS-from-outside-not-read", python(_RECEIVE + "os.fstat(f)"), SOURCE, during=_sends()),
    Row("pidfd_getfd-within-the-job", python("""
        f = os.open('in', 0); me = os.pidfd_open(os.getpid())
        if os.fork() == 0: os.close(f); os.read(call(438, me, f, 0), 99); os._exit(0)
        os.wait()
    """), SOURCE, READ),
    Row("pidfd_getfd-from-outside", python("""
        pid, fd = map(int, sys.stdin.readline().split())
        os.read(call(438, os.pidfd_open(pid), fd, 0), 99); print('done', flush=True)
    """), SOURCE, READ, during=_shows_its_own),
]

ROWS = [*_PROCESSES, *_EXEC, *_DESCRIPTORS]
