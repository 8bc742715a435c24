"""Reading what the kernel tells in files."""

from __future__ import annotations


def read_text(path: str, limit: int = 1 << 16) -> str:
    """Of a file of the kernel's; empty where it is not to be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return (file.read(limit) or b"").decode("utf-8", "replace")
    except OSError:
        return ""
