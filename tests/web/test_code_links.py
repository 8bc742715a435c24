"""Links to code are made from what is known to be a repository's address, and only with https."""

from __future__ import annotations

import pytest

from glaas.web.code import commit_url, file_url, repository_url

COMMIT = "3f9c1d7e5a2b4c6d8e0f1a2b3c4d5e6f7a8b9c0d"


@pytest.mark.parametrize(("remote", "expected"), [
    ("git@github.com:ada/pipeline.git", f"https://github.com/ada/pipeline/commit/{COMMIT}"),
    ("https://github.com/ada/pipeline", f"https://github.com/ada/pipeline/commit/{COMMIT}"),
    ("https://token:x@github.com/ada/pipeline.git", f"https://github.com/ada/pipeline/commit/{COMMIT}"),
    ("ssh://git@gitlab.example.org:2222/group/sub/name.git", f"https://gitlab.example.org/group/sub/name/-/commit/{COMMIT}"),
    ("git@bitbucket.org:team/name.git", f"https://bitbucket.org/team/name/commits/{COMMIT}"),
    ("https://codeberg.org/ada/name", f"https://codeberg.org/ada/name/commit/{COMMIT}"),
])
def test_a_known_host(remote: str, expected: str) -> None:
    assert expected == commit_url(remote, COMMIT)


@pytest.mark.parametrize("remote", [
    None, "", 7, "javascript:alert(1)", "javascript://github.com/a/b%0aalert(1)", "/srv/git/name.git", "file:///srv/github.com/a/b",
    "https://github.com/a/b\" onclick=\"x", "https://github.com/../b", "https://github.com/a b/c", "https://example.org/a/b",
    "https://evil.org/?github.com/a/b", "https://github.com.evil.org:x/a/b", "https://git\u202ehub.com/a/b", "https://github.com/a",
    "https://notgithub.com/a/b", "git@github.com:a/b\n.git", "x" * 600,
])
def test_what_is_no_known_address_makes_no_link(remote: object) -> None:
    assert "" == repository_url(remote) == commit_url(remote, COMMIT) == file_url(remote, COMMIT, b"a.py")


@pytest.mark.parametrize("commit", [None, "", "main", "../..", "3f9c", "javascript:alert(1)", "3F9C1D7E5A2B"])
def test_what_is_no_commit_makes_no_link(commit: object) -> None:
    assert "" == commit_url("https://github.com/a/b", commit)


def test_a_file_at_a_commit() -> None:
    expected = f"https://github.com/a/b/blob/{COMMIT}/src/my%20file.py"
    assert expected == file_url("https://github.com/a/b", COMMIT, b"src/my file.py")
    assert "" == file_url("https://github.com/a/b", COMMIT, b"../x")
