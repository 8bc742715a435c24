"""What the bytes of a program tell of its system calls (elf(5)): are they, or may some be, those of 32 bits?"""

from __future__ import annotations

import os
import struct

_HEADER = struct.Struct("<5s27xQ14xHH6x")  # of 64 bits: magic and class, e_phoff, e_phentsize, e_phnum
_SEGMENT = struct.Struct("<IIQ16xQ16x")  # p_type, p_flags, p_offset, p_filesz
_LOADED, _EXECUTABLE = 1, 1
_INT_80 = b"\xcd\x80"
_BLOCK = 1 << 20
_MOST = 64 << 20


def is_32_bit(fd: int) -> bool:
    return os.pread(fd, 5, 0) == b"\x7fELF\x01"


def may_call_as_32_bit(fd: int) -> bool:
    """Has the code of a 64-bit program the bytes of `int $0x80`, by which 32-bit ones enter the kernel?

    Not wherever they are, they are an instruction: of programs with 100 kB of code one in ten has them by chance, with a
    megabyte every second, with ten each. So what has more than is worth reading is taken to have them. What a program loads
    or makes at run time is not looked at. Reads, not mmap: see roard.content.worker.
    """
    header = os.pread(fd, _HEADER.size, 0)
    if len(header) < _HEADER.size or not header.startswith(b"\x7fELF\x02"):
        return False
    _, at, size, number = _HEADER.unpack(header)
    table = os.pread(fd, size * number, at)
    left = _MOST
    for start in range(0, len(table) - _SEGMENT.size + 1, max(size, _SEGMENT.size)):
        kind, flags, offset, length = _SEGMENT.unpack_from(table, start)
        if kind != _LOADED or not flags & _EXECUTABLE:
            continue
        left -= length
        if left < 0 or _contains(fd, offset, offset + length):
            return True
    return False


def _contains(fd: int, at: int, end: int) -> bool:
    last = b""
    while at < end and (block := os.pread(fd, min(_BLOCK, end - at), at)):
        if _INT_80 in last + block:
            return True
        last, at = block[-1:], at + len(block)
    return False
