"""What people see."""

from __future__ import annotations

import re

import pytest
from samples import BEGAN, SESSION, STEP, entry, graph_head, incomplete, job, pipeline

from lineage import wire
from lineage.dag import Dag
from lineage.ids import counts_of
from lineage.records import Entry, Job
from lineage.v1 import admin_pb2, lineage_pb2, observe_pb2, records_pb2
from roarctl.freshness import Checked
from roarctl.references import Target
from roarctl.render.artifacts import artifact_lines
from roarctl.render.dag import artifact_lines as dag_artifact_lines
from roarctl.render.dag import dag_lines
from roarctl.render.jobs import job_lines, log_lines, session_lines
from roarctl.render.lanes import Edge, drawing_order
from roarctl.render.outbox import Wish, outbox_lines
from roarctl.render.outbox import status_lines as outbox_status
from roarctl.render.pictures import artifacts_picture, jobs_picture
from roarctl.render.status import status_lines
from roarctl.render.summary import MOST_LINES, summary
from roarctl.render.text import (
    PLAIN,
    Palette,
    command_text,
    duration_text,
    ordinal,
    path_text,
    printable,
    program_text,
    size_text,
    table,
    when_text,
)
from roarctl.render.tree import tree_lines

NO_OUTBOX = admin_pb2.OutboxResponse(forward="never"), Wish(asked=False, registry="")
MODEL = entry("output", b"/p/model.pt", b"\x9e\x41\xc0\x7d" * 8, size=412_000_000)
DATA = entry("input", b"/p/data.parquet", b"\x1c\x77\xaa\x20" * 8, size=1_200_000_000)


def finished(whole: Job, origins=(), final=True, pending="") -> observe_pb2.FinishResponse:
    return observe_pb2.FinishResponse(final=final, pending=pending, job=wire.job_to(whole), origins=origins,
                                      entries=[wire.entry_to(each) for each in whole.entries])


def test_summary_as_people_know_it():
    prep = job(argv=(b"python", b"prep.py"), number=2, id=b"\x5b\x20\xe1\x1f" * 8)
    whole = job([MODEL, DATA], {"packages": [{"name": "numpy"}] * 61},
                **incomplete("1 input changed while being read: c.idx"))
    origin = observe_pb2.Origin(hash=DATA.hash, path=DATA.path, job=wire.head_to(prep.head))
    assert summary(finished(whole, [origin]), 3, b"/p", PLAIN) == [
        "roar: job @3 7f3a9c1 ok in 3m12s · 1 input · 1 output · 61 packages",
        "  out model.pt      9e41c07d  412 MB",
        "  in  data.parquet  1c77aa20  1.2 GB  ← @2 5b20e11 (prep.py)",
        "  ! incomplete: 1 input changed while being read: c.idx",
        "  next: roar lineage model.pt",
    ]


@pytest.mark.parametrize("outputs", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("inputs", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("warnings", [0, 1, 2])
def test_summary_is_never_longer_and_loses_nothing_silently(outputs, inputs, warnings):
    entries = [entry("output", b"/p/%d" % at) for at in range(outputs)]
    entries += [entry("input", b"/p/%d" % at) for at in range(inputs)]
    fields = incomplete("a", "b") if warnings else {}
    lines = summary(finished(job(entries, {"git": {"dirty": True}} if warnings > 1 else {}, **fields)), 3, b"/p", PLAIN)
    assert len(lines) <= MOST_LINES
    assert lines[-1].startswith("  next: ")
    for word, count in (("out", outputs), ("in", inputs)):
        sets = (re.search(r"(\d+) files", line) for line in lines if line.split()[0] == word)
        shown = sum(int(found[1]) if found else 1 for found in sets)
        more = sum(int(number) for line in lines for number in re.findall(rf"(\d+) more {word}\b", line))
        assert shown + more == count
        assert shown or not count


def test_summary_counts_what_the_answer_left_out():
    """At most 200 entries come with the answer; the counts are of all."""
    whole = job([MODEL], counts={"output": 900, "output/shown": 900})
    lines = summary(finished(whole), 3, b"/p", PLAIN)
    assert "900 outputs" in lines[0]
    assert "  … 899 more out" in lines


def test_summary_has_the_projects_files_first():
    """What stderr was sent to is an output too, but not what the run was for."""
    whole = job([entry("output", b"/a/log"), entry("output", b"/p/z")])
    lines = summary(finished(whole), 3, b"/p", PLAIN)
    assert [line.split()[1] for line in lines[1:3]] == ["z", "/a/log"]
    assert lines[-1] == "  next: roar lineage z"


def test_summary_of_a_job_that_is_not_final():
    whole = job(id=None, ended_at=None, exit_code=0)
    lines = summary(finished(whole, final=False, pending="2 processes are still running"), 3, b"/p", PLAIN)
    assert lines[1:] == ["  ! 2 processes are still running", "  next: roar show @3"]
    answer = observe_pb2.FinishResponse(pending="2 processes are still running")
    assert summary(answer, 3, b"/p", PLAIN) == ["roar: job @3: 2 processes are still running", "  next: roar show @3"]


@pytest.mark.parametrize(("fields", "words"), [
    ({"exit_code": 2}, "failed with 2"), ({"exit_code": None, "signal": 9}, "killed by SIGKILL"),
    ({"exit_code": None, "signal": 2, "interrupted": True}, "interrupted by SIGINT")])
def test_summary_says_how_it_ended(fields, words):
    assert words in summary(finished(job(**fields)), 3, b"/p", PLAIN)[0]


def test_dirty_tree_is_a_warning():
    lines = summary(finished(job([MODEL], {"git": {"dirty": True}})), 3, b"/p", PLAIN)
    assert "  ! uncommitted changes: recorded with their diff" in lines


def test_paths_cannot_act_on_the_terminal():
    bad = entry("output", b"/p/\x1b[2J\n\xff\xe2\x80\xae")
    assert "\\x1b[2J\\n\\xff\\u202e" in summary(finished(job([bad])), 3, b"/p", PLAIN)[1]


def test_colours_are_only_there_when_wanted():
    lines = summary(finished(job([MODEL])), 3, b"/p", Palette(enabled=True))
    assert "\x1b[32mok\x1b[0m" in lines[0]
    assert "\x1b" not in "".join(summary(finished(job([MODEL])), 3, b"/p", PLAIN))


def test_dag_is_drawn_from_top_to_bottom():
    assert dag_lines(pipeline(), PLAIN) == [
        "·  in prep.py, raw.csv",
        "●  @1 0101010  python prep.py",
        "│  clean.parquet → @2",
        "├─╮  clean.parquet → @6",
        "● │  @2 0202020  python split.py",
        "│ │  train.parquet → @3",
        "├─┼─╮  test.parquet → @5",
        "● │ │  @3 0303030  python train.py",
        "│ │ │  model.pt → @5",
        "│ │ │ ●  @4 0404040  ls  failed with 2",
        "│ │ │  in raw.csv",
        "●─┼─╯  @5 0505050  python eval.py",
        "  │    out report.html",
        "  ●  @6 0606060  cp clean.parquet copy",
        "     out clean.parquet",
    ]


def ring() -> lineage_pb2.Graph:
    """@1 began first and read what @2 wrote; @3 and @4 overlapped and read each other's; @5 read of both."""
    graph = lineage_pb2.Graph(jobs=[graph_head(number, "job") for number in range(1, 6)])
    for name in (b"two", b"three", b"four"):
        graph.artifacts.add(hash=name.ljust(32), path=b"/p/" + name, size=1, role="data", produced=True)
    for writer, artifact in ((1, 0), (2, 1), (3, 2)):
        graph.edges.add(job=writer, artifact=artifact, output=True)
    for reader, artifact, maker in ((0, 0, 1), (2, 2, 3), (3, 1, 2), (4, 1, 2), (4, 2, 3)):
        graph.edges.add(job=reader, artifact=artifact, maker=maker)
    return graph


def test_dag_of_jobs_that_overlapped_has_makers_first_and_says_what_goes_back():
    assert dag_lines(ring(), PLAIN) == [
        "●  @2 0202020  job",
        "│  two → @1",
        "●  @1 0101010  job",
        "●  @3 0303030  job",
        "│  three → @4",
        "├─╮  three → @5",
        "● │  @4 0404040  job",
        "│ │  four → @5",
        "│ │  four → @3 above",
        "●─╯  @5 0505050  job",
    ]


def sweep(count: int, **changed: int) -> lineage_pb2.Graph:
    """One job makes data, ``count`` train on it with other values and leave a model each."""
    graph = lineage_pb2.Graph(jobs=[graph_head(1, "python", "prep.py")])
    graph.artifacts.add(hash=b"d" * 32, path=b"/p/data", produced=True)
    graph.edges.add(job=0, artifact=0, output=True)
    for at in range(1, count + 1):
        graph.jobs.append(graph_head(at + 1, "python", "train.py", "--lr", f"0.{at}", code=int(at == changed.get("failed"))))
        graph.artifacts.add(hash=bytes([at]) * 32, path=b"/p/model-%d" % at, produced=True)
        graph.edges.add(job=at, artifact=0, maker=0)
        graph.edges.add(job=at, artifact=at, output=True)
    return graph


def test_dag_of_a_sweep_says_once_what_was_done_often():
    assert dag_lines(sweep(200, failed=7), PLAIN) == [
        "●  @1 0101010  python prep.py",
        "│  data → @2…@201",
        "●  @2 … @201  200 jobs like  python train.py --lr 0.1  1 failed",
        "   out model-1, model-10, model-100 and 197 more",
    ]
    assert len(dag_lines(sweep(200), PLAIN, fold=False)) > 200
    assert sum("python train.py" in line for line in dag_lines(sweep(20), PLAIN)) == 20, "a few are all there"


def test_dag_keeps_apart_what_others_took_from():
    graph = sweep(40)
    graph.jobs.append(graph_head(42, "python", "eval.py"))
    graph.edges.add(job=41, artifact=17, maker=17)
    lines = dag_lines(graph, PLAIN)
    assert any("39 jobs like" in line for line in lines)
    assert any("@18 " in line and "python train.py --lr 0.17" in line for line in lines)


def test_dag_with_artifacts_has_a_line_for_each():
    lines = dag_artifact_lines(pipeline(), PLAIN, b"/p")
    assert "▫  raw.csv  64646464  1 B" in lines
    assert sum("●" in line for line in lines) == 6
    assert sum("▫" in line for line in lines) == 7


def test_pictures_show_what_the_drawings_say():
    whole = pipeline()
    jobs = jobs_picture(whole, "t")
    assert [node.title for node in jobs.nodes] == [f"@{at} {str(at).zfill(2) * 3}{0}" for at in range(1, 7)]
    assert {(edge.source, edge.target, edge.label) for edge in jobs.edges} == {
        (0, 1, "clean.parquet"), (1, 2, "train.parquet"), (2, 4, "model.pt"), (1, 4, "test.parquet"), (0, 5, "clean.parquet")}
    assert [node.look for node in jobs.nodes] == ["", "", "", "failed", "", ""]
    everything = artifacts_picture(whole, "t")
    assert {node.title: node.look for node in everything.nodes if node.kind == "artifact"} == {
        "raw.csv": "root", "clean.parquet": "", "train.parquet": "", "test.parquet": "", "model.pt": "",
        "report.html": "end", "prep.py": "root"}
    assert len(everything.edges) == len(whole.edges)


@pytest.mark.parametrize("jobs", [1, 2, 3, 40])
def test_dag_where_everyone_took_from_everyone_comes_to_an_end(jobs):
    edges = [Edge(source, target, ("a",)) for source in range(jobs) for target in range(jobs)]
    assert drawing_order(jobs, edges) == list(range(jobs))
    graph = lineage_pb2.Graph(jobs=[graph_head(number + 1, "job") for number in range(jobs)])
    graph.artifacts.add(hash=b"a" * 32, path=b"/p/a", produced=True)
    for at in range(jobs):
        graph.edges.add(job=at, artifact=0, output=True)
        graph.edges.add(job=at, artifact=0, maker=(at + 1) % jobs)
    assert sum("@" in line and "●" in line for line in dag_lines(graph, PLAIN)) == jobs


def test_lineage_in_a_ring_comes_to_an_end():
    up = tree_lines(ring(), Target("job", b"\x05" * 32), {}, b"/p", PLAIN, down=False)
    assert up == [
        "@5 0505050  job",
        "├─ four  666f7572  1 B  ← @4 0404040  job",
        "│  └─ three  74687265  1 B  ← @3 0303030  job",
        "│     └─ four  666f7572  1 B  ← @4 0404040  job  (shown above)",
        "└─ three  74687265  1 B  ← @3 0303030  job  (shown above)",
    ]
    assert tree_lines(ring(), Target("job", b"\x03" * 32), {}, b"/p", PLAIN, down=True) == [
        "→ @3 0303030  job",
        "└─ three  74687265  1 B",
        "   ├─ → @4 0404040  job",
        "   │  └─ four  666f7572  1 B",
        "   │     ├─ → @3 0303030  job  (shown above)",
        "   │     └─ → @5 0505050  job",
        "   └─ → @5 0505050  job",
    ]


def test_lineage_takes_the_daemons_word_for_who_made_what():
    """@1 took what the later @2 wrote."""
    assert tree_lines(ring(), Target("job", b"\x01" * 32), {}, b"/p", PLAIN, down=False) == [
        "@1 0101010  job", "└─ two  74776f20  1 B  ← @2 0202020  job"]


def test_lineage_goes_up_to_the_roots():
    target = Target("artifact", bytes([105]) * 32, b"/p/report.html")
    assert tree_lines(pipeline(), target, {b"\x03" * 16: "abc1234+changes"}, b"/p", PLAIN, down=False) == [
        "report.html  69696969  100 kB  ← @5 0505050  python eval.py",
        "├─ model.pt  68686868  10 kB  ← @3 0303030  python train.py  git abc1234+changes",
        "│  └─ train.parquet  66666666  100 B  ← @2 0202020  python split.py",
        "│     └─ clean.parquet  65656565  10 B  ← @1 0101010  python prep.py",
        "│        ├─ raw.csv  64646464  1 B  (root)",
        "│        └─ prep.py  6a6a6a6a  1.0 MB  (source, root)",
        "├─ test.parquet  67676767  1.0 kB  ← @2 0202020  python split.py  (shown above)",
        "└─ raw.csv  64646464  1 B  (root)",
    ]


def test_lineage_of_a_job_and_downwards():
    assert tree_lines(pipeline(), Target("job", b"\x01" * 32), {}, b"/p", PLAIN, down=False)[0] == \
        "@1 0101010  python prep.py"
    lines = tree_lines(pipeline(), Target("artifact", bytes([104]) * 32), {}, b"/p", PLAIN, down=True)
    assert lines == ["model.pt  68686868  10 kB", "└─ → @5 0505050  python eval.py",
                     "   └─ report.html  69696969  100 kB"]


def test_lineage_says_what_is_missing():
    graph = pipeline()
    graph.truncated = "nodes"
    target = Target("artifact", bytes([100]) * 32, b"/p/raw.csv", changed=True)
    lines = tree_lines(graph, target, {}, b"/p", PLAIN, down=False)
    assert lines[0].startswith("! the present content of /p/raw.csv is not recorded")
    assert lines[-1] == "! not everything: nodes"
    assert tree_lines(graph, Target("artifact", b"\0" * 32), {}, b"", PLAIN, down=True)[0] == \
        "nothing is recorded about where this went"


def test_log_has_a_line_a_job():
    now = (BEGAN + 300_000_000_000) / 1e9
    jobs = [job([MODEL]).head, job(number=12, argv=(b"sh", b"-c", b"exit 2"), exit_code=2, **incomplete("x")).head]
    assert log_lines(jobs, now, PLAIN) == [
        " @3  7f3a9c1  5 min ago  3m12s  ok               python train.py  1 out",
        "@12  7f3a9c1  5 min ago  3m12s  failed with 2 !  sh -c 'exit 2'   0 outs",
    ]


def test_job_page_shows_data_and_says_what_it_leaves_out():
    package = entry("input", b"/lib/numpy.so", b"\xcc" * 32, role="package", package="numpy==2.1")
    whole = job([MODEL, DATA, package, entry("scratch", b"/tmp/x")], {"git": {"commit": "a" * 40, "dirty": True}},
                [STEP, STEP.__class__(1, 0, 43, (b"cat",), b"/bin/cat", BEGAN, None, 1, None)], **incomplete("lost"))
    lines = job_lines(whole, PLAIN)
    assert lines[0] == "job @3 7f3a9c1 ok in 3m12s"
    assert "inputs: 1 (and 1 of packages and system: --all)" in lines
    assert "  git      aaaaaaaaaaaa with uncommitted changes" in lines
    assert "  ! incomplete: lost" in lines
    assert "    1 cat exit 1 ?" in lines
    assert "numpy.so" not in "\n".join(lines)
    assert "package numpy==2.1; read" in "\n".join(job_lines(whole, PLAIN, everything=True))


def endpoint(address, port=443, name=None, family="inet", protocol="tcp", direction="connected"):
    return {"address": address, "port": port, "family": family, "protocol": protocol, "direction": direction, "name": name,
            "steps": [0], "first_at": "2026-11-23T08:00:01.000000000Z"}


def test_job_page_says_whom_it_talked_to_and_which_gpus_it_had():
    """Other machines by their names; this one's own endpoints are for --all."""
    network = [
        endpoint("127.0.0.53", 53, protocol="udp", direction="sent"), endpoint("151.101.0.223", name="pypi.org"),
        *(endpoint(f"151.101.{n}.223", name="pypi.org") for n in (64, 128, 192)), endpoint("2001:db8::1", 22),
        endpoint("192.0.2.7", 8080, direction="accepted"), endpoint("::1", family="inet6"),
        endpoint("/run/nscd/\x1b", None, family="unix", protocol="unix")]
    gpus = [{"path": "/dev/nvidia0", "vendor": "nvidia", "index": 0, "pci": "0000:3b:00.0", "model": "NVIDIA A100"},
            {"path": "/dev/nvidiactl", "vendor": "nvidia", "index": None, "pci": None, "model": None},
            {"path": "/dev/dri/renderD128", "vendor": None, "index": 0, "pci": None, "model": None}]
    whole = job(context={"network": network, "gpus": gpus})
    lines = job_lines(whole, PLAIN)
    at = next(at for at, line in enumerate(lines) if "gpus" in line)
    assert lines[at:at + 4] == [
        "  gpus     /dev/nvidia0 (NVIDIA A100), /dev/dri/renderD128",
        "  network  pypi.org (151.101.0.223, 151.101.64.223 and 2 others) tcp 443",
        "           2001:db8::1 tcp 22",
        "           from 192.0.2.7 to tcp 8080",
    ]
    everything = "\n".join(job_lines(whole, PLAIN, everything=True))
    assert "127.0.0.53 udp 53" in everything
    assert "/run/nscd/\\x1b unix" in everything
    assert "· 3 network endpoints" in summary(finished(whole), 3, b"/p", PLAIN)[0]


def test_job_page_is_not_filled_by_endpoints():
    whole = job(context={"network": [endpoint(f"192.0.2.{n}") for n in range(50)],
                         "gpus": [{"path": "/dev/kfd", "vendor": "amd", "index": None, "pci": None, "model": None}]})
    lines = [line for line in job_lines(whole, PLAIN) if "tcp" in line or "more" in line or "kfd" in line]
    assert len(lines) == 7
    assert lines[0] == "  gpus     /dev/kfd (amd)"
    assert lines[-1] == "           … 45 more: --all"


def test_artifact_page():
    artifact = records_pb2.Artifact(hash=b"\xaa" * 32, size=5)
    lines = artifact_lines(artifact, Target("artifact", b"\xaa" * 32, b"/p/x", changed=True), PLAIN)
    assert lines[0].startswith("! the present content of /p/x is not recorded")
    assert lines[1] == f"artifact {'aa' * 32} · 5 B"
    assert "no recorded job made it: it is a root" in lines


def test_session_page_and_status():
    assert session_lines(SESSION, [job().head], BEGAN / 1e9, PLAIN)[0] == "session 0202020 of /p (current)"
    gone = Checked(Entry("output", b"/p/gone", b"\xaa" * 32, "", 1, "data", ("write",), (0,)), 3, "missing")
    health = admin_pb2.HealthResponse(version="0.1", capturing=False, problems=["no BTF: use another kernel"])
    lines = status_lines(b"/p", SESSION, [job().head], [gone], [], Dag(), 0, health, NO_OUTBOX, palette=PLAIN)
    assert lines[0] == "session 0202020 of /p: 3 jobs"
    assert "    gone  aaaaaaaa  @3  gone" in lines
    assert "    ! no BTF: use another kernel" in lines
    assert not [line for line in lines if "forward" in line], "who has no registry is told of none"
    assert status_lines(b"/p", None, [], [], [], Dag(), 0, health, NO_OUTBOX, palette=PLAIN)[-1] == "next: roar run CMD…"


@pytest.mark.parametrize(("size", "text"), [
    (None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9960, "10 kB"), (999_499, "999 kB"),
    (999_500, "1.0 MB"), (412_000_000, "412 MB"), (10**21, "1000 EB")])
def test_sizes(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (-1, "0.00s"), (0.421, "0.42s"), (12.34, "12.3s"), (59.96, "1m00s"), (192, "3m12s"), (7500, "2h05m"),
    (273600, "3d04h")])
def test_durations(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("argv", "text"), [
    ((b"python3", b"-u", b"src/train.py", b"x"), "train.py"), ((b"python", b"-c", b"1"), "python"),
    ((b"/usr/bin/cp", b"a"), "cp"), ((b"python", b"-m", b"http.server"), "python"), ((), "?")])
def test_programs_by_their_best_word(argv, text):
    assert program_text(argv) == text


def test_words():
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
    assert command_text((b"sh", b"-c", b"a b")) == "sh -c 'a b'"
    assert command_text((b"x" * 100,), 10) == "x" * 9 + "…"
    assert path_text(b"/p/a", b"/p") == "a"
    assert path_text(b"/pq/a", b"/p") == "/pq/a"
    assert path_text(b"/a", b"/") == "a"
    assert printable("grün") == "grün"
    assert when_text(BEGAN, BEGAN / 1e9 + 7200) == "2 h ago"
    assert table([]) == []
    assert table([["a", "\x1b[1mbb\x1b[0m"], ["ccc", "d"]]) == ["a    \x1b[1mbb\x1b[0m", "ccc  d"]


def test_counts_of_samples_agree():
    assert counts_of([MODEL]) == {"output": 1, "output/shown": 1}


def test_status_says_what_goes_on_to_the_registry():
    def lines(outbox: admin_pb2.OutboxResponse, wish: Wish) -> list[str]:
        return outbox_status(outbox, wish, b"/p", PLAIN)

    asked = Wish(asked=True, registry="")
    trouble = admin_pb2.Trouble(code="unavailable", message="nobody there", hint="start it")
    assert lines(admin_pb2.OutboxResponse(forward="never"), asked)[0].startswith("    ! .roar.toml asks for forwarding, and")
    sent = admin_pb2.OutboxResponse(forward="asked", registry="https://r.example", forwarded=3)
    assert lines(sent, asked) == ["  forward 3 jobs sent to https://r.example"]
    elsewhere = lines(sent, Wish(asked=True, registry="https://other.example"))
    assert elsewhere[1].endswith(".roar.toml means https://other.example, and this machine forwards to https://r.example: "
                                 "not forwarded")
    sent.trouble.CopyFrom(trouble)
    assert len(lines(sent, asked)) == 1, "nothing waits: nobody minds"
    sent.waiting, sent.waiting_since, sent.refused = 1, 1, 4
    sent.jobs.extend(admin_pb2.OutboxJob(number=number, project=b"/p" if number == 1 else b"/q", state="refused",
                                         trouble=trouble) for number in (1, 2, 3, 4))
    said = lines(sent, asked)
    assert said[0].endswith(", 4 refused")
    assert said[1:3] == ["    ! nobody there", "      start it"]
    assert said[3:] == ["    ! @1, @2 of /q, @3 of /q and 1 more refused: nobody there", "      start it"], "one line a reason"
    for one in sent.jobs:
        one.trouble.message += str(one.number)
    assert lines(sent, asked)[3] == "    ! @1 refused: nobody there1"
    assert lines(sent, asked)[-1] == "    … and 1 more: roar outbox"
    listed = outbox_lines(sent, asked, b"/p", PLAIN)
    assert [line.split()[0] for line in listed[1:5]] == ["@1", "@2", "@3", "@4"]
    assert "    ! @4 of /q refused: nobody there4" in listed
