"""What names can do to a file, one small case at a time."""

from __future__ import annotations

import os

import pytest
from laboratory import SYSTEM_PYTHON, Laboratory

SHELL = {
    # first, while no inode is free to be used again: symbolic-links-with-used-inodes
    "symbolic-link": "ln -s a b; cat b > c",
    "symbolic-link-removed": "ln -s a b; rm b; echo > c",
    "symbolic-link-moved": "ln -s a b; mv b s; cat s > c",
    "symbolic-link-replaced": "ln -s a b; ln -sfn old b",
    "old-symbolic-link-removed": "rm soft; echo > c",
    "old-symbolic-link-moved": "mv soft s2; echo > c",
    "symbolic-links-with-used-inodes": "for i in 1 2 3 4 5 6 7 8 9; do echo x > n; rm n; ln -s a link$i; done",
    "move": "mv a b",
    "move-twice": "mv a b; mv b c",
    "move-and-read": "mv a b; cat b > c",
    "read-and-move": "cat a > c; mv a b",
    "open-and-move": "exec 3<a; mv a b",
    "move-and-append": "mv a b; echo x >> b",
    "move-and-overwrite": "mv a b; echo x > b",
    "read-move-and-remove": "cat a > c; mv a b; rm b",
    "move-and-remove": "mv a b; rm b",
    "move-over-another": "mv a old",
    "move-over-one-that-was-read": "cat old > c; mv a old",
    "move-into-a-directory": "mv a d/b; cat d/b > c",
    "link": "ln a b",
    "link-and-read": "ln a b; cat b > c",
    "read-and-link": "cat a > c; ln a b",
    "link-and-remove-the-first": "ln a b; rm a",
    "link-and-remove": "ln a b; rm b; echo > c",
    "link-and-append": "ln a b; echo x >> b",
    "make-link-and-remove": "echo x > n; ln n m; rm n",
    "make-link-read-and-remove-all": "echo x > n; ln n m; rm n; cat m > c; rm m",
    "through-a-symbolic-link": "cat soft > c; echo x >> soft",
    "remove": "rm a",
    "read-and-remove": "cat a > c; rm a",
    "append-and-remove": "echo x >> a; rm a",
    "remove-and-make": "rm a; echo x > a",
    "remove-make-and-remove": "rm a; echo x > a; rm a; echo > c",
    "read-a-removed-file": "exec 3<a; rm a; cat <&3 > c",
    "write-a-removed-file": "exec 3>>a; rm a; echo x >&3; echo > c",
    "make-remove-and-write": "exec 3>n; rm n; echo x >&3; cat /proc/self/fd/3 > c",
    "make-move-and-remove": "echo x > n; mv n m; rm m; echo > c",
    "make-and-move-over": "echo x > n; mv n a",
    "make-move-over-and-remove": "echo x > n; mv n a; rm a; echo > c",
    "make-two-and-move-over": "echo x > n; echo y > m; mv n m",
    "read-and-move-its-directory": "cat d/in > c; mv d e",
    "move-a-directory-and-read": "mv d e; cat e/in > c",
    "make-and-move-its-directory": "echo x > d/n; mv d e; cat e/n > c",
    "move-a-directory": "mv d e; echo > c",
    "move-into-a-directory-that-moves": "mkdir f; mv a f; mv f g; cat g/a > c",
    "remove-a-tree": "rm -r d; echo > c",
    "two-names-of-one-file": "cat two > c; echo x >> hard",
    "two-names-one-removed": "cat hard two > c; rm hard",
    "through-a-linked-directory": "cat way/in > c; echo x > way/n; rm way/in",
    "move-through-a-linked-directory": "mv way/in way/moved; mv way/../a way/b",
    "relative-to-another-directory": "cd d && cat ../a > n && mv n ../c && rm in",
    "open-for-append-alone": ": >> a; : >> n",
    "truncate-and-read-what-is-empty": ": > a; : > empty; cat empty > c",
    "write-in-the-middle": "dd if=a of=old conv=notrunc bs=1 seek=2 status=none",
    "resize": "truncate -s 2 a; truncate -s 9 n; fallocate -l 20 old",
    "a-descriptor-that-children-inherit": "exec 4>c; (echo one >&4); cat a >&4; exec 4>&-",
    "redirections": "cat < a > c; cat a | cat > e",
    "killed": "sh -c 'kill -9 $$' > c || sh -c 'echo x > n; kill -9 $$' || true",
    "errors": "cat missing a 2> c || true",
    "scripts": "./script.sh; ./by-true",
    "script-by-env": "./by-env.sh",
    "an-old-named-pipe": "rm pipe; echo > c",
    "a-device-that-is-only-opened": "exec 3</dev/null; cat a > c",
    "a-device-that-another-step-opened": "exec 3</dev/null; cat < /dev/null > c; exec 3>/dev/null",
    "append-and-replace": "echo x >> a; cp a n; mv n a",
    "kernel-files": "cat /proc/self/status /proc/cpuinfo /sys/kernel/mm/transparent_hugepage/enabled > c",
}

PYTHON = {
    "link-and-read-in-one-program": "os.link('a', 'n'); open('n').read()",
    "mknod": "os.mknod('n')",
    "a-nameless-file-gets-a-name": "f = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(f, b'x');"
        " os.link(f'/proc/self/fd/{f}', 'n', src_dir_fd=0, follow_symlinks=True)",
    "a-nameless-file": "f = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(f, b'x'); os.lseek(f, 0, 0); os.read(f, 3)",
    "a-file-in-memory": "f = os.memfd_create('n'); os.write(f, b'x'); os.lseek(f, 0, 0); os.read(f, 3)",
    "map-to-write": "f = os.open('a', os.O_RDWR); m = mmap.mmap(f, 2); m[0]",
    "map-shared-to-read": "f = os.open('a', os.O_RDWR); m = mmap.mmap(f, 2, prot=mmap.PROT_READ); m[0]",
    "map-privately": "f = os.open('a', os.O_RDONLY); m = mmap.mmap(f, 2, flags=mmap.MAP_PRIVATE); m[0] = 1",
    "map-to-read-and-then-write": "f = os.open('a', os.O_RDWR); at = libc.mmap(None, 4096, 1, 1, f, 0);"
        " libc.mprotect(at, 4096, 3); ctypes.memset(at, 66, 2)",
    "exchange": "libc.renameat2(-100, b'a', -100, b'old', 2)",
    "rename-without-replacing": "libc.renameat2(-100, b'a', -100, b'n', 1)",
    "by-directory": "d = os.open('d', os.O_RDONLY); f = os.open('in', os.O_RDONLY, dir_fd=d); os.read(f, 2);"
        " os.rename('in', 'moved', src_dir_fd=d, dst_dir_fd=d); os.unlink('gone', dir_fd=d)",
    "fchdir": "d = os.open('d', os.O_RDONLY); os.fchdir(d); open('in').read(); os.chdir('..'); open('a').read()",
    "chroot": "os.chroot('d'); os.chdir('/'); open('/n', 'w').write(open('in').read());"
        " os.rename('/n', '/m'); os.unlink('/gone')",
    "a-descriptor-that-is-sent": "a, b = socket.socketpair()\n"
        "if os.fork() == 0:\n"
        "    _, [f], _, _ = socket.recv_fds(b, 1, 1); os.read(f, 9); os._exit(0)\n"
        "socket.send_fds(a, [b'x'], [os.open('a', os.O_RDONLY)]); os.wait()",
    "a-named-pipe": "os.mkfifo('n')\n"
        "if os.fork() == 0:\n"
        "    open('n', 'w').write(open('a').read())\n"
        "else:\n"
        "    open('n').read(); os.wait()",
    "a-named-pipe-that-goes": "os.mkfifo('n'); f = os.open('n', os.O_RDWR); os.write(f, b'x'); os.read(f, 1); os.unlink('n')",
    "a-socket": "s = socket.socket(socket.AF_UNIX); s.bind('n'); s.close(); os.unlink('n'); open('c', 'w').write('x')",
    "a-thread-that-executes": "threading.Thread(target=lambda: os.execv('/bin/cp', ['cp', 'a', 'n'])).start(); time.sleep(30)",
    "threads": "[t.start() for t in [threading.Thread(target=lambda n=n: open(f'n{n}', 'w').write(open('a').read()))"
        " for n in range(8)]]",
    "spawn": "os.posix_spawn('/bin/cp', ['cp', 'a', 'n'], {}); os.wait(); "
        "os.spawnv(os.P_WAIT, '/bin/cp', ['cp', 'a', 'm']); subprocess.run(['cp', 'a', 'o'], check=True)",
    "execute-a-descriptor": "f = os.open('/bin/cp', os.O_RDONLY); os.execve(f, ['cp', 'a', 'n'], {})",
    "O_PATH": "a = os.open('a', os.O_PATH); f = os.open(f'/proc/self/fd/{a}', os.O_RDONLY); os.read(f, 9);"
        " os.open('old', os.O_PATH)",
    "write-after-a-rename": "f = open('n', 'wb', buffering=0); f.write(b'x'); os.rename('n', 'm'); f.write(b'y'); f.close();"
        " os.link('m', 'o'); open('o', 'ab').write(b'z')",
    "open-and-nothing-more": "f = open('a'); g = open('n', 'w+'); f.read(0); g.read(); open('old', 'r+').seek(2)",
    "read-at-the-end": "f = open('a', 'rb'); f.seek(0, 2); f.read(); open('old', 'rb+').write(b'x')",
    "shutil": "shutil.copyfile('a', 'n'); shutil.copytree('d', 'e'); shutil.rmtree('d'); shutil.move('old', 'e/old')",
    "temporary-files": "shared_memory.SharedMemory(create=True, size=9).unlink(); t = tempfile.TemporaryFile(); t.write(b'x');"
        " n = tempfile.NamedTemporaryFile(); n.write(b'x'); n.close()",
}

IMPORTS = ("import ctypes, mmap, os, shutil, socket, subprocess, tempfile, threading, time\n"
           "from multiprocessing import shared_memory\nlibc = ctypes.CDLL(None, use_errno=True)\n"
           "libc.mmap.restype = ctypes.c_void_p\n"
           "libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]\n"
           "libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]\n")


def furnish(lab: Laboratory, directory: str) -> None:
    """Some files, a directory, and links to them."""
    for name in ("a", "old", "hard", "d/in", "d/gone"):
        lab.write(f"{directory}/{name}", f"{name} was here\n")
    lab.write(f"{directory}/empty", "")
    for name, first in (("script.sh", "#!/bin/sh"), ("by-env.sh", "#!/usr/bin/env sh"), ("by-true", "#!/bin/true")):
        lab.write(f"{directory}/{name}", f"{first}\ncat a >> c\n").chmod(0o755)
    inside = lab.path / directory
    os.link(inside / "hard", inside / "two")
    os.symlink("a", inside / "soft")
    os.symlink("d", inside / "way")
    os.mkfifo(inside / "pipe")


def prepare(lab: Laboratory, case: str) -> str:
    """A case in a directory of its own; the script that runs it."""
    furnish(lab, case)
    if case in SHELL:
        return f"(cd {case}; {SHELL[case]})\n"
    lab.write(f"{case}/case.py", IMPORTS + PYTHON[case] + "\n")
    return f"(cd {case}; {SYSTEM_PYTHON} case.py)\n"


@pytest.mark.parametrize("table", [SHELL, PYTHON], ids=["shell", "python"])
def test_agreed(lab: Laboratory, table: dict[str, str]) -> None:
    """All in one job: what is wrong is told with the path, and that begins with the case."""
    lab.sh("set -e\n" + "".join(prepare(lab, case) for case in table))
