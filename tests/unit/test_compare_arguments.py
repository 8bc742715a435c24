"""Command lines read as parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.compare.arguments import compare_arguments, parse, words_of

words = st.lists(st.one_of(
    st.sampled_from(["--lr", "--lr=0.1", "-e", "-e3", "3", "-3", "0.1", "model.size=2", "+a/b=c", "--", "-", "--x=", "data.csv",
                     "--layers", "64", "-v", "a b", "", "--é", "=", "-=1", "--no-cuda", "x=--y"]),
    st.text(alphabet="-=a1.é ", max_size=6)), max_size=8)


def changed(before: str, after: str) -> list[tuple[str, object, object]]:
    return [(change.name, change.a, change.b) for change in compare_arguments(before.encode().split(), after.encode().split())]


@pytest.mark.parametrize(("one", "other"), [
    ("python train.py --lr 0.1", "python train.py --lr=0.1"), ("python train.py -e 3", "python train.py -e3"),
    ("python train.py a --lr 1", "python train.py --lr 1 a"), ("python train.py a=1 b=2", "python train.py b=2 a=1"),
    ("/usr/bin/python3 train.py", "python3.11 train.py"), ("prog --a 1 --b", "prog --b --a 1")])
def test_written_differently_and_equal(one, other):
    assert changed(one, other) == []


@pytest.mark.parametrize(("one", "other", "expected"), [
    ("python train.py --lr 0.1", "python train.py --lr 0.2", [("--lr", "0.1", "0.2")]),
    ("python train.py", "python train.py --amp", [("--amp", None, True)]),
    ("python train.py --shift -3", "python train.py --shift -4.5", [("--shift", "-3", "-4.5")]),
    ("python train.py --layers 64 64 x", "python train.py --layers 64 32 x", [("--layers", "64 64", "64 32")]),
    ("p --tag a --tag b", "p --tag a --tag c", [("--tag", ["a", "b"], ["a", "c"])]),
    ("python train.py model.lr=1", "python train.py model.lr=2 +seed=3", [("model.lr", "1", "2"), ("+seed", None, "3")]),
    ("python -u train.py x", "python train.py x", [("python -u", True, None)]),
    ("python -m pkg.train --n 1", "python -m pkg.test --n 1", [("script", "pkg.train", "pkg.test")]),
    ("torchrun --nproc_per_node 2 train.py --n 1", "torchrun --nproc_per_node 4 train.py --n 1",
     [("torchrun --nproc_per_node", "2", "4")]),
    ("sort in.txt", "sort -r in.txt", [("-r", None, True)]), ("cp a b", "cp a c", [("argument 2", "b", "c")]),
    ("sort a", "head a", [("program", "sort", "head")])])
def test_what_differs(one, other, expected):
    assert changed(one, other) == expected


def test_code_is_one_value():
    one = compare_arguments([b"sh", b"-c", b"a --b 1 | c"], [b"sh", b"-c", b"a --b 2 | c"])
    assert [(change.name, change.a, change.b) for change in one] == [("sh -c", "a --b 1 | c", "a --b 2 | c")]


def test_paths_in_the_project_are_relative_to_it():
    one, other = [b"p", b"--in=/ada/x.csv", b"/ada/y"], [b"p", b"--in", b"/bob/x.csv", b"/bob/y"]
    assert compare_arguments(one, other, b"/ada", b"/bob") == []


@given(words)
def test_reading_again_what_was_read(arguments):
    once = parse([b"program", *(word.encode() for word in arguments)])
    again = parse([b"program", *(word.encode() for word in words_of(once))])
    assert again == once


@given(words, words)
def test_the_other_way_round(one, other):
    a, b = [b"p", *(word.encode() for word in one)], [b"p", *(word.encode() for word in other)]
    assert compare_arguments(a, a) == []
    there, back = compare_arguments(a, b), compare_arguments(b, a)
    assert sorted((change.name, str(change.a), str(change.b)) for change in there) == sorted(
        (change.name, str(change.b), str(change.a)) for change in back)


@given(st.lists(st.binary(max_size=8), max_size=6))
def test_any_bytes(argv):
    parse(argv)
