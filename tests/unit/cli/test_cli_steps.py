"""A job's steps as people see them, and the lanes that all graphs are drawn in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stepped import exchanging, made, piped, rewritten, stepped, used

from lineage.records import Job
from lineage.steps import step_graph
from roarctl.render.jobs import job_lines, step_text
from roarctl.render.lanes import MOST_LANES, Edge, Node, graph_lines
from roarctl.render.steps import steps_lines
from roarctl.render.text import PLAIN


def drawn(job: Job, **options) -> list[str]:
    return steps_lines(job.head, step_graph(job, **options), PLAIN)


def test_shell_pipeline():
    assert drawn(piped()) == [
        "@3 7f3a9c1  bash pipeline.sh",
        "·  in pipeline.sh",
        "●  [0] bash pipeline.sh",
        "·  in in.csv",
        "●  [1] cut -f2 in.csv",
        "│  pipe → [2]",
        "●  [2] sort",
        "│  pipe → [3]",
        "●  [3] uniq -c",
        "   out out.csv",
    ]


def test_version_is_said_where_there_are_several():
    assert drawn(rewritten())[1:] == [
        "·  in in.csv",
        "●  [1] head in.csv",
        "│  x.tmp (1st version) → [2]",
        "●  [2] sort x.tmp",
        "   out first",
        "·  in in.csv",
        "●  [3] tail in.csv",
        "│  x.tmp (2nd version) → [4]",
        "●  [4] uniq x.tmp",
        "   out last",
    ]


def test_compilers_in_parallel():
    assert drawn(made(2))[1:] == [
        "·  in Makefile",
        "●  [0] make -j",
        "·  in 0.c, all.h",
        "●  [1] cc1 0.c",
        "│  cc000000.s → [2]",
        "●  [2] as 0.s",
        "│  0.o → [5]",
        "│ ·  in 1.c, all.h",
        "│ ●  [3] cc1 1.c",
        "│ │  cc000001.s → [4]",
        "│ ●  [4] as 1.s",
        "│ │  1.o → [5]",
        "●─╯  [5] ar rcs lib.a",
        "│    lib.a → [6]",
        "●  [6] ld -o program",
        "   out program",
    ]


def test_two_hundred_steps_can_be_read():
    lines = drawn(made(100))
    assert sum("●" in line for line in lines) == 203
    assert max(map(len, lines)) < 60
    assert lines[-5:] == [
        "·  0.o, 1.o, 2.o and 97 more ← [2], [4], [6] and 97 more",
        "●  [201] ar rcs lib.a",
        "│  lib.a → [202]",
        "●  [202] ld -o program",
        "   out program",
    ]


def test_steps_that_exchange_say_what_goes_back():
    assert drawn(exchanging())[1:] == [
        "●  [0] serve",
        "│  answer → [1]",
        "├─╮  answer → [2]",
        "● │  [1] ask",
        "│ │  question → [2]",
        "│ │  question → [0] above",
        "●─╯  [2] collect",
    ]


def test_file_changed_in_place_and_what_did_not_stay():
    job = stepped(["edit x", "rm y"], used("input", "/p/x", "0"), used("output", "/p/x", "0r 0w"),
                  used("scratch", "/p/a", "0w"), used("removed", "/p/y", "1w"))
    assert drawn(job)[1:] == ["·  in x", "●  [0] edit x", "   out x", "●  [1] rm y", "   out y (removed)"]
    assert "   out x, a (gone)" in drawn(job, roles=None)


def test_names_cannot_act_on_the_terminal():
    job = stepped(["a", "b"], used("scratch", b"/p/\xff\x1b[2J", "0w 1r"), used("pipe", "/p/fifo", "0w 1r", "data"))
    assert drawn(job)[2] == "│  fifo, \\xff\\x1b[2J → [1]"


@pytest.mark.parametrize(("argv", "executable", "text"), [
    ((b"/usr/lib/gcc/cc1", b"-quiet"), b"", "cc1 -quiet"), ((b"a b",), b"", "'a b'"), ((), b"/bin/x", "x"), ((), b"", "?")])
def test_step_by_its_command(argv, executable, text):
    assert step_text(replace(piped().steps[0], argv=argv, executable=executable)) == text


def test_step_says_how_it_failed():
    job = piped()
    failed = (replace(job.steps[1], exit_code=None, signal=13), replace(job.steps[3], exit_code=1))
    job = replace(job, steps=(job.steps[0], failed[0], job.steps[2], failed[1]))
    assert [line for line in drawn(job) if "cut" in line or "uniq" in line] == [
        "●  [1] cut -f2 in.csv  SIGPIPE", "●  [3] uniq -c  exit 1"]
    assert "    3 uniq -c exit 1 0.00s, reads 1, writes 1" in job_lines(job, PLAIN)


def test_nothing_to_draw():
    assert drawn(stepped(["true"]))[1] == "no step used a data or source file (--all: any file)"
    running = stepped([])
    assert drawn(replace(running, head=replace(running.head, id=None)))[1] == "it still runs: its steps are known when it ends"


def test_graph_that_was_cut_says_so():
    assert drawn(made(3), max_steps=2)[-1] == "! not everything: nodes"


def test_job_page_counts_what_each_step_used():
    lines = job_lines(piped(), PLAIN)
    assert lines[lines.index("steps: 4 (drawn by: roar dag @3 --steps)"):] == [
        "steps: 4 (drawn by: roar dag @3 --steps)",
        "  0 bash pipeline.sh 0.00s, reads 1",
        "    1 cut -f2 in.csv 0.00s, reads 1, writes 1",
        "    2 sort 0.00s, reads 1, writes 1",
        "    3 uniq -c 0.00s, reads 1, writes 1",
    ]
    assert "  0 bash pipeline.sh 0.00s, reads 2" in job_lines(piped(), PLAIN, everything=True)
    assert "steps: 2" in job_lines(stepped(["a", "b"]), PLAIN), "nothing to draw"


def fan(count: int, *, alike: bool = True) -> tuple[list[Node], list[Edge]]:
    """One gives to many, and they to one."""
    nodes = [Node(str(at), f"node {at}") for at in range(count + 2)]
    out = [Edge(0, at, ("x",) if alike else (f"x{at}",)) for at in range(1, count + 1)]
    return nodes, out + [Edge(at, count + 1, (f"y{at}",)) for at in range(1, count + 1)]


def test_wide_fan_is_said_in_words():
    nodes, edges = fan(20)
    lines = graph_lines(nodes, edges, PLAIN)
    assert lines[:4] == ["●  node 0", "   x → 1, 2, 3 and 17 more", "·  x ← 0", "●  node 1"]
    assert lines[-2:] == ["·  y1, y2, y3 and 17 more ← 1, 2, 3 and 17 more", "●  node 21"]
    assert graph_lines(*fan(20, alike=False), PLAIN)[1] == "   x1, x2, x3 and 17 more → 1, 2, 3 and 17 more"


def test_narrow_fan_has_lanes():
    lines = graph_lines(*fan(MOST_LANES), PLAIN)
    assert lines[-1].startswith("●─┴")
    assert not any("←" in line for line in lines)


@pytest.mark.parametrize("pairs", [MOST_LANES, 30])
def test_of_many_edges_at_once_the_longest_have_no_lanes(pairs):
    nodes = [Node(str(at), f"node {at}") for at in range(2 * pairs)]
    edges = [Edge(at, 2 * pairs - 1 - at, (f"x{at}",)) for at in range(pairs)]
    lines = graph_lines(nodes, edges, PLAIN)
    said = [line for line in lines if "←" in line]
    assert len(said) == max(0, pairs - MOST_LANES)
    assert f"│  x{pairs - 1} → {pairs}" in "\n".join(lines), "the shortest has one"
    assert sum("●" in line for line in lines) == 2 * pairs
    assert all(line.index("●") <= 2 * MOST_LANES for line in lines if "●" in line)
