"""The lines of single differences: values, files, diffs, and what could not be compared."""

from __future__ import annotations

from collections.abc import Callable

from lineage.compare.metrics import Delta
from lineage.compare.model import Cause, CodeHistory, FileChange, ValueChange
from lineage.compare.sentences import commit_text, value_text
from lineage.records import Entry
from roarctl.evidence import Values
from roarctl.render.text import Palette, count_text, hash_text, printable, size_text, table


def value_row(change: ValueChange, palette: Palette) -> list[str]:
    """name, what it was and is"""
    before = printable(value_text(change.a)) if change.kind != "added" else "-"
    after = printable(value_text(change.b)) if change.kind != "removed" else "-"
    return [printable(change.name), f"{palette.red(before)} → {palette.green(after)}"]


def file_row(change: FileChange, history: CodeHistory | None, palette: Palette) -> list[str]:
    """path, hashes, sizes, notes"""
    path = printable(change.path)
    if change.kind in {"added", "removed"}:
        entry = change.b or change.a
        assert entry is not None
        side = "B" if change.kind == "added" else "A"
        return [path, palette.dim(hash_text(entry.hash)), size_text(entry.size), f"only in {side}"]
    a, b = change.a, change.b
    assert a is not None
    assert b is not None
    if change.kind == "moved":
        note = f"equal content, in A at {printable(a.path)}"
        return [path, palette.dim(hash_text(b.hash)), size_text(b.size), note]
    if change.path_in_a:
        path = f"{printable(change.path_in_a)} → {path}"
    sizes = " → ".join(dict.fromkeys((size_text(a.size), size_text(b.size))))
    note = ""
    if change.kind == "unknown":
        note = f"not known whether it differs: {printable(a.hash_reason or b.hash_reason)}"
    elif history is not None:
        note = printable(commit_text(history))
    elif change.category == "packages":
        note = f"{printable(b.package)}, changed in place"
    return [path, palette.dim(_hashes(a, b)), sizes, note]


def value_lines(values: Values, palette: Palette, most: int | None) -> list[str]:
    if values.absent:
        return [palette.dim(f"its values cannot be compared: {printable(values.absent)}")]
    if not values.deltas:
        return [palette.dim("the values are the same: it is only written differently")]
    rows = [[printable(one.name), printable(value_text(one.a)), "→", printable(value_text(one.b)), _delta_text(one, palette)]
            for one in values.deltas[:most]]
    lines = table(rows, frozenset({1}))
    if most is not None and len(values.deltas) > most:
        lines.append(palette.dim(f"… {len(values.deltas) - most} more: --all"))
    return lines


def _delta_text(one: Delta, palette: Palette) -> str:
    if one.delta is None:
        return ""
    share = f" ({100 * one.delta / abs(one.a):+.3g}%)" if isinstance(one.a, (int, float)) and one.a else ""
    return palette.bold(f"{one.delta:+.6g}") + palette.dim(share)


def diff_of_code(history: CodeHistory, palette: Palette, most: int) -> list[str]:
    colours: dict[str, Callable[[str], str]] = {"+": palette.green, "-": palette.red, "@": palette.dim}
    lines = [colours.get(line[:1], str)(printable(line.replace("\t", "    "))) for line in history.diff]
    if most and len(lines) > most:
        lines = [*lines[:most], palette.dim(f"… {len(lines) - most} more lines: --all")]
    if history.absent:
        lines.insert(0, palette.dim(f"no diff of the whole file: {printable(history.absent)}" if lines
                                    else f"no diff: {printable(history.absent)}"))
    return lines


def _hashes(a: Entry, b: Entry) -> str:
    return f"{hash_text(a.hash)} → {hash_text(b.hash)}"


def not_compared(cause: Cause) -> list[str]:
    """What could hide the reason: incomplete records, what has no hash, other machines, devices."""
    texts = []
    for subject in (cause.a, cause.b):
        texts += [f"{subject.name} is incomplete: {printable(text)}" for text in subject.missing]
        unhashed = [entry for entry in subject.inputs if entry.hash is None and entry.role in {"data", "source"}]
        if unhashed:
            files = count_text(len(unhashed), "file")
            texts.append(f"{subject.name} read {files} without a hash: {printable(unhashed[0].path)}")
        context = subject.job.context
        if context.get("network"):
            texts.append(f"{subject.name} used the network: what came from there is not compared")
        if context.get("gpus"):
            texts.append(f"{subject.name} used a GPU, whose sums may be added in another order each time")
    return [*texts, "not compared: the clock, random numbers without a seed, the order of threads"]
