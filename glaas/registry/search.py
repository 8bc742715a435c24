"""What the site's search bar and `Lineage.Search` find: by words that files and jobs are indexed with, newest first.

The longest word is looked up, the others are compared, so that a search costs the same whatever the registry holds; at most
``MAX_LOOKED`` rows of each space are looked at, and the answer says where that was not all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from glaas.registry import words
from glaas.registry.store import RegistryStore
from glaas.registry.tables import TERMS, term_home
from glaas.store.keyed import KeyedStore, Range
from lineage import wire
from lineage.annotations import Subject
from lineage.errors import InvalidError
from lineage.globs import compiled
from lineage.jobfilter import JobFilter, from_message
from lineage.records import JobHead
from lineage.service.scan import newest
from lineage.service.view import View
from lineage.v1 import lineage_pb2 as pb
from lineage.v1 import records_pb2

MAX_LOOKED = 3000
DEFAULT_RESULTS, MAX_RESULTS = 20, 200
MAX_PREFIXED = 1000
MAX_NAMED = 3
_HEX = re.compile(r"(?:(?P<kind>job|artifact|session):)?(?P<digits>[0-9a-f]{4,64})")


@dataclass(slots=True)
class FoundFile:
    """``paths``: newest first; ``head``: the newest job that saw it at the first of them …, and whether it made it there."""

    hash: bytes
    paths: list[bytes]
    head: JobHead
    output: bool


@dataclass(slots=True)
class Hits:
    """``cut``: not everything that matches was looked at."""

    artifacts: list[FoundFile] = field(default_factory=list)
    jobs: list[JobHead] = field(default_factory=list)
    sessions: list[bytes] = field(default_factory=list)
    labelled: list[Subject] = field(default_factory=list)  # artifacts by what is said of them
    cut: bool = False


def search(store: KeyedStore, seen: RegistryStore, query: str, limit: int = DEFAULT_RESULTS) -> Hits:
    """By a hash or its first digits, or by words of which all must be there: in a path, or in a command line with its host,
    user, project and labels."""
    hits = Hits()
    text = query.strip().lower()
    digits = _HEX.fullmatch(text)
    if digits:
        _by_digits(seen, digits["kind"], digits["digits"], limit, hits)
    wanted = words.words_of(text)
    if wanted and not (digits and digits["kind"]):
        _by_words(store, seen, wanted, limit, hits)
    return hits


def _by_digits(seen: RegistryStore, kind: str | None, digits: str, limit: int, hits: Hits) -> None:
    if kind in {None, "job"}:
        hits.jobs += seen.heads(seen.by_prefix("job", digits, limit))
    if kind in {None, "session"}:
        hits.sessions += seen.by_prefix("session", digits, limit)
    if kind in {None, "artifact"}:
        for digest in seen.by_prefix("artifact", digits, limit):
            found = _sighting(seen, digest)
            if found is not None:
                hits.artifacts.append(found)


def _sighting(seen: RegistryStore, digest: bytes) -> FoundFile | None:
    """By the newest job that made it, else that used it; None: the viewer sees none."""
    number = seen.artifact_number(digest) or 0
    for links, output in ((seen.producers([number])[number], True), (seen.consumers([number])[number], False)):
        for link in reversed(links):
            identity = seen.job_id(link.node)
            head = seen.head(identity)
            paths = [entry.path for hash_, entry in seen.linked(identity)
                     if hash_ == digest and (entry.kind == "output") is output]
            if head is not None and paths:
                return FoundFile(digest, paths, head, output)
    return None


def _by_words(store: KeyedStore, seen: RegistryStore, wanted: Sequence[str], limit: int, hits: Hits) -> None:
    longest = max(wanted, key=len)
    term = words.term(longest)
    with store.read() as reader:
        answers = reader.scan(TERMS, [Range(term_home(tag, term), term, limit=MAX_LOOKED, reverse=True) for tag in seen.tags])
    hits.cut = any(len(rows) == MAX_LOOKED for rows in answers)
    jobs: dict[bytes, int] = {}
    files: dict[bytes, list[tuple[int, bytes, bytes]]] = {}  # hash → (time, job, path)
    for rows in answers:
        for rest, path in rows:
            _, _, tail = rest.partition(b"\0")
            at, kind, identity = int.from_bytes(tail[:8], "big"), tail[8:9], tail[9:41]
            if kind == b"j":
                jobs[identity] = at
            elif kind == b"a" and words.in_all(wanted, path):
                files.setdefault(tail[41:], []).append((at, identity, path))
            elif kind == b"l" and tail[9:10] == b"j":
                jobs[tail[10:42]] = at
            elif kind == b"l" and tail[9:10] == b"a":
                hits.labelled.append(Subject("artifact", tail[10:42]))
    hits.jobs += _matching(seen, sorted(jobs, key=lambda one: jobs[one], reverse=True), wanted, limit)
    visible = {head.id: head for head in seen.heads(sorted({row[1] for rows in files.values() for row in rows}))}
    for digest in sorted(files, key=lambda one: max(files[one]), reverse=True):
        if len(hits.artifacts) >= limit:
            hits.cut = True
            break
        found = _file(seen, digest, sorted(files[digest], reverse=True), visible)
        if found is not None and all(one.hash != digest for one in hits.artifacts):
            hits.artifacts.append(found)
    for subject in hits.labelled[:limit]:
        one = _sighting(seen, subject.id)
        if one is not None and all(other.hash != one.hash for other in hits.artifacts):
            hits.artifacts.append(one)


def _matching(seen: RegistryStore, jobs: Sequence[bytes], wanted: Sequence[str], limit: int) -> list[JobHead]:
    found: list[JobHead] = []
    for at in range(0, len(jobs), 200):
        heads = seen.heads(jobs[at:at + 200])
        said = seen.said([Subject("job", head.id or b"") for head in heads])
        for head in heads:
            labels = [text for items in said.get(Subject("job", head.id or b""), {}).values() for item in items
                      for text in (item.key, *item.values)]
            if words.in_all(wanted, *words.job_words(head), *labels):
                found.append(head)
        if len(found) >= limit:
            break
    return found[:limit]


def _file(seen: RegistryStore, digest: bytes, rows: Sequence[tuple[int, bytes, bytes]],
          visible: dict[bytes | None, JobHead]) -> FoundFile | None:
    """None: what the viewer sees of it is masked."""
    for _, identity, path in rows:
        head = visible.get(identity)
        if head is None:
            continue
        for hash_, entry in seen.linked(identity):
            if hash_ == digest and entry.path == path:
                return FoundFile(digest, list(dict.fromkeys(row[2] for row in rows))[:5], head, entry.kind == "output")
    return None


def search_message(store: KeyedStore, view: View, request: pb.SearchRequest) -> pb.SearchResponse:
    """As ``lineage.service.search``: patterns are looked up by the words in them, so one of them must have a word.
    InvalidError where nothing, or nothing that can be looked up, is asked for."""
    seen, wanted = view.store, from_message(request.filter)
    assert isinstance(seen, RegistryStore)
    limit = min(request.limit or DEFAULT_RESULTS, MAX_RESULTS)
    answer = pb.SearchResponse()
    hits = Hits()
    if request.hash:
        _by_digits(seen, None, request.hash.lower(), limit, hits)
    elif request.globs:
        for glob in request.globs:
            parts = words.words_of(*re.split(rb"[*?\[\]{}]+", glob))
            if not parts:
                raise InvalidError(f"{glob.decode('utf-8', 'replace')!r} has no word in it to look up", "add a part of a name")
            found = Hits()
            _by_words(store, seen, [max(parts, key=len), *words.words_of(*request.words)], MAX_RESULTS, found)
            pattern = compiled(glob)
            hits.artifacts += [one for one in found.artifacts if any(map(pattern.fullmatch, one.paths))]
            hits.cut = hits.cut or found.cut
    elif request.words:
        _by_words(store, seen, words.words_of(*request.words), limit, hits)
    elif wanted:
        scan = newest(view, None, wanted, limit)
        answer.more_jobs, answer.stopped = scan.truncated, scan.stopped
        hits.jobs = scan.heads
    else:
        raise InvalidError("nothing to search for", "give a path, a hash or words: roar search 'data/*.parquet'")
    answer.more_artifacts = hits.cut or len(hits.artifacts) > limit
    for one in hits.artifacts[:limit]:
        if _matches(wanted, one.head):
            answer.artifacts.append(_found_message(seen, one))
    if not request.globs:
        answer.jobs.extend(wire.head_to(head) for head in hits.jobs[:limit] if _matches(wanted, head))
    return answer


def _matches(wanted: JobFilter, head: JobHead) -> bool:
    return not wanted or wanted.matches(head)


def _found_message(seen: RegistryStore, one: FoundFile) -> pb.FoundArtifact:
    number = seen.artifact_number(one.hash) or 0
    makers, users = ({link.node: None for link in reversed(links[number])}
                     for links in (seen.producers([number]), seen.consumers([number])))
    def named(jobs: Iterable[int]) -> list[records_pb2.JobHead]:
        return [wire.head_to(head) for head in seen.heads([seen.job_id(job) for job in list(jobs)[:MAX_NAMED]])]

    size = next((entry.size for hash_, entry in seen.linked(one.head.id or b"") if hash_ == one.hash), None)
    return pb.FoundArtifact(
        hash=one.hash, size=size, paths=one.paths, job=wire.head_to(one.head), output=one.output, made=len(makers),
        used=len(users), makers=named(makers), users=named(users))
