"""Two executions compared: code, parameters, inputs, packages, environment, machine, outputs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lineage.compare.arguments import Arguments, compare_arguments, parse
from lineage.compare.files import Label, compare_files, labels
from lineage.compare.model import Change, Comparison, FileChange, Records, Subject, ValueChange, names
from lineage.compare.programs import compare_programs
from lineage.compare.values import compare_context, compare_packages, compare_system_files
from lineage.errors import NotFoundError
from lineage.records import Entry, Job
from lineage.steps import Version, job_versions

_COMPILED = re.compile(rb"(?P<directory>.*/)__pycache__/(?P<name>[^/]+)\.(?:cpython|pypy)[^./]*(?:\.opt-\d)?\.pyc")
_ONLY_COMPILED = "only its compiled form was read"
#: Reasons of the record that say which accesses are missing from it.
_MOST_NOTES = 20


def job_subject(job: Job) -> Subject:
    return Subject(job, None, job.head.argv, job.of_kind("input"), job.of_kind("output"), _missing(job))


def step_subject(job: Job, index: int) -> Subject:
    """NotFoundError if the job has no such step.  What a step took and made are versions of files: of those that were
    overwritten later, and of pipes, no hash is known."""
    step = next((step for step in job.steps if step.index == index), None)
    if step is None:
        count = len(job.steps)
        hint = f"its steps are 0 to {count - 1}: `roar dag @{job.head.number} --steps`" if count else "it still runs"
        raise NotFoundError(f"job @{job.head.number} has no step {index}", hint)
    versions = job_versions(job)
    return Subject(job, step, step.argv or (step.executable,),
                   tuple(_version_entry(version, "input") for version in versions if index in version.readers),
                   tuple(_version_entry(version, "output") for version in versions if index in version.writers), _missing(job))


def step_maker(subject: Subject, entry: Entry, versions: Iterable[Version]) -> Subject | None:
    """The step of the same job that wrote what a step took, where it is one step alone and not itself.  ``versions`` are
    the job's."""
    assert subject.step is not None
    index = subject.step.index
    for version in versions:
        if version.path == entry.path and index in version.readers and version.hash == entry.hash and version.number:
            writers = version.writers - {index}
            if len(writers) == 1:
                return step_subject(subject.job, next(iter(writers)))
    return None


def compare(a: Subject, b: Subject, records: Records) -> Comparison:
    """``records`` is asked which source a compiled Python module was made from."""
    head_a, head_b = a.job.head, b.job.head
    label_a, label_b = labels(head_a.project), labels(head_b.project)
    notes: list[str] = []
    arguments_a, arguments_b = parse(a.argv, head_a.project), parse(b.argv, head_b.project)
    parameters = compare_arguments(a.argv, b.argv, head_a.project, head_b.project)
    cwd_a, cwd_b = label_a(head_a.cwd + b"/"), label_b(head_b.cwd + b"/")
    if cwd_a != cwd_b:
        parameters.append(ValueChange("parameters", "working directory", "changed", _directory(cwd_a), _directory(cwd_b)))
    named = _named(parameters, head_a.cwd, head_b.cwd, label_a, label_b)
    changes: list[Change] = []
    if not (a.running or b.running):
        sources_a, sources_b = _sources(a, records), _sources(b, records)
        code = compare_files(sources_a, sources_b, "code", label_a, label_b, named)
        code = [change for change in code if not _same_by_git(change, a.job, b.job)]
        inputs = compare_files(_data(a.inputs), _data(b.inputs), "inputs", label_a, label_b, named, by_shape=True)
        outputs = compare_files(_made(a.outputs), _made(b.outputs), "outputs", label_a, label_b, named, by_shape=True)
        changes += [*code, *inputs, *outputs, *compare_packages(a.job, b.job), *compare_system_files(a.inputs, b.inputs)]
        context, missing = compare_context(a.job, b.job, *names(a, b))
        changes += context
        changes += _outcome(a, b)
        parameters += compare_programs(a, b)
        notes += missing
        parameters = [change._replace(names_file=_names_file(change, (*code, *inputs, *outputs), head_a.cwd,
                                                             head_b.cwd, label_a, label_b)) for change in parameters]
    changes += [change for change in parameters if not _same_script(change, arguments_a, arguments_b)]
    for name, subject in dict(zip(names(a, b), (a, b), strict=True)).items():
        notes += [f"{name}: {text}" for text in subject.missing]
    return Comparison(a, b, tuple(changes), tuple(notes[:_MOST_NOTES]))


def compiled_from(path: bytes) -> bytes | None:
    """The module that a compiled file in __pycache__ is of (PEP 3147)."""
    found = _COMPILED.fullmatch(path)
    return found["directory"] + found["name"] + b".py" if found else None


def _version_entry(version: Version, kind: Any) -> Entry:  # noqa: ANN401 - an EntryKind
    reason = "" if version.hash is not None else "it was overwritten or handed over inside the job"
    return Entry(kind, version.path, version.hash, reason, version.size, version.role, (), ())


def _missing(job: Job) -> tuple[str, ...]:
    if job.head.id is None:
        return ("it still runs: what it reads and writes is known when it ends",)
    return tuple(reason.message for reason in job.head.incomplete_reasons)


def _data(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.role in {"data", "config"} and entry.path.startswith(b"/")
            and not entry.path.endswith(b"/pyvenv.cfg") and b"/.git/" not in entry.path]


def _made(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.role in {"data", "source", "config"} and entry.path.startswith(b"/")]


def _sources(subject: Subject, records: Records) -> list[Entry]:
    """The code that it read; of modules that were read in compiled form alone, what they were compiled from."""
    found = [entry for entry in subject.inputs if entry.role == "source"]
    direct = {entry.path for entry in found}
    for entry in subject.inputs:
        path = compiled_from(entry.path) if entry.role == "temporary" else None
        if path is None or path in direct:
            continue
        maker = records.maker(subject.job, entry)
        source = next((one for one in maker.of_kind("input") if one.path == path), None) if maker else None
        found.append(source or Entry("input", path, None, _ONLY_COMPILED, None, "source", (), ()))
    return found


def _same_by_git(change: FileChange, a: Job, b: Job) -> bool:
    """Of a module that was read in compiled form alone: both jobs ran the same commit, with no change to it."""
    if change.a is None or change.b is None or _ONLY_COMPILED not in {change.a.hash_reason, change.b.hash_reason}:
        return False
    one, other = a.context.get("git") or {}, b.context.get("git") or {}
    if not one.get("commit") or one.get("commit") != other.get("commit"):
        return False
    for git, entry in ((one, change.a), (other, change.b)):
        relative = os.fsdecode(entry.path).removeprefix(f"{git.get('root')}/")
        untracked = any(relative == name or (name.endswith("/") and relative.startswith(name))
                        for name in git.get("untracked") or ())
        if git.get("diff") is None or git.get("diff_truncated") or git.get("untracked_truncated") or untracked \
                or f"b/{relative}\n" in git["diff"]:
            return False
    return True


def _named(parameters: Iterable[ValueChange], cwd_a: bytes, cwd_b: bytes, label_a: Label, label_b: Label) -> dict[bytes, bytes]:
    """What each changed parameter could name as a file on both sides: A's label → B's."""
    return {label_a(_path(cwd_a, change.a)): label_b(_path(cwd_b, change.b)) for change in parameters
            if isinstance(change.a, str) and isinstance(change.b, str) and change.a and change.b}


def _names_file(change: ValueChange, files: Iterable[FileChange], cwd_a: bytes, cwd_b: bytes, label_a: Label,
                label_b: Label) -> bool:
    """Does it only say where a file is that both sides have?  What one side leaves out has a default."""
    one = label_a(_path(cwd_a, change.a)) if isinstance(change.a, str) else None
    other = label_b(_path(cwd_b, change.b)) if isinstance(change.b, str) else None
    if one is None and other is None:
        return False
    return any(one in {None, label_a(file.a.path)} and other in {None, label_b(file.b.path)}
               and label_a(file.a.path) != label_b(file.b.path)
               for file in files if file.a is not None and file.b is not None)


def _path(cwd: bytes, value: object) -> bytes:
    return os.path.normpath(os.path.join(cwd, os.fsencode(str(value)))) if "\0" not in str(value) else b""


def _same_script(change: ValueChange, a: Arguments, b: Arguments) -> bool:
    """`./train.py` and `train.py` are the same script."""
    return change.name == "script" and os.path.normpath(a.script) == os.path.normpath(b.script)


def _directory(label: bytes) -> str:
    return label.decode("utf-8", "backslashreplace").rstrip("/") or "."


def _outcome(a: Subject, b: Subject) -> list[ValueChange]:
    def ended(subject: Subject) -> Mapping[str, Any]:
        of = subject.step if subject.step is not None else subject.job.head
        return {"exit code": of.exit_code, "signal": of.signal}

    before, after = ended(a), ended(b)
    return [ValueChange("outcome", name, "added" if before[name] is None else "removed" if after[name] is None else "changed",
                        before[name], after[name]) for name in before if before[name] != after[name]]
