"""A package that owns files, and reading what says so: for all who look for owners, all of whom take it for hostile."""

from __future__ import annotations

import json
import os
import re
import stat
from typing import NamedTuple

_WORD = re.compile(r"[^\s\x00-\x1f\x7f-\xa0=]{1,128}")
_CACHED = re.compile(rb"(?:(.*)/)?__pycache__/([^/]+?)\.[A-Za-z]+-?\d+[^/]*\.pyc$", re.DOTALL)


class Owner(NamedTuple):
    """``manager``: dpkg, rpm, conda, R, npm or pip. ``more``: what else there is to say, such as a commit."""

    manager: str
    name: str
    version: str
    more: tuple[tuple[str, str], ...] = ()


def sound(manager: str, name: object, version: object, more: tuple[tuple[str, str], ...] = ()) -> Owner | None:
    """None where what a file says is no name or no version."""
    name, version = (value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in (name, version))
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    if not all(_WORD.fullmatch(text) and text.isprintable() for text in (name, version)):
        return None
    return Owner(manager, name, version, more)


def source_of(relative: bytes) -> bytes:
    """``a/__pycache__/b.cpython-311.opt-1.pyc`` → ``a/b.py``: compiled files belong to who owns their source."""
    found = _CACHED.match(relative)
    if found is None:
        return relative
    return (found[1] + b"/" if found[1] else b"") + found[2] + b".py"


def read_file(path: bytes, limit: int) -> bytes:
    """At most ``limit`` bytes of a regular file; nothing of anything else. A FIFO must not keep the worker waiting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def json_object(data: bytes) -> dict[str, object]:
    """Empty for what is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
