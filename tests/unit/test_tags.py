"""The rule of tags, on small graphs."""

from __future__ import annotations

from recorder import ADA

from lineage.annotations import Annotations, Item, Subject
from lineage.tags import Hop, held_tags, united
from lineage.v1 import lineage_pb2, records_pb2


def graph(*jobs: str) -> lineage_pb2.Graph:
    """Each job as "a,b>c": takes the artifacts a and b, makes c."""
    found = lineage_pb2.Graph()
    names = sorted({name for job in jobs for side in job.split(">") for name in side.split(",") if name})
    makers: dict[str, int] = {}
    for name in names:
        found.artifacts.add(hash=name.encode() * 32, path=b"/" + name.encode())
    for at, job in enumerate(jobs):
        taken, made = (side.split(",") if side else [] for side in job.split(">"))
        found.jobs.append(records_pb2.JobHead(run=bytes([at]) * 16, number=at + 1, started_at=at))
        for name in made:
            makers[name] = at
            found.edges.add(job=at, artifact=names.index(name), output=True)
        for name in taken:
            found.edges.add(job=at, artifact=names.index(name), maker=makers.get(name))
    return found


def said(**things: str) -> dict[bytes, Annotations]:
    """By an artifact's letter or j and a job's index: "license=mit" (a tag), "!license" (a block); more after a space."""
    found = {}
    for name, words in things.items():
        subject = Subject("job", bytes([int(name[1:])]) * 16) if name[0] == "j" else Subject("artifact", name.encode() * 32)
        items = []
        for word in words.split():
            key, _, value = word.lstrip("!").partition("=")
            items.append(Item("block" if word[0] == "!" else "tag", key, tuple(value.split("|")) if value else ("anonymised",),
                              ADA, 1))
        found[subject.id] = Annotations(subject, tuple(items))
    return found


CHAIN = graph("a,b>c", "c>d", "d,e>f")  # @1 takes a and b, …; artifacts a 0, b 1, c 2, d 3, e 4, f 5


def test_a_tag_holds_for_all_that_is_made_from_it() -> None:
    found = held_tags(CHAIN, said(a="license=by-nc", j1="pii=yes", f="own=1"), artifact=5)
    assert found.values() == {"license": ["by-nc"], "own": ["1"], "pii": ["yes"]}
    ways = {one.tag.key: one.way for one in found.held}
    assert ways["license"] == (Hop(False, 0), Hop(True, 0), Hop(False, 2), Hop(True, 1), Hop(False, 3), Hop(True, 2),
                               Hop(False, 5))
    assert ways["own"] == (Hop(False, 5),)
    assert ways["pii"][0] == Hop(True, 1)
    assert held_tags(CHAIN, said(e="k=v", f="own=1"), artifact=3).values() == {}  # not upwards, not sideways
    assert held_tags(CHAIN, said(a="k=v"), job=1).values() == {"k": ["v"]}


def test_values_are_united() -> None:
    found = held_tags(CHAIN, said(a="license=by", b="license=by|nd", e="license=mit"), artifact=5)
    assert found.values() == {"license": ["by", "mit", "nd"]}
    pairs = united(found.held)
    assert [len(pairs["license", value]) for value in ("by", "mit", "nd")] == [2, 1, 1]


def test_a_block_ends_one_key_at_a_job() -> None:
    found = held_tags(CHAIN, said(a="pii=faces license=by", j1="!pii"), artifact=5)
    assert found.values() == {"license": ["by"]}
    assert [(one.block.key, one.job, [tag.values for tag in one.tags]) for one in found.stopped] == [("pii", 1, [("faces",)])]
    assert held_tags(CHAIN, said(a="pii=faces", j1="!pii"), artifact=2).values() == {"pii": ["faces"]}  # above it
    assert held_tags(CHAIN, said(a="pii=faces", j1="!pii"), job=1).values() == {}
    assert held_tags(CHAIN, said(e="pii=names", j1="!pii"), artifact=5).stopped == []  # it stopped nothing


def test_what_the_blocking_job_has_itself_or_comes_another_way_holds() -> None:
    found = held_tags(CHAIN, said(a="pii=faces", e="pii=names", j1="!pii pii=rest"), artifact=5)
    assert found.values() == {"pii": ["names", "rest"]}
    around = graph("a>b", "b>c", "b,c>d")
    assert held_tags(around, said(a="k=v", j1="!k"), artifact=3).values() == {"k": ["v"]}


def test_a_ring_ends() -> None:
    ring = graph("x>a", "a>b")
    ring.edges.add(job=0, artifact=1, maker=1)  # @1 took b, too
    found = held_tags(ring, said(x="k=v", b="ring=yes"), artifact=1)
    assert found.values() == {"k": ["v"], "ring": ["yes"]}
    assert held_tags(ring, said(x="k=v", j0="!k"), artifact=1).stopped[0].tags[0].values == ("v",)


def test_of_what_was_made_twice_the_latest_counts() -> None:
    twice = graph("a>c", "b>c")
    assert held_tags(twice, said(a="k=old", b="k=new"), artifact=2).values() == {"k": ["new"]}
