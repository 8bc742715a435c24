"""What is read from /proc, and how files that were open already are called."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

from roard.content import standing
from roard.content.mounts import parse_mounts
from roard.observe import attach
from roard.observe.files import FileTable
from roard.observe.tree import Tree
from roard.probe import layout


def test_stat_of_a_name_with_everything_in_it() -> None:
    text = b"42 (a) b (c) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 12345 1 2\n"
    assert attach.parse_stat(text) == attach.Stat(42, b"a) b (c", b"S", 7, 4194560, 3, 12345)


def test_a_zombie_has_ended_unless_other_threads_go_on() -> None:
    zombie = attach.Stat(1, b"", b"Z", 0, 0, 1, 0)
    assert zombie.ended
    assert not zombie._replace(threads=2).ended
    assert not zombie._replace(state=b"T").ended


def test_descendants_come_after_their_parents() -> None:
    def process(pid: int, parent: int, start: int) -> attach.Stat:
        return attach.Stat(pid, b"", b"S", parent, 0, 1, start)

    table = {each.pid: each for each in (
        process(1, 0, 0), process(10, 1, 5), process(12, 11, 5), process(11, 10, 5), process(9, 12, 6), process(20, 1, 5))}
    assert [each.pid for each in attach.descendants(table, [10])] == [11, 12, 9]
    assert attach.descendants(table, [9]) == []


def test_steps_are_never_named_twice() -> None:
    names = [attach._steps.name() for _ in range(10_000)]
    assert len(set(names)) == len(names)
    assert names == sorted(names)


def test_maps() -> None:
    text = (b"55d0-55d1 r-xp 00001000 fd:02 123                        /usr/bin/a b\n"
            b"7f00-7f01 rw-s 00000000 00:1a 9 /tmp/new\\012line (deleted)\n"
            b"7f02-7f03 rw-p 00000000 00:00 0 \n"
            b"7f04-7f05 rw-p 00000000 00:00 0                          [heap]\n")
    assert standing.parse_maps(text) == [
        standing.Mapped(b"r-xp", os.makedev(0xFD, 2), 123, b"/usr/bin/a b"),
        standing.Mapped(b"rw-s", os.makedev(0, 0x1A), 9, b"/tmp/new\nline (deleted)")]


def test_the_path_inside_a_file_system() -> None:
    mounts = parse_mounts(b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 /in\\040side /mnt/data rw - ext4 x rw\n"
                          b"3 1 8:1 /srv /mnt rw - ext4 /dev/sda1 rw\n")
    assert standing.inside(mounts, os.makedev(8, 2), b"/mnt/data/f") == b"/in side/f"
    assert standing.inside(mounts, os.makedev(8, 1), b"/mnt/f") == b"/srv/f"
    assert standing.inside(mounts, os.makedev(8, 1), b"/mntx") == b"/mntx"
    assert standing.inside(mounts, os.makedev(8, 9), b"/mnt/f") == b""


def test_look_at_oneself(tmp_path) -> None:
    """Open for reading and read, for writing, mapped, deleted; not what is no regular file."""
    for name in ("read", "mapped", "deleted"):
        (tmp_path / name).write_bytes(b"x" * 5000)
    child = subprocess.Popen([sys.executable, "-c", """
import mmap, os, sys
os.chdir(sys.argv[1])
read, write, deleted = open("read", "rb", buffering=0), open("write", "wb"), open("deleted")
read.read(10)
os.unlink("deleted")
with open("mapped", "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
print("ready", flush=True)
sys.stdin.read()
""", tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    found = standing.look(child.pid, standing.start_of(child.pid) or 0)
    assert standing.look(child.pid, 1) is None
    child.communicate(b"")
    assert found is not None and found[3] is not None
    argv, program, compat, files = found
    assert argv.split(b"\0")[1] == b"-c"
    assert program == os.path.realpath(sys.executable).encode()
    assert not compat
    ours = {file.path.rpartition(b"/")[2]: file for file in files if file.path.startswith(bytes(tmp_path))}
    assert {name: (file.use, file.position, file.deleted) for name, file in ours.items()} == {
        b"read": ("open", 10, False), b"write": ("open", 0, False), b"deleted": ("open", 0, True),
        b"mapped": ("shared", 0, False)}
    status = (tmp_path / "read").stat()
    assert (ours[b"read"].ino, ours[b"read"].size, ours[b"read"].mtime) == (status.st_ino, 5000, status.st_mtime_ns)
    assert [file.use for file in files if file.path == program] == ["program"]


FILE = (5, 77, 4242, 3, 100, 100, 0xEF53, stat.S_IFREG)


def opened(**fields: object) -> standing.OpenFile:
    return standing.OpenFile("open", b"/d/f", b"", False, 5, 77, 3, 100, 100, 0xEF53, stat.S_IFREG, 3, os.O_RDONLY, 0
                             )._replace(**fields)


def events(held: attach.Held, *files: standing.OpenFile) -> FileTable:
    table = FileTable()
    for event in attach.first_accesses(held, 1, 10, 1000, 42, files):
        table.access(event)
    return table


def read_row(generation: int) -> tuple[object, ...]:
    file = (*FILE[:2], generation, *FILE[3:])
    return (layout.READ, layout.F_PATH, 1, 10, 2000, 42, 3, file, b"/d/f", b"", 0, 0, 1, 0, 99)


def test_what_counts_as_used() -> None:
    def words(**fields: object) -> tuple[bool, bool]:
        (state,) = events(attach.Held(), opened(**fields)).states.values()
        return state.taken, state.written

    assert words() == (False, False)
    assert words(position=1) == (True, False)
    assert words(position=1, flags=os.O_RDWR) == (False, False)
    assert words(position=1, flags=os.O_WRONLY) == (False, False)
    assert words(use="map", fd=-1) == (True, False)
    assert words(use="program", fd=-1) == (True, False)
    assert words(use="shared", fd=-1) == (False, True)
    assert words(flags=os.O_RDWR | os.O_TMPFILE, deleted=True) == (False, False)


def test_a_file_that_was_open_is_the_one_that_is_used_later() -> None:
    """Its generation is learned from the first record; another one is another file."""
    held = attach.Held()
    table = events(held, opened(position=1))
    for generation, files in ((4242, 1), (4242, 1), (4243, 2)):
        from roard.observe.events import AccessEvent

        table.access(AccessEvent(*held.row(read_row(generation))))
        assert len(table.states) == files


def test_a_file_that_was_used_before_it_was_looked_at() -> None:
    held = attach.Held()
    assert held.row(read_row(4242))[7][2] == 4242
    (event,) = attach.first_accesses(held, 1, 10, 1000, 42, [opened()])
    assert event.file[2] == 4242


def test_tree_of_the_adopted() -> None:
    tree = Tree(100, 0)
    tree.live.clear()
    tree.adopt(100, 5, 1, b"bash", 50)
    tree.adopt(101, 6, 100, b"python", 60)
    tree.describe(6, b"python\0--password\0secret\0", b"/usr/bin/python")
    first, second = tree.records()
    assert (first.argv, first.parent, first.started_at) == ((b"bash",), None, 50)
    assert (second.argv, second.parent, second.executable) == (
        (b"python", b"--password", b"[redacted]"), 0, b"/usr/bin/python")
    assert tree.live == {100, 101}
