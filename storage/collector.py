"""Python's cyclic garbage collector, told what kind of program this is."""

from __future__ import annotations

import gc

_YOUNG = 100_000


def relax() -> None:
    """Once everything is loaded: what lives now lives on, and a job's many records are no reason to look through them
    all every 700 allocations (a third of the time that the end of a job with 5,000 files takes, a quarter of what a
    registry needs for 100,000 ancestors)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
