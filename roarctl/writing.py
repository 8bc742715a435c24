"""Where an export goes: a file that is there whole or not at all, a directory, or stdout."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from lineage.errors import ConflictError, InvalidError, RoarError

_PIECE = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can name: the same export gives the same file


def write_file(output: Path | None, write: Callable[[BinaryIO], None], *, binary: bool = False) -> None:
    """To ``output``, or to stdout (``binary``: not where a person would see it)."""
    if output is None:
        if binary and sys.stdout.isatty():
            raise InvalidError("this format is not for a terminal", "name a file with --output")
        try:
            write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        if output.exists() and not output.is_file():  # a device or a pipe is written to: nothing may take its place
            with output.open("wb") as file:
                write(file)
            return
        with unfinished.open("xb") as file:
            write(file)
        unfinished.replace(output)
    except OSError as error:
        raise RoarError(f"cannot write {output}: {error.strerror}", "is there room, and may you write there?") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def write_crate(output: Path | None, metadata: bytes, name: str, contents: Mapping[str, tuple[bytes, bytes]],
                *, as_directory: bool) -> None:
    """A crate: ``metadata`` under ``name``, and ``contents``, each (where it is read, the BLAKE3 that it must have)."""
    if as_directory and output is not None:
        _write_directory(output, metadata, name, contents)
        return

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as crate:
            crate.writestr(_info(name), metadata)
            for place, (path, digest) in sorted(contents.items()):
                with crate.open(_info(place), "w", force_zip64=True) as part:
                    _copy(path, digest, part.write)

    write_file(output, write, binary=True)


def _write_directory(output: Path, metadata: bytes, name: str, contents: Mapping[str, tuple[bytes, bytes]]) -> None:
    if output.exists() and any(output.iterdir()):
        raise ConflictError(f"{output} is not empty", "name a new directory")
    try:
        for place, (path, digest) in sorted(contents.items()):
            target = output / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as part:
                _copy(path, digest, part.write)
        output.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(metadata)
    except OSError as error:
        raise RoarError(f"cannot write {output}: {error.strerror}", "is there room, and may you write there?") from error


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _copy(path: bytes, digest: bytes, write: Callable[[bytes], object]) -> None:
    """What goes out is what was recorded, or nothing goes out."""
    seen = blake3()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            seen.update(piece)
            write(piece)
    if seen.digest() != digest:
        raise ConflictError(f"{os.fsdecode(path)} changed while it was copied", "export again when nobody writes it")
