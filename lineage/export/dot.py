"""Graphviz: jobs are boxes, files ovals, arrows the way that content went (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from lineage.export.model import ELSEWHERE, File, Lineage, Node
from lineage.export.names import base_name, command_line

_LABEL_WIDTH = 60


def document(lineage: Lineage) -> str:
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="Helvetica", fontsize=10];']
    if lineage.truncated:
        lines.append(f"  label={_quoted(f'not everything: the limit of {lineage.truncated} was reached')};")
    lines += [_job(at, node) for at, node in enumerate(lineage.nodes)]
    lines += [_file(at, file, lineage) for at, file in enumerate(lineage.files)]
    for at, node in enumerate(lineage.nodes):
        lines += [f"  f{use} -> j{at};" for use in dict.fromkeys(use.file for use in node.inputs)]
        lines += [f"  j{at} -> f{use};" for use in dict.fromkeys(use.file for use in node.outputs)]
    return "\n".join([*lines, "}"]) + "\n"


def _job(at: int, node: Node) -> str:
    head = node.job.head
    command = command_line(head) or "?"
    if len(command) > _LABEL_WIDTH:
        command = command[:_LABEL_WIDTH - 1] + "…"
    name = head.id.hex()[:7] if head.id is not None else "running"
    wrong = head.signal is not None or head.exit_code not in {0, None}
    style = ', color="red"' if wrong else ""
    style += "" if head.complete else ', style="dashed"'
    return f"  j{at} [shape=box, label={_quoted(command)}, tooltip={_quoted(f'job {name}')}{style}];"


def _file(at: int, file: File, lineage: Lineage) -> str:
    digest = file.hash.hex()[:8] if file.hash is not None else "content unknown"
    style = ', style="bold"' if lineage.kind == "artifact" and file.hash == lineage.id else ""
    if file.maker == ELSEWHERE:
        style = ', style="dotted"'
    label = f"{base_name(file.path)}\n{digest}"
    return f"  f{at} [shape=ellipse, label={_quoted(label)}, tooltip={_quoted(_shown(file))}{style}];"


def _shown(file: File) -> str:
    return file.path.decode("utf-8", "backslashreplace")


def _quoted(text: str) -> str:
    r"""A double-quoted string: there, a backslash escapes, and \N, \G and the like mean something."""
    text = "".join(character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}"
                   for character in text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
