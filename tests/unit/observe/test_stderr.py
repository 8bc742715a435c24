"""The end of what a job wrote to its standard error."""

from __future__ import annotations

from roard.observe.stderr import KEPT, StandardError
from roard.probe.reader import STDERR_BYTES


def said(*pieces: bytes, lost: int = 0) -> dict[str, object] | None:
    heard = StandardError()
    for piece in pieces:
        heard.add(piece[-STDERR_BYTES:], len(piece), mixed=False)
    return heard.section(lost)


def test_little_is_kept_whole() -> None:
    assert said(b"one\n", b"t\xffwo\n") == {
        "text": "one\nt\ufffdwo\n", "written": 9, "truncated": False, "lost": 0, "with_stdout": False}
    assert said() is None


def test_of_much_the_end_is_kept_and_begins_with_a_line() -> None:
    lines = b"".join(b"line %d\n" % number for number in range(5000))
    section = said(*(lines[at:at + 1000] for at in range(0, len(lines), 1000)), lost=2)
    assert section is not None
    text = str(section["text"])
    assert KEPT - 100 < len(text) <= KEPT
    assert text.startswith("line ") and text.endswith("line 4999\n")
    assert (section["written"], section["truncated"], section["lost"]) == (len(lines), True, 2)


def test_no_secret_survives_being_cut_from_its_name() -> None:
    """Wherever the cut comes, between the name and its value too."""
    for filler in range(KEPT - 60, STDERR_BYTES + 60):
        section = said(b"begin\nPASSWORD=hunter2hunter2hunter2\n" + b"x" * filler)
        assert section is not None
        assert "hunter2" not in str(section["text"]), filler
        section = said(b"y" * 2000 + b" password: hunter2hunter2hunter2 " + b"x" * filler + b"\nend\n")
        assert section is not None
        assert "hunter2" not in str(section["text"]), filler


def test_one_endless_line_is_cut_anywhere() -> None:
    section = said("é".encode() * 10_000)
    assert section is not None
    assert set(str(section["text"])) <= {"é", "\ufffd"}
    assert len(str(section["text"]).encode()) <= KEPT
