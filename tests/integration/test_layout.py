"""The Python decoders agree with the C header, and the table with the C source."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys

import pytest
from harness import ROOT

from roard.probe import layout, loader, table

HEADER = (ROOT / "bpf/roar.h").read_text()
SOURCE = loader.probe_source()
C_TYPES = {"u16": ctypes.c_uint16, "u32": ctypes.c_uint32, "s32": ctypes.c_int32, "u64": ctypes.c_uint64}


def structures() -> dict[str, type[ctypes.Structure]]:
    """The header's structures, laid out by the rules of C."""
    found: dict[str, type[ctypes.Structure]] = {}
    for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", HEADER, re.MULTILINE | re.DOTALL):
        fields = []
        for kind, member, count in re.findall(r"^\s+(?:struct )?(\w+) (\w+)(?:\[(\d+)\])?;", body, re.MULTILINE):
            base = C_TYPES.get(kind) or found[kind]
            fields.append((member, base * int(count) if count else base))
        found[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return found


@pytest.mark.parametrize(("name", "decoder"), [
    ("roar_head", layout.HEAD), ("roar_file", layout.FILE), ("roar_access", layout.ACCESS_WHOLE),
    ("roar_names", layout.NAMES_WHOLE), ("roar_process", layout.PROCESS_WHOLE), ("roar_member", layout.MEMBER),
    ("roar_counts", layout.COUNTS), ("roar_group", layout.GROUP), ("roar_endpoint", layout.ENDPOINT_WHOLE),
    ("roar_stderr", layout.STDERR_WHOLE), ("roar_heard", layout.HEARD),
])
def test_structures(name: str, decoder: object) -> None:
    """Same size, and the same integers in the same places."""
    structure = structures()[name]
    assert decoder.size == ctypes.sizeof(structure)
    numbers = list(range(1, 1 + len(decoder.unpack(bytes(decoder.size)))))
    value = structure.from_buffer_copy(decoder.pack(*numbers))

    def flat(item: object) -> list[int]:
        if isinstance(item, ctypes.Structure):
            return [number for field, _ in item._fields_ for number in flat(getattr(item, field))]
        if isinstance(item, ctypes.Array):
            return [number for each in item for number in flat(each)]
        return [item]

    assert flat(value) == numbers


def test_constants() -> None:
    """Kinds, flags and limits have the same numbers on both sides."""
    number = 0
    for name, given in re.findall(r"^    ROAR_(\w+)(?: = (\d+))?,", HEADER, re.MULTILINE):
        if name.startswith("F_"):
            assert getattr(layout, name) == int(given), name
            continue
        number = int(given) if given else number + 1
        assert getattr(layout, name) == number, name
    assert int(re.search(r"ROAR_PIECE (\d+)", HEADER)[1]) * int(re.search(r"ROAR_PIECES (\d+)", HEADER)[1]) == layout.CARRY_MAX


def test_every_handler_has_a_row_and_every_row_a_handler() -> None:
    handlers = set(re.findall(r"^int (on_\w+)\(", SOURCE, re.MULTILINE))
    assert handlers == {*table.HANDLERS, *table.URING_HANDLERS, *table.TAILS,
                        *(handler for _, handler in (*table.RAW, *table.GROUPS))}
    tails = re.search(r"enum \{ (TAIL_.*?) \};", SOURCE)[1].lower().replace("tail_", "on_").split(", ")
    assert tails == list(table.TAILS)


def test_compiler_agrees(tmp_path: object) -> None:
    """The sizes that clang gives the structures in the loaded maps are the decoders'."""
    if os.geteuid() != 0:
        pytest.skip("loading probes needs root")
    script = """
import sys
from roard.probe.loader import compile_probes
from roard.probe.probes import Sizes
from roard.probe.layout import COUNTS, MEMBER
import ctypes
_, _, bpf = compile_probes(Sizes().as_dict())
assert ctypes.sizeof(bpf['members'].Leaf) == MEMBER.size, ctypes.sizeof(bpf['members'].Leaf)
assert ctypes.sizeof(bpf['counts'].Leaf) == COUNTS.size
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)
