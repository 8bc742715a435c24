"""What every store of a registry says about itself: which schema its rows have, who may still use it, and its tables.

A schema has a number.  A step of a migration (migrations.py) brings a store from one to the next while programs of both serve,
until a step says that older ones cannot go on: from then on their transactions are refused, the next one already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cbor2

from glaas.store.keyed import Key, KeyedStore, Range, Reader, Table
from lineage.errors import CorruptError, InvalidError, NotFoundError, UnsupportedError
from storage.owner import Owner

GLAAS = Owner("glaas", "restore a backup (`glaas restore`)")

#: What the store knows of itself; in every store, whatever else is in it.
META = Table("store_meta", 0)
STATE: Key = (b"schema", b"")
#: rest: a table's name → the size of its homes.
TABLES = b"tables"
#: → the BLAKE3 of the backup that is being restored.
RESTORING: Key = (b"restoring", b"")
#: A lock that every writer shares, and that is taken alone to change who may write.
FENCE = "schema"


class Schema(NamedTuple):
    """``number``: what a program writes.  ``needs``: the oldest that it can serve; 0: any, for maintenance, which
    makes none."""

    number: int
    needs: int


CURRENT = Schema(1, 1)


class State(NamedTuple):
    """``schema``: all steps up to it are done.  ``oldest``: programs of an older schema can no longer use the store."""

    schema: int
    oldest: int

    def encoded(self) -> bytes:
        return cbor2.dumps({"schema": self.schema, "oldest": self.oldest}, canonical=True)

    @classmethod
    def decoded(cls, data: bytes) -> State:
        fields = cbor2.loads(data)
        return cls(fields["schema"], fields["oldest"])


#: While a backup is being restored: servers that have the store open are refused too.
NOBODYS = State(0, 1 << 31)


class Guard:
    """Keeps a program off a store that it does not understand.  UnsupportedError from all methods that look."""

    def __init__(self, schema: Schema = CURRENT) -> None:
        self._schema = schema
        self._good: bytes | None = None

    @property
    def makes(self) -> bool:
        """Is a store made where there is none?"""
        return self._schema.needs > 0

    def look(self, reader: Reader) -> None:
        self.check(reader.get(META, [STATE]).get(STATE))

    def check(self, data: bytes | None) -> None:
        """``data``: what the store has as its STATE; None in one that is just being made."""
        if data is None or data == self._good:
            return
        state, own = State.decoded(data), self._schema
        if state == NOBODYS:
            raise CorruptError("this store is being restored, or that did not end",
                               "wait for it, or run the same `glaas restore` again")
        if state.oldest > own.number:
            raise UnsupportedError(f"the store is for schema {state.oldest} and later; this glaas knows {own.number}",
                                   "install the newer glaas again, or restore a backup from before it")
        if state.schema < own.needs:
            raise UnsupportedError(f"the store has schema {state.schema}; this glaas needs {own.needs}",
                                   "run `glaas migrate` with the same --state-dir or --store: it works while others serve")
        self._good = data

    def settle(self, store: KeyedStore, tables: Iterable[Table]) -> None:
        """A new store is given its schema; one that is there is looked at, and its list of tables completed."""
        declared = {(TABLES, table.name.encode()): bytes((table.home,)) for table in tables}
        with store.read() as reader:
            known = reader.get(META, [STATE, *declared])
        self.check(known.get(STATE))
        for key, home in declared.items():
            if known.get(key, home) != home:
                raise InvalidError(f"the store has a table {key[1].decode()} of another kind", "install the glaas that made it")
        if STATE not in known and not self.makes:
            raise no_store("there")
        if STATE not in known or not known.keys() >= declared.keys():
            new = State(self._schema.number, self._schema.number).encoded()
            store.write(lambda writer: writer.add(META, [(STATE, new), *declared.items()]))


class Unguarded(Guard):
    """Of a program that makes a store of something else."""

    def check(self, data: bytes | None) -> None:
        """Whatever it has."""

    def settle(self, store: KeyedStore, tables: Iterable[Table]) -> None:
        """It gets what it says of itself from who makes it."""


def no_store(where: str) -> NotFoundError:
    return NotFoundError(f"{where} is no registry's store", "give the --state-dir or --store that `glaas serve` was given")


def tables_of(reader: Reader) -> list[Table]:
    """All that there are, but META."""
    [rows] = reader.scan(META, [Range(TABLES)])
    return [Table(name.decode(), home[0]) for name, home in rows if name.decode() != META.name]
