"""How a Python distribution was installed: from an index, a repository, or as a directory that is worked in.

``direct_url.json`` says it (the PyPA specification "Recording the Direct URL Origin of installed distributions"). Of an
editable install, only the modules that its finder or .pth file names are its own: the project around them is not.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

MAX_PREFIXES = 1000
_MAPPING = re.compile(rb"^MAPPING(?::[^=\n]*)? = (\{.*\})[ \t]*$", re.MULTILINE)
_COMMIT = re.compile(r"[0-9A-Za-z.:/_@+-]{1,100}")
_LINES = 100


def origin(value: dict[str, object]) -> tuple[tuple[str, str], ...]:
    """What direct_url.json says: editable (the directory), or url, with vcs, commit and requested, if it is a repository."""
    url = value.get("url")
    if not isinstance(url, str) or not url.isprintable() or len(url) > 4096:
        return ()
    directory, repository = value.get("dir_info"), value.get("vcs_info")
    if isinstance(directory, dict) and directory.get("editable") is True:
        return (("editable", local_path(url)),)
    found = [("url", url)]
    if isinstance(repository, dict):
        for key, name in (("vcs", "vcs"), ("commit_id", "commit"), ("requested_revision", "requested")):
            said = repository.get(key)
            if isinstance(said, str) and _COMMIT.fullmatch(said):
                found.append((name, said))
    return tuple(found)


def local_path(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme == "file" else ""


def mapped(finder: bytes) -> list[bytes]:
    """The modules' places in setuptools' ``__editable___NAME_finder.py``; of a package its directory."""
    found = _MAPPING.search(finder)
    if found is None:
        return []
    try:
        value = ast.literal_eval(found[1].decode())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    if not isinstance(value, dict):
        return []
    return _absolute(os.fsencode(place) for place in value.values() if isinstance(place, str))


def directories(pth: bytes) -> list[bytes]:
    """Those that a .pth file adds to sys.path (https://docs.python.org/3/library/site.html)."""
    lines = (line.strip() for line in pth.split(b"\n")[:_LINES])
    return _absolute(line for line in lines if line.startswith(b"/"))


def _absolute(paths: Iterable[bytes]) -> list[bytes]:
    found = []
    for path in paths:
        if path.startswith(b"/") and b"\0" not in path:
            found.append(os.path.realpath(path))
        if len(found) >= MAX_PREFIXES:
            break
    return found


def lies_in(path: bytes, prefix: bytes) -> bool:
    """Is the file this module, or in this package or directory of modules?"""
    return path == prefix or path.startswith(prefix + b"/") or path == prefix + b".py"
