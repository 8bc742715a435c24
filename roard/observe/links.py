"""Where names lead that pass symbolic links, as far as that can be known after the call.

The kernel tells the paths of files, not what a name led through. Known for certain are the directories of files that were
used, and the links that the job itself made, as they were at the time of an event. The rest must be looked up by somebody;
if the job changes a link before it was looked at, that is told by a later event, and what was found is taken back.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from roard.content.worker import UNKNOWN_PATH
from roard.observe.events import NameEvent
from roard.probe import layout

MOST_LOOKS = 256
_MOST_LINKS = 40  # path_resolution(7)
_SELF = re.compile(rb"^/(?:proc/(?:self|thread-self)|dev(?=/fd/))/")
DESCRIPTOR = re.compile(rb"/proc/([0-9]+)/(?:task/[0-9]+/)?fd/([0-9]+)")

Sure = Callable[[bytes], bool]


def own_names(tgid: int, path: bytes) -> bytes:
    """A path below /proc/self, as others name it."""
    return _SELF.sub(b"/proc/%d/" % tgid, path)


@dataclass(slots=True)
class _Look:
    """When somebody looked where the names of an event lead, what they passed, and what was found. CLOCK_BOOTTIME ns."""

    began: int
    ended: int
    passed: frozenset[bytes]
    first: bytes
    second: bytes
    doubted: bool = False


class Links:
    """Of one job. ``sure``: says of a path that it has no links in it."""

    def __init__(self) -> None:
        self._own: dict[bytes, bytes] = {}              # links that the job made, and their targets
        self._canonical: dict[bytes, bytes] = {}        # what paths lead to, as somebody found
        self._passed: set[bytes] = set()                # on the way
        self._looked: deque[_Look] = deque(maxlen=MOST_LOOKS)

    def made(self, path: bytes, target: bytes) -> None:
        self._own[path] = target

    def target(self, path: bytes) -> bytes | None:
        """Of a link that the job made."""
        return self._own.get(path)

    def changed(self, path: bytes, time: int) -> list[tuple[bytes, bytes]]:
        """Something else is at this path since ``time``. The names that were looked up after that, for earlier events."""
        self._own.pop(path, None)
        if path not in self._passed:
            return []
        doubted = [look for look in self._looked if look.began < time < look.ended and path in look.passed and not look.doubted]
        for look in doubted:
            look.doubted = True
        self._canonical.clear()
        return [(look.first, look.second) for look in doubted]

    def questions(self, event: NameEvent, sure: Sure) -> list[bytes]:
        if not event.flags & layout.F_TYPED:
            return []
        return [asked for name, follow in self._names(event) if (asked := self._asked(name, follow, sure)) is not None]

    def learn(self, canonical: Mapping[bytes, bytes], event: NameEvent, now: int, sure: Sure) -> None:
        passed: set[bytes] = set()
        for path, real in canonical.items():
            self._canonical[path] = real
            while path not in passed:
                passed.add(path)
                path = posixpath.dirname(path)  # noqa: PLW2901 - upwards
        self._passed |= passed
        self._looked.append(_Look(event.time, now, frozenset(passed), *self.told(event, sure)))

    def told(self, event: NameEvent, sure: Sure) -> tuple[bytes, bytes]:
        """The two names of an event, canonical; UNKNOWN_PATH for one that nobody can look up any more."""
        if not event.flags & layout.F_TYPED:
            return event.first, event.second
        names = [self._real(name, follow, sure) for name, follow in self._names(event)]
        if event.kind == layout.SYMLINK:
            return event.first, names[0]
        return names[0], names[1] if event.second else b""

    def _names(self, event: NameEvent) -> list[tuple[bytes, bool]]:
        """The names that are resolved, and whether a link at the end of one is followed."""
        if event.kind == layout.SYMLINK:
            names = [(event.second, False)]  # the first is text
        else:
            follow = layout.follows(event.kind, event.call_flags)
            names = [(event.first, follow), *([(event.second, False)] if event.second else [])]
        return [(self._by_own(own_names(event.tgid, name), follow), follow) for name, follow in names]

    def _by_own(self, name: bytes, follow: bool) -> bytes:
        """The name with the job's own links followed."""
        for _ in range(_MOST_LINKS if self._own else 0):
            components = name.split(b"/")[1:]
            last = len(components) + follow
            at = next((at for at in range(1, last) if b"/" + b"/".join(components[:at]) in self._own), None)
            if at is None:
                break
            link = b"/" + b"/".join(components[:at])
            name = layout.joined(posixpath.dirname(link), b"/".join([self._own[link], *components[at:]]))
        return name

    def _asked(self, name: bytes, follow: bool, sure: Sure) -> bytes | None:
        directory = posixpath.dirname(name)
        if not name or sure(name) or (sure(directory) and not follow):
            return None
        asked = name if follow else directory
        return None if asked in self._canonical else asked

    def _real(self, name: bytes, follow: bool, sure: Sure) -> bytes:
        if not name or sure(name):
            return name
        if follow:
            real = self._canonical.get(name, name)
            return UNKNOWN_PATH if DESCRIPTOR.fullmatch(real) else real
        directory, _, last = name.rpartition(b"/")
        real = self._canonical.get(directory or b"/", directory)
        if real == UNKNOWN_PATH or DESCRIPTOR.fullmatch(real):
            return UNKNOWN_PATH                         # whose descriptor or namespace it was has ended
        return real.rstrip(b"/") + b"/" + last
