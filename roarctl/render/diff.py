"""A comparison for people: what differs, in the order that explains most, and at the end why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lineage.compare import answerdocument
from lineage.compare.document import (
    differing,
)
from lineage.compare.model import CATEGORIES, Category, Change, FileChange, Subject, ValueChange, counts
from lineage.compare.sentences import cause_text
from lineage.records import SHOWN_ROLES, JobHead
from roarctl.comparing import Answer, Artifact
from roarctl.evidence import Evidence
from roarctl.render.changes import diff_of_code, file_row, not_compared, value_lines, value_row
from roarctl.render.text import (
    JOB_DIGITS,
    Palette,
    command_text,
    count_text,
    hash_text,
    path_text,
    printable,
    size_text,
    table,
)

_COMMAND_WIDTH = 60
_MOST_ROWS = 20  # of a category
_MOST_CAUSES = 8
_CODE_LINES, _CAUSE_LINES = 60, 24  # of a diff
_MOST_COMMITS = 8
_TITLES: dict[Category, str] = {"outcome": "ended", "context": "other context"}


class Options:
    """``everything``: incidental values, all roles, all rows; ``summary``: counts and causes alone; ``session``: the current
    one, whose jobs are called @3; ``project``: the directory that paths are told below."""

    def __init__(self, *, everything: bool = False, summary: bool = False, code: bool = True,
                 session: bytes = b"", project: bytes = b"") -> None:
        self.session = session
        self.project = project
        self.everything = everything
        self.summary = summary
        self.code = code and not summary


def diff_document(answer: Answer, evidence: Evidence) -> dict[str, Any]:
    """`roar.diff/1`."""
    values = {change: (one.deltas, one.absent) for change, one in evidence.values.items()}
    return answerdocument.diff_document(answer, evidence.range, evidence.histories, values)


def diff_lines(answer: Answer, evidence: Evidence, palette: Palette, options: Options) -> list[str]:
    page = _Page(answer, evidence, palette, options)
    lines = page.title()
    if answer.kind == "session":
        lines += page.session()
    elif options.summary:
        lines += page.counts()
    else:
        lines += page.sections()
    return [*lines, *page.notes(), *page.why(), *page.ending()]


class _Page:
    def __init__(self, answer: Answer, evidence: Evidence, palette: Palette, options: Options) -> None:
        self._answer = answer
        self._evidence = evidence
        self._palette = palette
        self._options = options

    def title(self) -> list[str]:
        answer = self._answer
        if answer.artifacts is not None:
            rows = [self._artifact(one, side) for one, side in zip(answer.artifacts, "AB", strict=True)]
        elif answer.sessions is not None:
            rows = [[side, f"session {self._palette.yellow(one.id.hex()[:JOB_DIGITS])}", count_text(one.jobs, "job"),
                     f"{printable(one.project)} ({printable(one.user.name)} on {printable(one.host.name)})"]
                    for one, side in zip(answer.sessions, "AB", strict=True)]
        else:
            assert answer.comparison is not None
            rows = [[side, self._subject(one), command_text(one.argv, _COMMAND_WIDTH), self._where(one)]
                    for one, side in ((answer.comparison.a, "A"), (answer.comparison.b, "B"))]
        return table(rows)

    def _artifact(self, one: Artifact, side: str) -> list[str]:
        maker = f"← {self._subject(one.maker)}  {command_text(one.maker.argv, 40)}" if one.maker else "← no recorded job"
        path = path_text(one.path, self._options.project)
        return [side, path, self._palette.dim(hash_text(one.hash)), size_text(one.size), maker]

    def _subject(self, subject: Subject) -> str:
        identity = subject.job.head.id
        return f"{subject.name} {self._palette.yellow(identity.hex()[:JOB_DIGITS] if identity else 'running')}"

    def _where(self, subject: Subject) -> str:
        """The project, where the two are not of one."""
        assert self._answer.comparison is not None
        a, b = self._answer.comparison.a.job.head, self._answer.comparison.b.job.head
        return "" if a.project == b.project else self._palette.dim(f"in {printable(subject.job.head.project)}")

    def counts(self) -> list[str]:
        """One line: how much differs in which category."""
        comparison = self._answer.comparison
        if comparison is None:
            return []
        found = [(category, sum(map(self._shown, comparison.of(category)))) for category in CATEGORIES]
        texts = [f"{_TITLES.get(category, category)} ({number})" for category, number in found if number]
        return [f"differs in: {', '.join(texts)}"] if texts else []

    def sections(self) -> list[str]:
        comparison = self._answer.comparison
        lines: list[str] = []
        if comparison is None:
            rows = [line for change in self._answer.changes if isinstance(change, FileChange) for line in self._values(change)]
            return ["values", *rows] if rows else []
        for category in CATEGORIES:
            found = comparison.of(category)
            if category == "outputs" and self._answer.artifacts is not None:
                found = self._answer.changes  # what else their makers made was not asked about
            changes = [change for change in found if self._shown(change)]
            hidden = len(found) - len(changes)
            body = self._commits() if category == "code" else []
            body += self._rows(changes)
            if category == "code":
                body += [line for change in changes if isinstance(change, FileChange)
                         for line in self._diff(change, _CODE_LINES)]
            if hidden and (body or category in {"environment", "machine"}):
                body.append(self._palette.dim(f"{hidden} more that usually mean{'s' * (hidden == 1)} nothing: --all"))
            if body and (changes or category == "code" or self._options.everything):
                lines += [self._palette.bold(_TITLES.get(category, category)), *(f"  {line}" for line in body)]
        return lines

    def _shown(self, change: Change) -> bool:
        if self._options.everything:
            return True
        if isinstance(change, ValueChange):
            return not change.incidental
        if change.category in {"packages", "machine"}:
            return True
        roles = SHOWN_ROLES | {"config"}
        return any(entry is not None and entry.role in roles for entry in (change.a, change.b))

    def _rows(self, changes: Sequence[Change]) -> list[str]:
        most = len(changes) if self._options.everything else _MOST_ROWS
        values = table([value_row(change, self._palette) for change in changes[:most] if isinstance(change, ValueChange)])
        files = [change for change in changes[:most] if isinstance(change, FileChange)]
        lines = values + [line for row, change in zip(self._files(files), files, strict=True)
                          for line in (row, *(f"  {value}" for value in self._values(change)))]
        if len(changes) > most:
            lines.append(self._palette.dim(f"… {len(changes) - most} more: --all"))
        return lines

    def _files(self, changes: Sequence[FileChange]) -> list[str]:
        return table([file_row(change, self._evidence.histories.get(change), self._palette) for change in changes])

    def _values(self, change: FileChange) -> list[str]:
        values = self._evidence.values.get(change)
        if values is None:
            return []
        return value_lines(values, self._palette, None if self._options.everything else _MOST_ROWS)

    def _commits(self) -> list[str]:
        commits = self._evidence.range
        if commits is None:
            return []
        title = f"{commits.a[:JOB_DIGITS]} → {commits.b[:JOB_DIGITS]}"
        if commits.absent:
            return [f"{title}  {self._palette.dim(printable(commits.absent))}"]
        more = "more than " if commits.more else ""
        lines = [f"{title}  {more}{count_text(len(commits.only_b), 'commit')}, {count_text(len(commits.files), 'file')} changed"
                 if not commits.only_a else
                 f"{title}  {count_text(len(commits.only_a), 'commit')} only in A, {len(commits.only_b)} only in B, "
                 f"{count_text(len(commits.files), 'file')} changed"]
        for sign, found in (("-", commits.only_a), ("+" if commits.only_a else " ", commits.only_b)):
            lines += [f"{sign} {self._palette.yellow(one.hash[:JOB_DIGITS])} {printable(one.subject)} "
                      f"{self._palette.dim(f'({printable(one.author)})')}" for one in found[:_MOST_COMMITS]]
            if len(found) > _MOST_COMMITS:
                lines.append(self._palette.dim(f"  … {len(found) - _MOST_COMMITS} more"))
        comparison = self._answer.comparison
        if commits.files and comparison is not None and not comparison.files("code"):
            lines.append(self._palette.dim("what these jobs read of it is the same in both"))
        return lines

    def _diff(self, change: FileChange, most: int) -> list[str]:
        history = self._evidence.histories.get(change)
        if history is None or not self._options.code:
            return []
        return diff_of_code(history, self._palette, 0 if self._options.everything else most)

    def session(self) -> list[str]:
        rows = []
        for pair, compared in self._answer.pairs:
            if compared is not None and not compared.differs and not self._options.everything:
                continue
            head = pair.b or pair.a
            assert head is not None
            if compared is None:
                word = self._palette.green("only in B") if pair.a is None else self._palette.red("only in A")
            elif compared.a.running or compared.b.running:
                word = "still runs"
            else:
                word = ", ".join(_TITLES.get(category, category) for category in differing(compared)) or "same"  # type: ignore[call-overload]
            rows.append([_number(pair.a), "→", _number(pair.b), command_text(head.argv, _COMMAND_WIDTH), word])
        same = sum(compared is not None and not compared.differs for _, compared in self._answer.pairs)
        lines = [f"  {line}" for line in table(rows)]
        if same and not self._options.everything:
            lines.append(self._palette.dim(f"  {count_text(same, 'job')} the same in both"))
        return lines

    def notes(self) -> list[str]:
        return [self._palette.yellow(f"! {printable(note)}") for note in self._answer.notes]

    def why(self) -> list[str]:
        causes = self._answer.causes.found
        if not causes:
            return []
        lines = [self._palette.bold("why")]
        shown = causes if self._options.everything else causes[:_MOST_CAUSES]
        for at, cause in enumerate(shown, 1):
            lead = f"{at}. " if len(causes) > 1 else ""
            lines.append(f"  {lead}{printable(cause_text(cause, self._evidence.histories, self._answer.top(cause)))}")
            if cause.category == "nondeterminism":
                lines += [f"     {self._palette.dim(text)}" for text in not_compared(cause)]
            for change in cause.changes:
                if isinstance(change, FileChange) and change.category == "code" and cause.chain:
                    lines += [f"     {line}" for line in self._diff(change, _CAUSE_LINES)]
        if len(causes) > len(shown):
            lines.append(self._palette.dim(f"  … {len(causes) - len(shown)} more: --all"))
        return lines

    def ending(self) -> list[str]:
        answer = self._answer
        if answer.same:
            return [_same_text(answer)]
        deeper = next((cause for cause in answer.causes.found if cause.chain), None)
        if deeper is None and answer.kind == "session":
            deeper = next(iter(answer.causes.found), None)
        if deeper is not None:
            return [self._palette.dim(f"next: roar diff {self._reference(deeper.a)} {self._reference(deeper.b)}")]
        if answer.artifacts is not None and answer.comparison is not None:
            a, b = answer.comparison.a, answer.comparison.b
            return [self._palette.dim(f"next: roar diff {self._reference(a)} {self._reference(b)}")]
        if answer.artifacts is not None:
            made = next((one.maker for one in answer.artifacts if one.maker is not None), None)
            return [self._palette.dim(f"next: roar show {self._reference(made)}")] if made is not None else []
        if answer.comparison is not None and not answer.comparison.differs:
            return ["the same as far as it can be compared"]
        outputs = answer.comparison is not None and any(map(counts, answer.comparison.of("outputs")))
        if answer.comparison is not None and not outputs and answer.comparison.b.outputs:
            return ["the outputs are the same all the same"]
        return []


    def _reference(self, subject: Subject) -> str:
        """One that can be typed here."""
        head = subject.job.head
        if head.id is None or head.session == self._options.session:
            return subject.name
        return f"job:{head.id.hex()[:JOB_DIGITS]}" + (f"/{subject.step.index}" if subject.step is not None else "")


def _number(head: JobHead | None) -> str:
    return f"@{head.number}" if head is not None else "-"


def _same_text(answer: Answer) -> str:
    if answer.kind == "artifact":
        return "the same content"
    incomplete: Iterable[Subject] = answer.subjects or ()
    limits = ", as far as their records go" if any(subject.missing for subject in incomplete) else ""
    return f"the same: code, parameters, inputs, packages, environment, machine and outputs{limits}"
