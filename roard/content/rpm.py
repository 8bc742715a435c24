"""Which package of rpm's owns a file: rpm(8) is asked, since the format of its database is its own and has changed twice."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

from roard.content.owner import Owner, sound, source_of

_RPM = "/usr/bin/rpm"  # the system's, whatever the user's PATH says
_QUERY = "[%{=NAME}\t%{=VERSION}-%{=RELEASE}\t%{FILENAMES}\n]"
_SECONDS = 30.0
_MOST = 256 << 20  # bytes of an answer
_MAX_KNOWN = 200_000
#: Where rpm has had its database, and the files in which that changes.
_PLACES = (b"/usr/lib/sysimage/rpm", b"/var/lib/rpm")
_FILES = (b"rpmdb.sqlite", b"rpmdb.sqlite-wal", b"Packages.db", b"Packages")


class Rpm:
    """``places``: directories, the first of which that has a database counts."""

    def __init__(self, places: Iterable[bytes] = _PLACES) -> None:
        self._places = tuple(places)
        self._signature: tuple[object, ...] = ()
        self._known: dict[bytes, Owner | None] = {}

    def owners(self, paths: Iterable[bytes]) -> dict[bytes, Owner]:
        """As ``Dpkg.owners``: what was found out stays known until the database changes."""
        place, signature = self._state()
        if signature != self._signature or len(self._known) > _MAX_KNOWN:
            self._known, self._signature = {}, signature
        wanted = list(paths)
        unknown = [path for path in wanted if path not in self._known]
        if unknown and place is not None:
            self._look(place, unknown)
        found = ((path, self._known.get(path)) for path in wanted)
        return {path: owner for path, owner in found if owner is not None}

    def _state(self) -> tuple[bytes | None, tuple[object, ...]]:
        for place in self._places:
            rows: list[tuple[bytes, int, int]] = []
            for name in _FILES:
                try:
                    found = os.stat(os.path.join(place, name))  # noqa: PTH116 - bytes
                except OSError:
                    continue
                rows.append((name, found.st_size, found.st_mtime_ns))
            if rows:
                return place, (place, *rows)
        return None, ()

    def _look(self, place: bytes, paths: list[bytes]) -> None:
        """One question for all files of all packages: asked by path, the answers do not say which path each is of."""
        self._known |= dict.fromkeys(paths)
        wanted: dict[bytes, list[bytes]] = {}
        for path in paths:
            wanted.setdefault(source_of(path), []).append(path)
            wanted.setdefault(os.path.realpath(path), []).append(path)  # /lib64 is a link to what a package lists
        try:
            answer = subprocess.run([_RPM, "--dbpath", place, "-qa", "--qf", _QUERY], stdin=subprocess.DEVNULL,
                                    capture_output=True, timeout=_SECONDS, check=False, cwd="/",
                                    env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"}).stdout
        except (OSError, subprocess.SubprocessError):
            return
        for line in answer[:_MOST].split(b"\n"):
            name, _, rest = line.partition(b"\t")
            version, _, path = rest.partition(b"\t")
            if path in wanted:
                owner = sound("rpm", name, version)
                self._known |= dict.fromkeys(wanted[path], owner)
