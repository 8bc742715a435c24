"""A cause in words: "model.pkl differs because train.parquet does, because preprocess.py changed in commit …"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineage.compare.model import Cause, Change, CodeHistory, FileChange, Link, Subject, names
from lineage.records import Entry, Json

Histories = Mapping[FileChange, CodeHistory]
_MOST = 3
_MOST_PATHS = 2
_LONGEST = 60
_SHORT = 7  # digits of a commit


def cause_text(cause: Cause, histories: Histories, top: str) -> str:
    """One sentence; ``top`` is what differs in the end, with its verb ("model.pkl differs")."""
    links = "".join(f" because {_path(link.change)} {_verb(link)} ({link.a.name} → {link.b.name})," for link in cause.chain)
    where = f" ({cause.a.name} → {cause.b.name})" if not cause.chain else ""
    if cause.category == "nondeterminism":
        subject = _path(cause.chain[-1].change) if cause.chain else top.removesuffix(" differs").removesuffix(" differ")
        lead = f"{top}{links[:-1]}; " if links else ""
        return (f"{lead}nothing that was recorded explains why {subject} differs{where}: the same code, parameters, inputs and "
                f"packages made it, so {what(cause.b) or 'the program'} may be nondeterministic")
    because = "possibly because" if cause.strength == "possible" else "because"
    return f"{top}{where}{links} {because} {_reason(cause, histories)}"


def what(subject: Subject) -> str:
    """The script or program of a subject."""
    from lineage.compare.arguments import parse

    return parse(subject.argv, subject.job.head.project).what


def top_text(changes: Sequence[Change]) -> str:
    """What differs: of a job its outputs, else the runs themselves."""
    outputs = [change for change in changes if isinstance(change, FileChange) and change.category == "outputs"]
    outputs.sort(key=lambda change: change.path.startswith(b"/"))  # what lies in the project comes first
    paths = [_path(change) for change in outputs if change.kind == "changed"]
    paths = paths or [_path(change) for change in outputs if change.kind in {"added", "removed"}]
    if not paths:
        return "the run differs"
    if len(paths) == 1:
        return f"{paths[0]} differs"
    return f"{_joined(paths, _MOST_PATHS)} differ"


def value_text(value: Json) -> str:
    if value is None:
        return "none"
    if value is True:
        return "set"
    text = value if isinstance(value, str) else ", ".join(map(value_text, value)) if isinstance(value, list) else str(value)
    text = " ".join(text.split()) if text.strip() else repr(text)
    return text if len(text) <= _LONGEST else text[:_LONGEST - 1] + "…"


def commit_text(history: CodeHistory, cause: Cause | None = None) -> str:
    """In which commits, and whether there were uncommitted changes."""
    texts = []
    if len(history.commits) == 1:
        texts.append(f'in commit {history.commits[0].hash[:_SHORT]} "{_cut(history.commits[0].subject)}"')
    elif history.commits:
        newest = history.commits[0]
        texts.append(f'in {len(history.commits)} commits, the latest {newest.hash[:_SHORT]} "{_cut(newest.subject)}"')
    if texts and history.back:
        texts[0] += ", which the second run does not have"
    if history.uncommitted:
        called = dict(zip("ab", names(cause.a, cause.b) if cause else "AB", strict=True))
        sides = [called[side] for side in history.uncommitted]
        texts.append(f"by uncommitted changes in {' and '.join(sides)}")
    return " and ".join(texts)


def _reason(cause: Cause, histories: Histories) -> str:
    makers = cause.makers or ((None, None),) * len(cause.changes)
    texts, alone = [], {"added": list[str](), "removed": list[str]()}
    for change, made in zip(cause.changes, makers, strict=True):
        if isinstance(change, FileChange) or change.kind not in alone:
            texts.append(_change(cause, change, made, histories))
        else:
            value = change.b if change.kind == "added" else change.a
            alone[change.kind].append(change.name if value is True else f"{change.name} {value_text(value)}")
    name_a, name_b = names(cause.a, cause.b)
    for kind, name in (("added", name_b), ("removed", name_a)):
        if alone[kind]:
            texts.append(f"{_joined(alone[kind])} {'is' if len(alone[kind]) == 1 else 'are'} only in {name}")
    return _joined(texts)


def _change(cause: Cause, change: Change, makers: tuple[Subject | None, Subject | None], histories: Histories) -> str:
    a, b = names(cause.a, cause.b)
    if not isinstance(change, FileChange):
        return f"{change.name} is {value_text(change.a)} → {value_text(change.b)}"
    if change.kind in {"added", "removed"}:
        return f"{_path(change)} was read only by {b if change.kind == 'added' else a}"
    if change.category == "packages":
        return f"{_path(change)} of {change.b.package if change.b else 'a package'} was changed in place"
    if change.category == "code" and other_names(change):
        return f"{_name(change.b)} ran in place of {_name(change.a)}"
    history = histories.get(change)
    how = f" {commit_text(history, cause)}" if history and (history.commits or history.uncommitted) else ""
    text = f"{_path(change)} changed{how}" if change.category != "machine" else f"{_path(change)} is another version"
    return text + _made(change, makers)


def _made(change: FileChange, makers: tuple[Subject | None, Subject | None]) -> str:
    if change.category != "inputs":
        return ""
    one, other = makers
    if one is None and other is None:
        return " (no recorded job made it)"
    if one is not None and other is not None:
        return f" (both made by {one.name})"
    first, second = (subject.name if subject else "no recorded job" for subject in makers)
    return f" ({first} made the first, {second} the second)"


def _verb(link: Link) -> str:
    return "does" if link.change.kind != "unknown" else "may do so"


def other_names(change: FileChange) -> bool:
    """Do the two sides have other names?"""
    return change.a is not None and change.b is not None and _name(change.a) != _name(change.b)


def _path(change: FileChange) -> str:
    path = change.path.decode("utf-8", "backslashreplace")
    before = change.path_in_a.decode("utf-8", "backslashreplace")
    return f"{before} → {path}" if before else path


def _name(entry: Entry | None) -> str:
    return entry.path.rpartition(b"/")[2].decode("utf-8", "backslashreplace") if entry is not None else ""


def _joined(texts: Sequence[str], most: int = _MOST) -> str:
    if len(texts) > most + 1:
        return f"{', '.join(texts[:most])} and {len(texts) - most} more"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST - 1] + "…"
