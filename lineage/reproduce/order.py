"""Which of the jobs made what another took, and an order in which to run them again."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from lineage.records import BUILD, Entry, Job


class Maker(NamedTuple):
    """``job`` is an index; ``path`` where it left the content."""

    job: int
    path: bytes


def makers(jobs: Sequence[Job]) -> list[dict[tuple[bytes, bytes | None], Maker]]:
    """By job, for inputs (path, hash) that another of the jobs made: which.

    The rule of ``lineage.provenance``, among these jobs; for a content without a hash, whoever wrote that path last before.
    An empty file has the same content as any other, so there the path must be the same too.
    """
    made: dict[bytes, list[Maker]] = {}
    written: dict[bytes, list[int]] = {}
    for at, job in enumerate(jobs):
        for entry in job.of_kind("output"):
            written.setdefault(entry.path, []).append(at)
            if entry.hash is not None:
                made.setdefault(entry.hash, []).append(Maker(at, entry.path))
    return [{(entry.path, entry.hash): maker for entry in job.of_kind("input")
             if (maker := _maker(jobs, at, entry, made, written)) is not None} for at, job in enumerate(jobs)]


def _maker(jobs: Sequence[Job], reader: int, entry: Entry, made: dict[bytes, list[Maker]],
           written: dict[bytes, list[int]]) -> Maker | None:
    end = jobs[reader].head.ended_at or inf

    def before(job: int) -> bool:
        return job != reader and jobs[job].head.started_at < end

    def began(maker: Maker) -> int:
        return jobs[maker.job].head.started_at

    if entry.hash is None:
        last = [Maker(job, entry.path) for job in written.get(entry.path, ()) if before(job)]
        return max(last, key=began, default=None)
    candidates = [maker for maker in made.get(entry.hash, ()) if before(maker.job)]
    here = [maker for maker in candidates if maker.path == entry.path]
    return max(here or ([] if entry.size == 0 else candidates), key=began, default=None)


def ordered(jobs: Sequence[Job], taken: Sequence[dict[tuple[bytes, bytes | None], Maker]]) -> list[int]:
    """Indexes: each after those whose outputs it takes; where that leaves a choice, builds first, then as they began. In a
    ring of jobs that took each other's, the first that began comes first."""
    ranks = sorted(range(len(jobs)), key=lambda at: (jobs[at].head.kind != BUILD, jobs[at].head.started_at))
    rank = {at: place for place, at in enumerate(ranks)}
    waits = [{maker.job for maker in made.values()} for made in taken]
    ready = [rank[at] for at in range(len(jobs)) if not waits[at]]
    heapq.heapify(ready)
    left = set(range(len(jobs)))
    order: list[int] = []
    while left:
        at = ranks[heapq.heappop(ready)] if ready else min(left, key=rank.__getitem__)
        if at not in left:
            continue
        left.remove(at)
        order.append(at)
        for other in left:
            if at in waits[other]:
                waits[other].discard(at)
                if not waits[other]:
                    heapq.heappush(ready, rank[other])
    return order
