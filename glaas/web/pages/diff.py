"""`/diff?a=&b=`: two jobs, artifacts or sessions: what differs, in the order that explains most, and the first cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from glaas.web import words
from glaas.web.answers import Page
from glaas.web.heads import JobRow, job_row, session_row
from glaas.web.site import Asked
from lineage.compare.answerdocument import diff_document
from lineage.compare.answers import Answer, compare_targets
from lineage.compare.document import differing
from lineage.compare.model import CATEGORIES, Category, Change, FileChange, counts
from lineage.compare.sentences import cause_text, value_text
from lineage.errors import InvalidError, NotFoundError, RoarError
from lineage.service.references import by_path, by_reference
from lineage.service.sources import FromView, Wanted
from lineage.service.view import View

_TITLES: Mapping[Category, str] = {
    "code": "Code", "parameters": "Parameters", "inputs": "Inputs", "packages": "Packages", "environment": "Environment",
    "machine": "Machine", "context": "Other context", "outcome": "How it ended", "outputs": "Outputs"}
_MOST_ROWS = 60
_MOST_CAUSES = 8
_LONGEST = 400
_ADDRESS = re.compile(r"(?:https?://[^/]+)?/(artifact|job|session)/([0-9a-fA-F]{4,64})(?:[/?#.].*)?")


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    kind: str
    a: str
    b: str
    a_url: str = ""
    b_url: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What differs in one category; ``more``: rows that are not shown."""

    title: str
    rows: tuple[Row, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two jobs of sessions that play the same part."""

    a: JobRow | None
    b: JobRow | None
    differs: str


def resolve(view: View, text: str) -> Wanted:
    """An id with or without its kind, an address of this site, or a path as it was recorded.  NotFoundError, InvalidError,
    AmbiguousError."""
    text = text.strip()
    address = _ADDRESS.fullmatch(text)
    if address:
        text = f"{address[1]}:{address[2].lower()}"
    if text.startswith("/"):
        named = by_path(view, text.encode("utf-8", "surrogateescape"), b"")
        return Wanted("artifact", named.id, named.path)
    if text.startswith("@"):
        raise InvalidError(f"{text[:40]!r} means something only where the job was recorded",
                           "give the job's id, as its page has it")
    named = by_reference(view, text, b"")
    return Wanted(named.kind, named.id, named.path)


def rows_of(changes: Iterable[Change], category: Category) -> Part | None:
    own = [change for change in changes if change.category == category and (counts(change) or isinstance(change, FileChange))]
    if not own:
        return None
    rows = tuple(_row(change) for change in own[:_MOST_ROWS])
    return Part(_TITLES[category], rows, len(own) - len(rows))


def _row(change: Change) -> Row:
    if isinstance(change, FileChange):
        (a, a_url), (b, b_url) = (_side(one) for one in (change.a, change.b))
        before = f" (was {words.path(change.path_in_a)})" if change.path_in_a else ""
        return Row(words.path(change.path) + before, change.kind, a, b, a_url, b_url)
    a, b = (("" if value is None else words.line(value_text(value), _LONGEST)) for value in (change.a, change.b))
    return Row(words.line(change.name, 120), change.kind, a, b)


def _side(entry: Any) -> tuple[str, str]:  # noqa: ANN401 - Entry | None
    if entry is None:
        return "", ""
    if entry.hash is None:
        return words.line(entry.hash_reason or "no hash", 60), ""
    return f"{entry.hash.hex()[:10]} {words.size(entry.size)}".strip(), f"/artifact/{entry.hash.hex()}"


def page(asked: Asked) -> Page:
    a, b = asked.query("a").strip()[:5000], asked.query("b").strip()[:5000]
    if not (a and b):
        return Page("diff.html", "Compare", {"a": a, "b": b, "answer": None, "trouble": ""}, path="/diff")
    view = asked.view
    wanted = []
    for text in (a, b):
        try:
            wanted.append(resolve(view, text))
        except (NotFoundError, InvalidError) as error:
            if asked.wants_json:
                raise
            return Page("diff.html", "Compare", {"a": a, "b": b, "answer": None, "trouble": _trouble(error, text)},
                        path="/diff",
                        status=404 if isinstance(error, NotFoundError) else 400)
    answer, _ = compare_targets(FromView(view), *wanted)
    document = lambda: diff_document(answer)  # noqa: E731
    if asked.wants_json:
        return Page("diff.html", "", document=document)
    changes = answer.comparison.changes if answer.comparison else ()
    sides = [_described(answer, at) for at in (0, 1)]
    return Page("diff.html", f"{sides[0]['name']} and {sides[1]['name']}", {
        "a": a, "b": b, "answer": answer, "trouble": "", "sides": sides,
        "causes": [words.line(cause_text(cause, {}, answer.top(cause)), 1200) for cause in answer.causes.found[:_MOST_CAUSES]],
        "parts": [part for part in (rows_of(changes, category) for category in CATEGORIES) if part is not None],
        "pairs": [_pair(*one) for one in answer.pairs], "notes": [words.line(note) for note in answer.notes],
        "kind": answer.kind,
    }, document, path="/diff")


def _trouble(error: RoarError, text: str) -> str:
    return f"{words.line(text, 80)}: {words.line(error.message)}" + (f" ({words.line(error.hint)})" if error.hint else "")


def _pair(aligned: Any, comparison: Any) -> Pair:  # noqa: ANN401 - Aligned, Comparison | None
    a, b = (job_row(head) if head is not None else None for head in (aligned.a, aligned.b))
    if comparison is None:
        return Pair(a, b, "only in the first" if b is None else "only in the second" if a is None else "")
    found = [_TITLES[category].lower() for category in CATEGORIES if category in differing(comparison)]
    return Pair(a, b, ", ".join(found) or "the same")


def _described(answer: Answer, at: int) -> dict[str, Any]:
    if answer.artifacts is not None:
        one = answer.artifacts[at]
        return {"name": words.name(one.path), "url": f"/artifact/{one.hash.hex()}", "id": one.hash.hex(),
                "size": words.size(one.size),
                "job": job_row(one.maker.job.head) if one.maker else None, "kind": "artifact"}
    if answer.sessions is not None:
        row = session_row(answer.sessions[at])
        return {"name": row.name, "url": row.url, "id": row.id, "size": "", "job": None, "kind": "session"}
    assert answer.subjects is not None
    job = job_row(answer.subjects[at].job.head)
    return {"name": f"{job.program} @{job.number}", "url": job.url, "id": job.id, "size": "", "job": job, "kind": "job"}
