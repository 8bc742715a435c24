"""What things are called outside of roar: URIs, package URLs, names that are text.

The URNs are the project's own, in an unregistered namespace: docs/export.md defines them. Whoever publishes those pages
somewhere changes ``DOCS`` to that address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_from_bytes

from lineage.records import JobHead

DOCS = "urn:roar:docs:export"  # docs/export.md
VOCABULARY = f"{DOCS}#"  # terms that no format has
SLSA_BUILD_TYPE = f"{DOCS}:slsa-job:v1"
_SEPARATORS = re.compile(r"[-_.]+")


def artifact_uri(digest: bytes) -> str:
    return f"urn:roar:artifact:{digest.hex()}"


def job_uri(head: JobHead) -> str:
    """Of a job that still runs, its run's."""
    return f"urn:roar:job:{head.id.hex()}" if head.id is not None else f"urn:roar:run:{head.run.hex()}"


def session_uri(session: bytes) -> str:
    return f"urn:roar:session:{session.hex()}"


def builder_uri(head: JobHead) -> str:
    """roard on the machine where it ran, as far as its name is told."""
    return f"urn:roar:roard:{quote(head.host.name, safe='')}" if head.host.name else "urn:roar:roard"


def file_uri(path: bytes) -> str:
    """``file:`` for an absolute path; for a relative one a relative reference. Lossless: bytes are percent-encoded."""
    quoted = quote_from_bytes(path, safe="/~")
    return f"file://{quoted}" if path.startswith(b"/") else quoted


def text(data: bytes) -> str:
    """For people and for fields that take text alone: bytes that are not UTF-8 as ``\\xNN``."""
    return data.decode("utf-8", "backslashreplace")


def base_name(path: bytes) -> str:
    return text(path.rpartition(b"/")[2] or path)


def command_line(head: JobHead) -> str:
    import shlex

    return shlex.join(text(word) for word in head.argv)


def purl(package: Mapping[str, Any]) -> str:
    """A package URL: of the ecosystem that the record names, else of PyPI, whose packages records have."""
    kind = str(package.get("ecosystem") or package.get("type") or "pypi")
    name = str(package.get("name", ""))
    if kind == "pypi":
        name = _SEPARATORS.sub("-", name).lower()
    version = str(package.get("version") or "")
    return f"pkg:{quote(kind)}/{quote(name, safe='@/')}" + (f"@{quote(version)}" if version else "")


def git_uri(remote: str, commit: str) -> str:
    """As SPDX and SLSA write the place of a commit."""
    scheme = re.match(r"[a-z+]+://", remote)
    if scheme is None and ":" in remote:  # git@host:path
        user_host, _, path = remote.partition(":")
        remote = f"ssh://{user_host}/{path.lstrip('/')}"
    remote = remote if remote.startswith("git+") else f"git+{remote}"
    return quote(f"{remote}@{commit}", safe=":/@+~%[]!$&'()*,;=?-._#")


def packages_uri_order(packages: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """(package URL, package) of those that have a name, each once, in order."""
    return sorted({purl(package): package for package in packages if package.get("name")}.items())
