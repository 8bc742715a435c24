"""When to try again."""

from __future__ import annotations

import random

SECOND = 1_000_000_000
FIRST, LONGEST = 1, 600  # seconds
MOST_ASKED = 3600  # that a registry's Retry-After is followed for


def pause(failures: int, asked: float = 0) -> int:
    """ns until the next try, after so many failures in a row: 1 s, twice as long each time, 10 minutes at most; a fifth more or
    less, so that a fleet does not come back all at once. ``asked``: what the registry asked for, in seconds."""
    usual = min(LONGEST, FIRST * 2 ** min(max(failures, 1) - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return int(max(min(usual, LONGEST), min(asked, MOST_ASKED) * random.uniform(1, 1.1)) * SECOND)  # noqa: S311
