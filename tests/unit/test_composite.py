"""Many files that are one thing."""

from __future__ import annotations

import random

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lineage.composite import Composite, Member, composites, directory_hash

NAMES = st.lists(st.binary(min_size=1, max_size=4).filter(lambda name: b"/" not in name and name not in {b".", b".."}),
                 min_size=1, max_size=3).map(b"/".join)


def digest(text: str) -> bytes:
    return blake3(text.encode()).digest()


def members(*paths: str) -> list[Member]:
    return [Member(path.encode(), digest(path), 10) for path in paths]


def names(*paths: str) -> list[tuple[str, int]]:
    return [(group.name.decode(), len(group.places)) for group in composites(members(*paths))]


def test_the_hash_is_as_it_is_written_down() -> None:
    """Made by hand from the specification."""
    inner = blake3(b"roar directory 1\n" + b"f" + b"\0\0\0\1" + b"x" + digest("x")).digest()
    whole = blake3(b"roar directory 1\n" + b"f\0\0\0\1a" + digest("a") + b"d\0\0\0\3sub" + inner).digest()
    assert directory_hash([(b"sub/x", digest("x")), (b"a", digest("a"))]) == whole
    assert whole.hex() == "7626d2f54586041a286f3e90b34ff73fbfc2b894b8707edfc4eccde4ee574d6b"


@given(st.dictionaries(NAMES, st.binary(min_size=32, max_size=32), min_size=1, max_size=12), st.randoms())
def test_order_does_not_count_and_everything_else_does(files: dict[bytes, bytes], shuffle: random.Random) -> None:
    pairs = list(files.items())
    try:
        made = directory_hash(pairs)
    except ValueError:
        return  # a name that is a file and a directory
    shuffle.shuffle(pairs)
    assert directory_hash(pairs) == made
    path, content = pairs[0]
    assert directory_hash([*pairs[1:], (path, bytes(32) if content != bytes(32) else b"\1" * 32)]) != made
    assert directory_hash([*pairs[1:], (path + b"x" * 5, content)]) != made
    assert directory_hash(pairs[1:]) != made


@pytest.mark.parametrize("path", [b"/a", b"a//b", b"../a", b"./a", b"a/", b""])
def test_only_relative_paths_have_a_place(path: bytes) -> None:
    with pytest.raises(ValueError, match="path of one more"):
        directory_hash([(path, bytes(32))])
    with pytest.raises(ValueError, match="path of one more"):
        directory_hash([(b"a", bytes(32)), (b"a", bytes(32))])


def test_shards_by_their_numbers() -> None:
    assert names(*(f"/p/data/shard-{at:05d}-of-00040.tar" for at in range(40)), "/p/train.py", "/p/data/README") == [
        ("/p/data/shard-{00000..00039}-of-00040.tar", 40)]
    assert names(*(f"part{at}" for at in range(12))) == [("part{0..11}", 12)]
    assert names("/a/1.csv", "/a/2.csv", "/b/3.csv") == []


def test_names_without_numbers_by_their_kind() -> None:
    words = [f"/d/{letter}{other}.png" for letter in "abcdef" for other in "abcd"]
    assert names(*words, "/d/labels.csv") == [("/d/*.png", 24)]


def test_a_directory_for_each_class() -> None:
    paths = [f"/p/train/n{kind:08d}/{at}.jpg" for kind in range(30) for at in range(3)]
    assert names(*paths, "/p/train.py", "/p/val/one.jpg") == [("/p/train/", 90)]
    assert names(*(f"/home/u{at}/x" for at in range(5))) == []


def test_two_kinds_of_shards_beside_each_other() -> None:
    paths = [f"/d/{kind}-{at}.pt" for kind in ("train", "val") for at in range(10)]
    assert names(*paths) == [("/d/train-{0..9}.pt", 10), ("/d/val-{0..9}.pt", 10)]


def test_size_and_hash_are_those_of_all_members() -> None:
    files = members(*(f"/d/{at}.pt" for at in range(8)))
    group: Composite = composites(files)[0]
    assert (group.size, group.root) == (80, b"/d")
    assert group.hash == directory_hash((f"{at}.pt".encode(), digest(f"/d/{at}.pt")) for at in range(8))
    assert composites([files[0]._replace(hash=None, size=None), *files[1:]])[0].hash is None
    assert composites([files[0]._replace(hash=None, size=None), *files[1:]])[0].size is None


@given(st.lists(st.sampled_from([f"/{top}/{sub}/{name}{at}.{end}" for top in "ab" for sub in ("x", "y1", "y2")
                                 for name in ("", "n-") for at in range(12) for end in ("pt", "csv")]), unique=True))
def test_each_file_is_in_one_group_at_most(paths: list[str]) -> None:
    places = [place for group in composites(members(*paths)) for place in group.places]
    assert len(places) == len(set(places))
    assert set(places) <= set(range(len(paths)))
