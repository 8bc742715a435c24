"""Where things go that were recorded elsewhere: paths, and paths in command lines and variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: What may stand before and after a path in a word: `--data=/p/x`, `'/p/x'`, `a:/p`, `-I/p`, `file:///p`, `/p;` but not
#: `/old/p` or `/p2`.
_BEFORE = rb"(?:(?<![\w./~-])|(?<=://)|(?<=\A-[A-Za-z])|(?<=[\s'\"]-[A-Za-z]))"
_AFTER = rb"(?=[/\s'\":;,)\]}|&<>]|\Z)"


class Places:
    """Pairs of (recorded directory, directory now), absolute; the innermost recorded one decides."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        found = {old.rstrip(b"/"): new.rstrip(b"/") for old, new in pairs}
        self._pairs: Sequence[tuple[bytes, bytes]] = sorted(
            ((old, new) for old, new in found.items() if old), key=lambda pair: -len(pair[0]))
        self._mentioned = [(re.compile(_BEFORE + re.escape(old) + _AFTER), new) for old, new in self._pairs]

    def path(self, path: bytes) -> bytes | None:
        """None for a path outside of all of them."""
        for old, new in self._pairs:
            if path == old or path.startswith(old + b"/"):
                return new + path[len(old):]
        return None

    def text(self, word: bytes) -> bytes:
        """The word with each recorded directory in it replaced."""
        for pattern, new in self._mentioned:
            word = pattern.sub(lambda _, new=new: new, word)  # type: ignore[misc]
        return word
