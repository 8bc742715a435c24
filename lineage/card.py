"""A page about where a file came from, in GitHub-flavoured Markdown (https://github.github.com/gfm/), to stand beside a model.

It says what was recorded, and where the record does not reach; it guesses nothing. Names and commands are other people's
text: they stand in code spans (section 6.3) or escaped, and never become markup.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lineage import wire
from lineage.document import dag_edges
from lineage.records import JobHead
from lineage.v1 import lineage_pb2

_MOST_ROWS = 100
_MOST_DRAWN = 40  # jobs
_LONGEST = 200  # characters of a command
_TICKS = re.compile("`+")
_MERMAID = re.compile(r"[^\w ./=:@,+%-]")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the card is about. ``base``: paths below it are shown without it. ``context``: that of the job that made it."""

    path: bytes
    hash: bytes
    size: int | None
    base: bytes
    context: Mapping[str, Any]
    maker: JobHead | None


def card(subject: Subject, graph: lineage_pb2.Graph, contexts: Mapping[bytes, Mapping[str, Any]]) -> str:
    """``graph``: the subject's ancestors. ``contexts``: by a job's run, as far as they are known."""
    heads = [wire.head_from(job) for job in graph.jobs]
    order = sorted(range(len(heads)), key=lambda at: (heads[at].started_at, heads[at].number))
    parts = [
        f"# Provenance of {_code(_below(subject.path, subject.base))}", "", *_summary(subject, heads, graph.truncated), "",
        *_drawing(graph, heads, order), *_jobs(heads, order, contexts), *_roots(graph, subject.base),
        *_surroundings(subject.context), "## Check it", "",
        "    b3sum <file>", "", f"prints `{subject.hash.hex()}` for this content. Where its record is at hand,",
        f"`roar lineage artifact:{subject.hash.hex()[:16]}` shows the whole of it.", ""]
    return "\n".join(parts)


def _summary(subject: Subject, heads: Sequence[JobHead], truncated: str) -> list[str]:
    lines = [f"- **Content** BLAKE3 `{subject.hash.hex()}`"
             + (f", {subject.size:,} bytes" if subject.size is not None else "")]
    maker = subject.maker
    if maker is None:
        return [*lines, "- **Made by** nothing that was recorded: it is a root, and what it was made of is not known."]
    lines.append(f"- **Made by** {_command(maker)} on {_when(maker)}, "
                 f"by {_plain(maker.user.name)} on {_plain(maker.host.name)} (job `{_short(maker)}`)")
    partial = [head for head in heads if not head.complete]
    if not partial:
        lines.append(f"- **Records** of all {len(heads)} jobs are complete: no file access of theirs was missed."
                     if len(heads) > 1 else "- **Record** complete: no file access of the job was missed.")
    for head in partial:
        reasons = "; ".join(_plain(reason.message) for reason in head.incomplete_reasons) or "it still runs"
        lines.append(f"- **Incomplete record** of job `{_short(head)}`: {reasons}")
    if truncated:
        lines.append(f"- **Not all of it**: the lineage was cut by a limit ({_plain(truncated)}).")
    return lines


def _drawing(graph: lineage_pb2.Graph, heads: Sequence[JobHead], order: Sequence[int]) -> list[str]:
    """Mermaid, which GitHub draws (https://mermaid.js.org/syntax/flowchart.html)."""
    if not 1 < len(heads) <= _MOST_DRAWN:
        return []
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'  j{at}["{_mermaid(_words(heads[at].argv), 40)}"]' for at in order]
    for edge in dag_edges(graph):
        names = sorted(graph.artifacts[artifact].path.rpartition(b"/")[2].decode("utf-8", "replace")
                       for artifact in edge.artifacts)
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        lines.append(f'  j{edge.source} -->|"{_mermaid(", ".join(names[:2]) + more, 60)}"| j{edge.target}')
    return [*lines, "```", ""]


def _jobs(heads: Sequence[JobHead], order: Sequence[int], contexts: Mapping[bytes, Mapping[str, Any]]) -> list[str]:
    if not heads:
        return []
    rows = []
    for at in order[-_MOST_ROWS:]:
        head = heads[at]
        git = contexts.get(head.run, {}).get("git") or {}
        commit = f"`{str(git['commit'])[:12]}`" if git.get("commit") else "not in git" if head.run in contexts else ""
        code = commit + (" with uncommitted changes" if git.get("dirty") else "")
        rows.append((f"`{_short(head)}`", _command(head), code, _when(head), _ended(head)))
    return ["## How it was made", "", *_table(("job", "command", "code", "began (UTC)", "ended"), rows),
            *_more(len(heads)), ""]


def _roots(graph: lineage_pb2.Graph, base: bytes) -> list[str]:
    roots = sorted((one for one in graph.artifacts if not one.produced and one.path), key=lambda one: (one.role, one.path))
    if not roots:
        return []
    rows = [(_code(_below(one.path, base)), one.role, f"{one.size:,}" if one.HasField("size") else "",
             f"`{one.hash.hex()}`" if one.hash else "not known") for one in roots[:_MOST_ROWS]]
    return ["## What it was made from", "", "Files that no recorded job made:", "",
            *_table(("file", "role", "bytes", "BLAKE3"), rows), *_more(len(roots)), ""]


def _surroundings(context: Mapping[str, Any]) -> list[str]:
    """Of the job that made it."""
    facts: list[tuple[str, str]] = []
    python = context.get("python") or {}
    if python.get("version"):
        facts.append(("Python", _plain(f"{python.get('implementation', '')} {python['version']}".strip())))
    hardware = context.get("hardware") or {}
    if hardware.get("cpu"):
        facts.append(("CPU", _plain(f"{hardware['cpu']}, {hardware.get('cores')} cores")))
    if hardware.get("memory"):
        facts.append(("Memory", f"{int(hardware['memory']) / 1e9:.0f} GB"))
    facts += [("GPU", _plain(" ".join(str(gpu.get(key) or "") for key in ("vendor", "name")).strip()))
              for gpu in hardware.get("gpus") or ()]
    packages = context.get("packages") or ()
    named = [f"{one['name']}=={one['version']}" for one in packages if one.get("name") and one.get("version")]
    if not facts and not named:
        return []
    lines = ["## What it ran on", "", *(f"- **{name}** {value}" for name, value in facts), ""]
    if named:
        lines += [f"<details><summary>{len(named)} packages that were read</summary>", "",
                  *(f"    {_line(name)}" for name in sorted(named)), "", "</details>", ""]
    return lines


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Section 4.10: a bar would end the cell, in code spans too."""
    return [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}",
            *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)]


def _more(count: int) -> list[str]:
    return ["", f"… and {count - _MOST_ROWS} more."] if count > _MOST_ROWS else []


def _below(path: bytes, base: bytes) -> str:
    root = base.rstrip(b"/") + b"/"
    return (path[len(root):] if base and path.startswith(root) else path).decode("utf-8", "replace")


def _words(argv: Sequence[bytes]) -> str:
    return shlex.join(word.decode("utf-8", "replace") for word in argv)


def _command(head: JobHead) -> str:
    words = _words(head.argv)
    return _code(words if len(words) <= _LONGEST else words[:_LONGEST - 1] + "…")


def _code(text: str) -> str:
    """A code span that the text cannot end."""
    line = _line(text)
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(line)), default=0))
    return f"{fence} {line} {fence}" if line[:1] in {"`", " "} or line[-1:] in {"`", " "} else f"{fence}{line}{fence}"


def _plain(text: str) -> str:
    """Text without markup: section 2.4 lets any ASCII punctuation be escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", _line(text))


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _mermaid(text: str, width: int) -> str:
    """Only characters that mean nothing to it."""
    return _MERMAID.sub(" ", text if len(text) <= width else text[:width - 1] + "…").strip() or "?"


def _short(head: JobHead) -> str:
    return (head.id or head.run).hex()[:12]


def _when(head: JobHead) -> str:
    return f"{datetime.fromtimestamp(head.started_at / 1e9, UTC):%Y-%m-%d %H:%M}"


def _ended(head: JobHead) -> str:
    if head.ended_at is None:
        return "still runs"
    if head.signal is not None:
        return f"signal {head.signal}"
    return "ok" if head.exit_code == 0 else f"exit {head.exit_code}"
