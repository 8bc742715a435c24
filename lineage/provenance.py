"""The rule of provenance: which job made what another job took, and the other way round.

For an input (artifact, path) of job J: of the visible jobs other than J that had begun when J finished (their numbers
are below J's ``until``) and that left the artifact behind, the latest that left it at the same path, else the latest;
none: the input is a root.  Content that was moved or copied keeps its maker that way, and content that many jobs made
(an empty file) is the nearest one's.  Jobs that overlap may each have taken what the other made: there can be cycles.

Jobs that were imported have numbers of their own range, in the order of the time at which they began: an imported job
counts as a maker if it began before J ended, by the clocks of their machines, and if J's own user, or root, imported it
(nobody else's import says anything about J).  Of several makers, what was recorded where J was goes first.

A registry has jobs of that range alone.  There (``GraphStore.shared``) another owner's job counts too, but only where
none of J's own owner does: so that nobody can put themselves into others' lineage by claiming to have made the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from lineage.store import GraphStore, Link, Visible

AFTER_ALL = 1 << 64  # an ``until`` above every job's number
NOBODY = 0  # a number that no job has: they begin at 1
IMPORTED = 1 << 62  # an imported job's number is this, and the time in nanoseconds at which it began
_ROOT = 0

#: (job, path): who made something, and where it was left.  Bare, since there are very many: what has no objects in it
#: is nothing to Python's garbage collector, which else takes longer than a large walk itself.
Maker: TypeAlias = tuple[int, int]


class Makers:
    """The rule, over what was learned of artifacts: their visible producers, in order."""

    def __init__(self, store: GraphStore, visible: Visible) -> None:
        self._store = store
        self._visible = visible
        self._sole: dict[int, Maker | None] = {}  # of artifacts with one producer or none: nearly all
        self._made: dict[int, Sequence[Link]] = {}  # of the others
        self._at_path: dict[int, dict[int, list[int]]] = {}  # artifact → path → jobs; only where there are many
        self._seen: dict[int, bool] = {}
        self._owners: dict[int, int] = {}
        self._ended: dict[int, int] = {NOBODY: AFTER_ALL}

    def learn(self, artifacts: Iterable[int]) -> None:
        """One question for producers, one for their owners."""
        new = [artifact for artifact in artifacts if artifact not in self._sole and artifact not in self._made]
        if not new:
            return
        produced = self._store.producers(new)
        may_see = self.may_see({job for links in produced.values() for job, _ in links})
        for artifact, links in produced.items():
            visible = [link for link in links if may_see[link[0]]]
            if len(visible) > 1:
                self._made[artifact] = visible
            else:
                self._sole[artifact] = (visible[0][0], visible[0][1]) if visible else None

    def may_see(self, jobs: Iterable[int]) -> Mapping[int, bool]:
        """By job, for at least those asked for.  A job without an owner (it is damaged, or gone) is not seen."""
        new = [job for job in jobs if job not in self._seen]
        if new:
            owners = self._store.owners(new)
            self._owners.update({job: owner for job, owner in owners.items() if job >= IMPORTED})
            for job in new:
                owner = owners.get(job)
                self._seen[job] = owner is not None and self._visible(owner)
        return self._seen

    def any(self, artifact: int) -> bool:
        return artifact in self._made or self._sole[artifact] is not None

    def of(self, job: int, until: int, artifact: int, path: int | None) -> Maker | None:
        """Who made what ``job`` took as ``artifact`` at ``path``."""
        if artifact in self._sole:
            sole = self._sole[artifact]
            if sole is not None and sole[0] >= IMPORTED:
                taken = self._could_take(job, sole[0]) and (self._store.shared or self._is_mine(job, sole[0]))
                return sole if taken else None
            return None if sole is None or sole[0] >= until or sole[0] == job else sole
        links = self._made[artifact]
        if links[-1].node >= IMPORTED:
            return self._of_mixed(job, until, artifact, path)
        return self._of_local(job, until, artifact, path)

    def _of_mixed(self, job: int, until: int, artifact: int, path: int | None) -> Maker | None:
        links = self._made[artifact]
        brought = [link for link in links[bisect_left(links, (IMPORTED,)):] if self._could_take(job, link.node)]
        mine = [link for link in brought if self._is_mine(job, link.node)]
        brought = mine or (brought if self._store.shared else [])
        nearest = next((link for link in reversed(brought) if link.path == path), brought[-1] if brought else None)
        local = self._of_local(job, min(until, IMPORTED), artifact, path)
        first, second = (nearest, local) if job >= IMPORTED else (local, nearest)
        if first is None or (second is not None and first[1] != path and second[1] == path):
            return second
        return first

    def _could_take(self, job: int, imported: int) -> bool:
        """Could ``job`` have taken what this imported job made?"""
        if job == imported:
            return False
        if job not in self._ended:
            self._ended[job] = self._store.ends([job]).get(job, job)
        return imported < self._ended[job]

    def _is_mine(self, job: int, imported: int) -> bool:
        if job not in self._owners:
            self._owners.update(self._store.owners([job]))
        return job == NOBODY or self._owners.get(imported) in {self._owners.get(job), _ROOT}

    def _of_local(self, job: int, until: int, artifact: int, path: int | None) -> Maker | None:
        links = self._made[artifact]
        end = bisect_left(links, (until,))  # a Link is a tuple that begins with the job's number
        if end and links[end - 1].node == job:
            end = bisect_left(links, (job,))
        if not end:
            return None
        if path is None or links[end - 1].path == path:
            return links[end - 1]
        jobs = self._jobs_at(artifact, path)
        at = bisect_left(jobs, until)
        if at and jobs[at - 1] == job:
            at -= 1
        return (jobs[at - 1], path) if at else links[end - 1]

    def _jobs_at(self, artifact: int, path: int) -> Sequence[int]:
        by_path = self._at_path.get(artifact)
        if by_path is None:
            by_path = self._at_path[artifact] = {}
            for link in self._made[artifact]:
                by_path.setdefault(link.path, []).append(link.node)
        return by_path.get(path, ())


class Readers:
    """The rule, the other way round: whose input was made by whom."""

    def __init__(self, store: GraphStore, visible: Visible) -> None:
        self.makers = Makers(store, visible)
        self._store = store
        self._by_maker: dict[int, dict[Maker | None, list[int]]] = {}

    def learn(self, artifacts: Iterable[int]) -> None:
        new = [artifact for artifact in artifacts if artifact not in self._by_maker]
        if not new:
            return
        self.makers.learn(new)
        consumed = self._store.consumers(new)
        jobs = {job for links in consumed.values() for job, _ in links}
        may_see = self.makers.may_see(jobs)
        until = self._store.untils([job for job in jobs if may_see[job]])
        for artifact, links in consumed.items():
            by_maker: dict[Maker | None, list[int]] = {}
            for job, path in links:
                if may_see[job]:
                    readers = by_maker.setdefault(self.makers.of(job, until[job], artifact, path), [])
                    if not readers or readers[-1] != job:  # it may have taken one thing under two paths
                        readers.append(job)
            self._by_maker[artifact] = by_maker

    def of(self, artifact: int, maker: Maker) -> Sequence[int]:
        """The jobs whose input ``artifact`` was left behind by the maker, at its path."""
        return self._by_maker[artifact].get(maker, ())

    def nearest(self, artifact: int) -> list[int]:
        """All readers, but not those that took a copy which another reader of it left behind: they come after it.
        Of readers that took each other's, in a ring, the first."""
        self.learn([artifact])
        by_maker = self._by_maker[artifact]
        readers = sorted({job for jobs in by_maker.values() for job in jobs})
        after: dict[int, list[int]] = {}
        for maker, jobs in by_maker.items():
            after.setdefault(NOBODY if maker is None else maker[0], []).extend(jobs)
        outside = after.keys() - set(readers)
        first = sorted({job for maker in outside for job in after[maker]})
        reached: set[int] = set()
        _reach(first, after, reached)
        for job in readers:
            if job not in reached:
                first.append(job)
                _reach([job], after, reached)
        return first


def _reach(starts: Iterable[int], after: Mapping[int, Iterable[int]], reached: set[int]) -> None:
    """Adds the starts and all that comes after them."""
    stack = list(starts)
    while stack:
        job = stack.pop()
        if job not in reached:
            reached.add(job)
            stack.extend(after.get(job, ()))
