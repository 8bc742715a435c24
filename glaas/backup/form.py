"""The form of a backup: docs/backup.md.

``glaas backup 1``, newline; then frames, each four bytes of size (big-endian) and so many bytes of CBOR; then a frame of size 0
and the BLAKE3 of all before it.  The first frame is the Header.  The others are rows in the order of their tables and keys:
[number of the table in the header, [home, rest, value, home, rest, value, …]].
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import cbor2
from blake3 import blake3

from glaas.store.keyed import Key, Table
from lineage.errors import CorruptError, UnsupportedError

MAGIC = b"glaas backup 1\n"
ANY_MAGIC = b"glaas backup "
FRAME = 1 << 20  # bytes of values and keys, roughly
_SIZE = struct.Struct(">I")
_SUM = 32

Row = tuple[Table, Key, bytes]


class Header(NamedTuple):
    """``at``: nanoseconds since 1970, of the moment that it shows.  ``schema``: the store's.  ``files``: of the state
    directory, by name: the log's key.  In CBOR it is a map of these names, a table a pair of its name and its homes' size."""

    at: int
    schema: int
    tables: tuple[Table, ...]
    files: dict[str, bytes]


class Summary(NamedTuple):
    """``identity``: the BLAKE3 at the file's end.  ``rows``: by table."""

    header: Header
    identity: bytes
    rows: dict[str, int]
    size: int


def write(file: BinaryIO, header: Header, rows: Iterable[Row]) -> Summary:
    """To where ``file`` is; the caller makes it durable."""
    output = _Output(file)
    output.put(MAGIC)
    output.frame({"at": header.at, "schema": header.schema, "tables": [[*table] for table in header.tables],
                  "files": header.files})
    numbers = {table.name: number for number, table in enumerate(header.tables)}
    counts = {table.name: 0 for table in header.tables}
    name, flat, size = "", list[bytes](), 0
    for table, (home, rest), value in rows:
        if flat and (table.name != name or size >= FRAME):
            output.frame([numbers[name], flat])
            flat, size = [], 0
        name = table.name
        counts[name] += 1
        flat += (home, rest, value)
        size += len(home) + len(rest) + len(value)
    if flat:
        output.frame([numbers[name], flat])
    output.put(_SIZE.pack(0))
    identity = output.sum.digest()
    file.write(identity)
    return Summary(header, identity, counts, output.size + len(identity))


class _Output:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sum = blake3()
        self.size = 0

    def put(self, data: bytes) -> None:
        self.sum.update(data)
        self.size += len(data)
        self._file.write(data)

    def frame(self, item: object) -> None:
        data = cbor2.dumps(item)
        self.put(_SIZE.pack(len(data)))
        self.put(data)


class Backup:
    """A file that is read: as a whole at once, whether it is what was written.  CorruptError where it is not, UnsupportedError
    for a form that is not known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = self._checked()
        self.header = self._header(self._frames())

    def rows(self) -> Iterator[Row]:
        frames = self._frames()
        tables = self._header(frames).tables
        try:
            for number, flat in frames:
                table = tables[number]
                for at in range(0, len(flat), 3):
                    home, rest, value = flat[at:at + 3]
                    yield table, (home, rest), value
        except (ValueError, TypeError, IndexError) as error:
            raise self._damaged("has rows that are none") from error

    def summary(self) -> Summary:
        """Reads all of it."""
        counts = {table.name: 0 for table in self.header.tables}
        for table, _, _ in self.rows():
            counts[table.name] += 1
        return Summary(self.header, self.identity, counts, self.path.stat().st_size)

    def _checked(self) -> bytes:
        sum_, left = blake3(), self.path.stat().st_size - _SUM
        with self.path.open("rb") as file:
            begin = file.read(len(MAGIC))
            if begin != MAGIC:
                if begin.startswith(ANY_MAGIC):
                    raise UnsupportedError(f"{self.path} has a newer form", "restore it with the glaas that made it")
                raise CorruptError(f"{self.path} is not a backup of a registry", "give a file that `glaas backup` made")
            file.seek(0)
            while left > 0 and (data := file.read(min(left, 1 << 20))):
                sum_.update(data)
                left -= len(data)
            identity = file.read()
        if identity != sum_.digest():
            raise self._damaged("is not as it was written, or not all of it")
        return identity

    def _frames(self) -> Iterator[Any]:
        with self.path.open("rb") as file:
            file.seek(len(MAGIC))
            try:
                while length := _SIZE.unpack(file.read(_SIZE.size))[0]:
                    yield cbor2.loads(file.read(length))
            except (struct.error, cbor2.CBORDecodeError) as error:
                raise self._damaged("has a frame that is none") from error

    def _header(self, frames: Iterator[Any]) -> Header:
        try:
            fields = next(frames)
            return Header(fields["at"], fields["schema"], tuple(Table(name, home) for name, home in fields["tables"]),
                          fields["files"])
        except (StopIteration, KeyError, TypeError, ValueError) as error:
            raise self._damaged("has no header") from error

    def _damaged(self, how: str) -> CorruptError:
        return CorruptError(f"the backup {self.path} {how}", "take another one, and look at the disk's health")
