"""Globs over paths that are bytes.  Pure.

``*`` and ``?`` stay inside one name, ``[abc]`` is one character of a name, ``**`` crosses directories, a backslash takes
the meaning from what follows it.  A glob that begins with a slash is about the whole path; another one about its end: in
any directory.  One that ends in a slash means all that is below.
"""

from __future__ import annotations

import re

_MAGIC = re.compile(rb"[*?\[\\]")
_ESCAPED = re.compile(rb"([*?\[\]\\])")


def is_glob(text: bytes) -> bool:
    return _MAGIC.search(text) is not None


def escaped(path: bytes) -> bytes:
    """A glob that means just this path."""
    return _ESCAPED.sub(rb"\\\1", path)


def compiled(glob: bytes) -> re.Pattern[bytes]:
    """To be asked by ``fullmatch``."""
    body = _translated(glob + b"**" if glob.endswith(b"/") else glob)
    return re.compile(body if glob.startswith(b"/") else rb"(?:.*/)?" + body, re.DOTALL)


def literal_prefix(glob: bytes) -> bytes:
    """What all paths that match begin with; empty for a glob that may match in any directory."""
    if not glob.startswith(b"/"):
        return b""
    magic = _MAGIC.search(glob)
    return glob if magic is None else glob[:magic.start()]


def _translated(glob: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < len(glob):
        one = glob[at:at + 1]
        if glob.startswith(b"**/", at):
            parts.append(rb"(?:.*/)?")
            at += 3
            continue
        if glob.startswith(b"**", at):
            parts.append(rb".*")
            at += 2
            continue
        at += 1
        if one == b"*":
            parts.append(rb"[^/]*")
        elif one == b"?":
            parts.append(rb"[^/]")
        elif one == b"\\" and at < len(glob):
            parts.append(re.escape(glob[at:at + 1]))
            at += 1
        elif one == b"[" and (end := _class_end(glob, at)):
            parts.append(_class(glob[at:end]))
            at = end + 1
        else:
            parts.append(re.escape(one))
    return b"".join(parts)


def _class_end(glob: bytes, at: int) -> int:
    """Of what began before ``at``; 0 where it has none, and so was only a bracket.  A first ] belongs to it."""
    start = at + 1 if glob[at:at + 1] in {b"!", b"^"} else at
    return max(glob.find(b"]", start + 1), 0)


def _class(inside: bytes) -> bytes:
    negated = inside[:1] in {b"!", b"^"}
    body = inside[1:] if negated else inside
    body = body.replace(b"\\", b"\\\\").replace(b"[", b"\\[").replace(b"]", b"\\]").replace(b"^", b"\\^")
    body = body.replace(b"&&", b"&\\&").replace(b"||", b"|\\|").replace(b"~~", b"~\\~")
    try:
        re.compile(b"[" + body + b"]")
    except re.error:  # a range that runs backwards matches nothing
        return rb"(?!)"
    return b"(?!/)[" + (b"^" if negated else b"") + body + b"]"
