"""A program of an earlier schema, which writes until it is told that it has ended: for tests of migrations.

It keeps each word's count as digits; the next schema keeps them as eight bytes, in another table.  It prints what was
acknowledged."""

from __future__ import annotations

import sys

from glaas.store import open_store
from glaas.store.keyed import Table, Writer
from glaas.store.schema import Schema
from lineage.errors import UnsupportedError

DIGITS = Table("digits", 0)
FIRST = Schema(1, 1)


def word(number: int) -> bytes:
    return b"%d words" % number


def main() -> None:
    store = open_store(sys.argv[1], [DIGITS], FIRST)
    number = int(sys.argv[2])
    try:
        while True:
            number += 1

            def work(writer: Writer, number: int = number) -> None:
                writer.put(DIGITS, [((word(number), b""), b"%d" % number)])

            store.write(work)
            print(number, flush=True)
    except UnsupportedError as error:
        print(error.message, file=sys.stderr)
    store.close()


if __name__ == "__main__":
    main()
