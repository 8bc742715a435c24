"""What a file's content is called."""

from __future__ import annotations

import os


def file_hash(path: bytes) -> bytes:
    """The BLAKE3 of a regular file, read by all processors. OSError where it cannot be read."""
    from blake3 import blake3  # where nothing is hashed, nothing is loaded

    return blake3(max_threads=blake3.AUTO).update_mmap(os.fsdecode(path)).digest()
