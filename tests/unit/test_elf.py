"""Which programs may make 32-bit calls."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from lineage import elf
from roarctl import launch

INT_80 = b"\xcd\x80"


def program(*segments: tuple[int, bytes]) -> bytes:
    """A 64-bit ELF file of loaded segments (flags, content)."""
    at = 64 + 56 * len(segments)
    table, contents = b"", b""
    for flags, content in segments:
        table += struct.pack("<IIQQQQQQ", 1, flags, at + len(contents), 0, 0, len(content), len(content), 1)
        contents += content
    header = b"\x7fELF\x02".ljust(32, b"\0") + struct.pack("<QQIHHH", 64, 0, 0, 64, 56, len(segments))
    return header.ljust(64, b"\0") + table + contents


@pytest.mark.parametrize(("content", "found"), [
    (program((5, b"\x90" * 99 + INT_80)), True),
    (program((5, b"\x90" * 99)), False),
    (program((4, INT_80), (6, INT_80), (5, b"\xcd"), (5, b"\x80")), False),    # none of it is code, or not in one piece
    (program((4, INT_80), (5, b"\x90" * ((1 << 20) - 1) + INT_80)), True),     # between two blocks
    (program((5, b"\x90" * (1 << 20) * 2 + INT_80)), True),
    (b"\x7fELF\x01" + INT_80, False),
    (b"\x7fELF\x02", False),
    (b"", False),
    (program((5, INT_80))[:100], False),
    (b"#!/bin/sh\n" + INT_80, False),
])
def test_code_that_enters_the_kernel_as_of_32_bits(tmp_path: Path, content: bytes, found: bool) -> None:
    (tmp_path / "program").write_bytes(content)
    with (tmp_path / "program").open("rb") as file:
        assert elf.may_call_as_32_bit(file.fileno()) is found


def test_more_code_than_is_worth_reading(tmp_path: Path) -> None:
    header = bytearray(program((5, b"")))
    header[64 + 32:64 + 40] = (65 << 20).to_bytes(8, "little")
    (tmp_path / "program").write_bytes(header)
    with (tmp_path / "program").open("rb") as file:
        assert elf.may_call_as_32_bit(file.fileno())


def test_whose_programs_are_looked_into(tmp_path: Path) -> None:
    """The user's own; not those of packages, and whatever is of 32 bits by its header."""
    def needs(name: str, content: bytes) -> bool:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return launch.is_compat(bytes(path), bytes(tmp_path), bytes(tmp_path))

    assert needs("prog", program((5, INT_80)))
    assert not needs("other", program((5, b"")))
    assert not needs("venv/bin/tool", program((5, INT_80)))
    assert needs("venv/bin/old", b"\x7fELF\x01")
    (tmp_path / "link").symlink_to("venv/bin/tool")
    assert not launch.is_compat(bytes(tmp_path / "link"), bytes(tmp_path), bytes(tmp_path))
    assert not launch.is_compat(bytes(tmp_path / "none"), bytes(tmp_path), bytes(tmp_path))
