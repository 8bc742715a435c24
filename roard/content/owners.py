"""Which installed package, of whatever manager, owns a file that a job read.

Who put a file there is asked of those that know best: Python's distributions first, then R and npm, conda, dpkg and rpm.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

from roard.content.managers import Conda, Described, Dpkg
from roard.content.owner import Owner
from roard.content.packages import PackageIndex
from roard.content.rpm import Rpm

#: Elsewhere dpkg and rpm put nothing.
_SYSTEM = re.compile(rb"/(?:usr/(?!local/)|s?bin/|lib(?:32|64|x32)?/|etc/|opt/)")


class Owners:
    """Remembers what it read. Safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._python = PackageIndex()
        self._described = Described()
        self._conda = Conda()
        self._system = (Dpkg(), Rpm())

    def owners(self, paths: Iterable[bytes]) -> dict[bytes, Owner]:
        """By absolute path, of those whose owner is known. Never raises."""
        paths = list(paths)
        with self._lock:
            found = self._python.look(paths)
            for index in (self._described, self._conda):
                found |= index.owners([path for path in paths if path not in found])
            for system in self._system:
                found |= system.owners([path for path in paths if path not in found and _SYSTEM.match(path)])
        return found
