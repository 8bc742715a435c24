"""From a recorded git remote and commit to pages of GitHub, GitLab, Bitbucket and their like.  Pure.

A remote is what somebody typed into a configuration: an address is made only where all of it has the expected form, and
always with https.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_SCP = re.compile(r"(?:[\w.+-]+@)?(?P<host>[\w.-]+):(?P<path>[^/].*)")  # git@host:owner/name.git
_URL = re.compile(r"(?:https?|ssh|git)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::\d{1,5})?/(?P<path>.+)")
_PATH = re.compile(r"[\w.~-]+(?:/[\w.~-]+)+")
_HOST = re.compile(r"(?=.{4,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
#: (what its host's name has in it, between the repository and the commit, between the repository and a file at a commit)
_STYLES = (("github", "/commit/", "/blob/"), ("gitlab", "/-/commit/", "/-/blob/"), ("bitbucket", "/commits/", "/src/"),
           ("codeberg", "/commit/", "/src/commit/"), ("gitea", "/commit/", "/src/commit/"),
           ("forgejo", "/commit/", "/src/commit/"))


def repository_url(remote: object) -> str:
    """Of a host whose pages are known; else empty."""
    return _parts(remote)[0]


def commit_url(remote: object, commit: object) -> str:
    base, style, _ = _parts(remote)
    return f"{base}{style}{commit}" if base and isinstance(commit, str) and _COMMIT.fullmatch(commit) else ""


def file_url(remote: object, commit: object, path: bytes) -> str:
    """``path``: relative to the repository's root."""
    base, _, style = _parts(remote)
    if not base or not isinstance(commit, str) or not _COMMIT.fullmatch(commit) or path.startswith(b"/") or b".." in path:
        return ""
    return f"{base}{style}{commit}/{quote(path)}"


def _parts(remote: object) -> tuple[str, str, str]:
    text = remote.strip() if isinstance(remote, str) else ""
    found = _URL.fullmatch(text) or (None if "://" in text else _SCP.fullmatch(text))
    if found is None or len(text) > 500:
        return "", "", ""
    host, path = found["host"].lower(), found["path"].rstrip("/").removesuffix(".git")
    parts = path.split("/")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or ".." in parts or "." in parts:
        return "", "", ""
    labels = host.split(".")
    style = next((one for one in _STYLES if any(label == one[0] or label.startswith(one[0] + "-") for label in labels)), None)
    return ("", "", "") if style is None else (f"https://{host}/{path}", style[1], style[2])
