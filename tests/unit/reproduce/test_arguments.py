"""Commands with other parameters than they were recorded with."""

from __future__ import annotations

import shlex

import pytest

from lineage.errors import InvalidError
from lineage.reproduce.arguments import changed, is_shell_text, parameter_name, redacted_words, with_secret


def words(text: str) -> list[bytes]:
    return [word.encode() for word in shlex.split(text)]


@pytest.mark.parametrize(("command", "changes", "expected"), [
    ("python t.py --epochs 3", "--epochs=10", "python t.py --epochs 10"),
    ("python t.py --epochs=3", "--epochs 10", "python t.py --epochs=10"),
    ("python t.py --epochs=3 data.csv", "--epochs 10 --seed=1", "python t.py --epochs=10 data.csv --seed=1"),
    ("python t.py", "--epochs 10", "python t.py --epochs 10"),
    ("python t.py -e 3", "-e 10", "python t.py -e 10"),
    ("python t.py --lr 0.1", "--lr -0.5", "python t.py --lr -0.5"),
    ("python t.py --shift -3 x", "--shift 4", "python t.py --shift 4 x"),
    ("python t.py --verbose", "--verbose", "python t.py --verbose"),
    ("python t.py", "--verbose", "python t.py --verbose"),
    ("python t.py --log", "--log=info", "python t.py --log info"),
    ("python t.py --log --fast", "--log=info", "python t.py --log info --fast"),
    ("python t.py --name=", "--name=", "python t.py --name="),
    ("python t.py --text 'a b'", "--text='c d'", "python t.py --text 'c d'"),
    ("python t.py lr=0.1 model.size=3", "model.size=4", "python t.py lr=0.1 model.size=4"),
    ("python t.py", "lr=0.1", "python t.py lr=0.1"),
    ("python t.py a", "-- b --c", "python t.py a b --c"),
    ("python t.py --x 1 -- rest --x 2", "--x 3 --y=4", "python t.py --x 3 --y=4 -- rest --x 2"),
    ("python t.py --x 1 -- rest", "-- more", "python t.py --x 1 -- rest more"),
    ("python t.py --epochs-max 3", "--epochs 1", "python t.py --epochs-max 3 --epochs 1"),
    ("--epochs --epochs 3", "--epochs 4", "--epochs --epochs 4"),  # the program's own name is no option
    ("python t.py", "", "python t.py"),
])
def test_changes(command: str, changes: str, expected: str) -> None:
    assert changed(words(command), words(changes)) == tuple(words(expected))


@pytest.mark.parametrize(("command", "changes", "why"), [
    ("sh -c 'python t.py --epochs 3'", "--epochs 4", "text for a shell"),
    ("/bin/bash -euxc 'python t.py'", "--epochs 4", "text for a shell"),
    ("python t.py", "data.csv", "belongs to no option"),
    ("python t.py --a 1 --a 2", "--a 3", "is there 2 times"),
    ("python t.py --a=1", "--a", "needs a value"),
])
def test_what_cannot_be_understood_is_refused(command: str, changes: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        changed(words(command), words(changes))


def test_a_shell_text_runs_again_as_it_was() -> None:
    command = words("sh -c 'python t.py'")
    assert changed(command, []) == tuple(command)
    assert is_shell_text(command)
    assert not is_shell_text(words("sh script.sh -c x"))


def test_secrets_are_found_named_and_put_back() -> None:
    argv = words("python t.py --token [redacted] --db=postgres://u:[redacted]@h/[redacted] --password=[redacted] x[redacted]")
    assert redacted_words(argv) == [3, 4, 5, 6]
    assert [parameter_name(argv, at) for at in (3, 4, 5, 6)] == ["--token", "--db", "--password", "argument 6"]
    assert with_secret(argv[4], [b"one", b"two"]) == b"--db=postgres://u:one@h/two"
    assert changed(argv[:4], words("--token=new")) == tuple(words("python t.py --token new"))
