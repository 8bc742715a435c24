"""Names as calls are given them become absolute paths."""

from __future__ import annotations

import pytest

from roard.probe.layout import joined, path_of


@pytest.mark.parametrize(("base", "name", "path"), [
    (b"/d", b"a", b"/d/a"),
    (b"/d", b"./a//b/.", b"/d/a/b"),
    (b"/d/e", b"../a", b"/d/a"),
    (b"/d", b"../../../a", b"/a"),
    (b"/", b"a", b"/a"),
    (b"/", b"/d/a", b"/d/a"),
    (b"/jail", b"/a", b"/jail/a"),
    (b"/d", b"link/../a", b"/d/link/../a"),
    (b"/d", b"../link/../../a", b"/link/../../a"),
    (b"/", b".", b"/"),
])
def test_joined(base: bytes, name: bytes, path: bytes) -> None:
    """``..`` is taken away against the directory alone: in the name, what came before it may be a symbolic link."""
    assert joined(base, name) == path


def test_nothing_leads_above_the_root() -> None:
    assert joined(b"/jail", b"/../a", b"/jail") == b"/jail/a"
    assert joined(b"/jail/d", b"../../../a", b"/jail") == b"/jail/a"
    assert joined(b"/jailbird/d", b"../../a", b"/jail") == b"/a"  # outside of it, by a directory that was open before


def test_components_are_written_leaf_first() -> None:
    assert path_of(b"a\0d\0") == b"/d/a"
    assert path_of(b"") == b"/"
