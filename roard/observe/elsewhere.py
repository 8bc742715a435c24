"""Other mount namespaces than the daemon's, as a job's containers have them: what is where, as the files that were used told.

The kernel says of an open file where it is in its process's namespace and where inside its file system; from that follows
where this namespace has it. Of a name that was renamed or removed it says neither, and by then its process may have ended,
and its namespace with it: so what files told of their directories is kept.
"""

from __future__ import annotations

import posixpath

#: In one job: container images have some thousands.
_MOST_DIRECTORIES = 1 << 16


class Elsewhere:
    """Of one job. ``roots``: directories here that are the root directory there. ``hidden``: directories there of which
    nothing is here; their files are called as they are there."""

    def __init__(self) -> None:
        self.roots: set[bytes] = set()
        self.hidden: set[bytes] = set()
        self._homes: dict[bytes, bytes | None] = {}  # None: two namespaces have different ones

    def tell(self, there: bytes, home: bytes | None) -> None:
        """A file's path there, and here, if it is."""
        directory, _, name = there.rpartition(b"/")
        if home is None:
            home = there
            if len(self.hidden) < _MOST_DIRECTORIES:
                self.hidden.add(directory)
        place, _, called = home.rpartition(b"/")
        if name != called:
            return  # a file that was mounted by itself
        if home != there and home.endswith(there):
            self.roots.add(home.removesuffix(there))
        if self._homes.setdefault(directory, place) != place:
            self._homes[directory] = None
        elif len(self._homes) > _MOST_DIRECTORIES:
            self._homes.clear()

    def home(self, there: bytes) -> bytes | None:
        """Where a name is here, if files in its directory have told; it is not known what it leads to."""
        place = self._homes.get(posixpath.dirname(there).rstrip(b"/"))
        return None if place is None else place + b"/" + posixpath.basename(there)

    def hides(self, path: bytes) -> bool:
        """Is it where only its own namespace could tell what became of it?"""
        return posixpath.dirname(path).rstrip(b"/") in self.hidden

    def as_there(self, path: bytes, project: bytes) -> bytes:
        """A path here of what is in a container's own files, as the container has it; else the path. What the project is in
        was mounted into the container, wherever."""
        roots = [root for root in self.roots if path.startswith(root + b"/") and not (project + b"/").startswith(root + b"/")]
        return path[len(max(roots, key=len, default=b"")):]
