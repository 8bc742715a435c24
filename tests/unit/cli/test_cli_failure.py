"""Standard error and resources on a job's page."""

from __future__ import annotations

from dataclasses import replace

from samples import STEP, job

from lineage.records import Resources
from roarctl.render.failure import plain_lines, stderr_lines
from roarctl.render.jobs import job_lines
from roarctl.render.text import PLAIN


def test_nothing_acts_on_the_terminal() -> None:
    text = ("\x1b[31mred\x1b[0m\x1b[2K\x1b]0;title\x07\n\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\r\n 10%\r 20%\r 30%\r\n\n"
            "ab\b\bcd\n\x9b1mx\x00\u202ey\x1bPq...\x1b\\\x1b")
    assert plain_lines(text) == ["red", "link", " 30%", "cd", "x\\x00\\u202ey"]


def test_a_long_one_is_cut_from_above() -> None:
    said = {"text": "".join(f"{number}\n" for number in range(100)), "written": 12_000, "truncated": True, "lost": 1,
            "with_stdout": True}
    lines = stderr_lines({"stderr": said}, PLAIN)
    assert lines[0] == "standard error: (its end, of 12 kB, with standard output, 1 writes are missing)"
    assert (lines[1], lines[-1], len(lines)) == ("  80", "  99", 21)
    assert len(stderr_lines({"stderr": said}, PLAIN, everything=True)) == 101
    assert stderr_lines({}, PLAIN) == []


def test_it_is_the_last_on_the_page() -> None:
    said = {"text": "KeyError: 'model'\n", "written": 18, "truncated": False, "lost": 0, "with_stdout": False}
    assert job_lines(job(context={"stderr": said}, exit_code=1), PLAIN)[-2:] == ["standard error:", "  KeyError: 'model'"]


def test_the_steps_that_used_most() -> None:
    def step(index: int, cpu: float, rss: int | None, read: int = 0) -> object:
        used = Resources(int(cpu * 1e9), 0, 0, rss, read, 0, 0, 0, 1)
        return replace(STEP, index=index, argv=(b"/bin/p%d" % index,), resources=used)

    context = {"resources": {"user_seconds": 10.0, "system_seconds": 1.0, "max_rss_bytes": 2_000_000, "bytes_read": 5_000_000}}
    lines = job_lines(job(context=context, steps=[step(0, 0.1, 1), step(1, 8, 2_000_000, 5_000_000), step(2, 2, None)]), PLAIN)
    at = next(at for at, line in enumerate(lines) if line.startswith("  used"))
    assert lines[at:at + 3] == [
        "  used     11.0s of CPU, 2.0 MB of memory, 5.0 MB read",
        "           [1] p1: 8.00s of CPU, 2.0 MB of memory, 5.0 MB read",
        "           [2] p2: 2.00s of CPU"]
    assert not lines[at + 3].startswith("           [")
