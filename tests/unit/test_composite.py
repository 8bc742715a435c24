"""Many files as one: the hash of a set, and what belongs together."""

from __future__ import annotations

import os
import random

import cbor2
import pytest
from blake3 import blake3

from lineage.composite import Group, Member, file_sets, grouped, tree_hash
from lineage.records import Entry


def digest(text: str) -> bytes:
    return blake3(text.encode()).digest()


def names(*paths: str | bytes) -> list[str]:
    """What the paths are grouped to: the pattern and the number of each group, other paths as they are."""
    found = grouped([os.fsencode(path) for path in paths], lambda path: Member(path, digest(repr(path)), 1))
    return [f"{one.path.decode()} x{len(one.items)}{'!' if one.whole else ''}" if isinstance(one, Group) else os.fsdecode(one)
            for one in found]


def test_the_hash_is_what_the_rule_says() -> None:
    """Worked out by hand from the rule."""
    below = blake3(cbor2.dumps(["roar.tree/1", [[b"x", 0, digest("1")]]])).digest()
    rows = [[b"a", 1, below], [b"a.txt", 0, digest("2")], [b"b", 0, digest("3")]]
    assert tree_hash([(b"b", digest("3")), (b"a/x", digest("1")), (b"a.txt", digest("2"))]) == blake3(
        cbor2.dumps(["roar.tree/1", rows])).digest()
    assert tree_hash([]) == blake3(cbor2.dumps(["roar.tree/1", []])).digest()


def test_the_hash_is_of_names_contents_and_places_alone() -> None:
    files = [(b"d%d/f%d" % (at % 7, at), digest(str(at))) for at in range(100)]
    shuffled = random.Random(1).sample(files, 100)
    assert tree_hash(shuffled) == tree_hash(files)
    for at in (0, 50):
        path, content = files[at]
        for other in ((path + b"x", content), (path, digest("other")), (b"d/" + path, content)):
            assert tree_hash([*files[:at], other, *files[at + 1:]]) != tree_hash(files)
    assert tree_hash([(b"/".join([b"d"] * 3000) + b"/x", digest("deep"))])  # deeper than Python's stack


@pytest.mark.parametrize(("paths", "expected"), [
    ([f"/d/shard-{at:05}.tar" for at in range(1000)], ["/d/shard-{00000..00999}.tar x1000!"]),
    ([f"/d/shard-{at:05}.tar" for at in range(0, 1000, 2)], ["/d/shard-{00000..00998}.tar x500"]),
    ([f"/d/part{at}-of-12.bin" for at in range(1, 13)], ["/d/part{1..12}-of-12.bin x12!"]),
    ([f"/d/s{at}.tar" for at in range(9)], [f"/d/s{at}.tar" for at in range(9)]),
    ([f"/d/{at % 4}-{at}.png" for at in range(40)], ["/d/*-*.png x40"]),
    ([f"/d/{word}.png" for word in map(chr, range(0x4e00, 0x4e00 + 60))], ["/d/*.png x60"]),
    ([f"/d/{word}.png" for word in map(chr, range(0x4e00, 0x4e00 + 49))][:49], None),
    ([f"/set/n{at:03}/{name}.jpg" for at in range(20) for name in "abcde"], ["/set/** x100"]),
    ([f"/set/{part}/n{at:03}/{name}.jpg" for part in ("train", "val") for at in range(20) for name in "abcde"],
     ["/set/train/** x100", "/set/val/** x100"]),
    ([f"/set/{part:02}/n{at:03}/{name}.jpg" for part in range(10) for at in range(20) for name in "ab"], ["/set/** x400"]),
    ([f"/p/{name}" for name in ("train.py", "a.csv", "b.csv")], ["/p/train.py", "/p/a.csv", "/p/b.csv"]),
    (["/z", *(f"/d/{at}" for at in range(10)), "/a"], ["/z", "/d/{0..9} x10!", "/a"])])
def test_what_belongs_together(paths: list[str], expected: list[str] | None) -> None:
    assert names(*paths) == (paths if expected is None else expected)


def test_only_what_is_alike() -> None:
    paths = [b"/d/%d" % at for at in range(20)]
    found = grouped(paths, lambda path: Member(path, None, None), lambda path: int(path[3:]) < 10)
    assert [len(one.items) for one in found if isinstance(one, Group)] == [10, 10]
    assert {(one.hash, one.size) for one in found if isinstance(one, Group)} == {(None, None)}


def test_a_groups_hash_is_that_of_its_files_wherever_they_lie() -> None:
    def group(directory: str) -> Group[bytes]:
        paths = [f"{directory}/s-{at:03}.tar".encode() for at in range(30)]
        one, = grouped(paths, lambda path: Member(path, digest(os.fsdecode(path)[-7:]), 3))
        assert isinstance(one, Group)
        return one

    one, other = group("/a/set"), group("/mnt/elsewhere")
    assert one.hash == other.hash == tree_hash((b"s-%03d.tar" % at, digest(f"{at:03}.tar")) for at in range(30))
    assert one.size == 90


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_lost_or_there_twice(seed: int) -> None:
    pick = random.Random(seed)
    paths = {"/" + "/".join(pick.choice(["a", "b", f"d{pick.randrange(15)}", f"n-{pick.randrange(99):02}"])
                            for _ in range(pick.randrange(1, 5))) + f"/f{pick.randrange(40)}.{pick.choice(['x', 'y'])}"
             for _ in range(pick.randrange(0, 1500))}
    ordered = [path.encode() for path in sorted(paths)]
    found = grouped(ordered, lambda path: Member(path, digest(repr(path)), 1))
    flat = [item for one in found for item in (one.items if isinstance(one, Group) else (one,))]
    assert sorted(flat) == ordered
    for one in found:
        if isinstance(one, Group):
            assert all(item.startswith(one.directory) for item in one.items)


def test_sets_that_are_worth_finding_again() -> None:
    made = [Entry("output", b"/p/set/s-%02d.tar" % at, digest(f"s{at}"), "", 1, "data", ("write",), (0,)) for at in range(12)]
    made += [Entry("output", b"/p/set/index.json", digest("index"), "", 1, "data", ("write",), (0,)),
             Entry("output", b"/lib/x", digest("x"), "", 1, "system", ("write",), (0,))]
    found = {(one.kind, one.path): one for one in file_sets(made)}
    assert {key: one.files for key, one in found.items()} == {
        ("output", b"/p/set/s-{00..11}.tar"): 12, ("output", b"/p/set/"): 13, ("output", b"/p/"): 13}
    assert found["output", b"/p/set/"].hash == tree_hash(
        [(b"index.json", digest("index")), *((b"s-%02d.tar" % at, digest(f"s{at}")) for at in range(12))])
    assert file_sets(made[:9]) == []
