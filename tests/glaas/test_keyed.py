"""What every database does alike: keys, ranges, transactions."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from keyed_tables import IDS, SHORT, TABLES, WORDS, home

from glaas.store.keyed import MAX_KEY, Key, KeyedStore, Range, Table, Writer
from glaas.store.keys import joined, parted
from lineage.errors import InvalidError

TOP = b"\xff"


def put(store: KeyedStore, table: Table, rows: Iterable[tuple[Key, bytes]]) -> None:
    store.write(lambda writer: writer.put(table, rows))


def rests(store: KeyedStore, table: Table, part: Range) -> list[bytes]:
    with store.read() as reader:
        [rows] = reader.scan(table, [part])
    return [rest for rest, _ in rows]


def test_what_was_put_is_got_and_nothing_else(keyed: KeyedStore) -> None:
    rows = {(home(n), b"%d" % n): b"value %d" % n for n in range(20)}
    put(keyed, IDS, rows.items())
    with keyed.read() as reader:
        assert reader.get(IDS, [*rows, (home(1), b"other"), (home(99), b"1")]) == rows
        assert reader.get(SHORT, [(b"ab", b"")]) == {}
        assert reader.get(IDS, []) == {}


LIMITS = [
    (IDS, (home(1), b"")), (IDS, (home(1), b"\0")), (IDS, (home(1), b"\0\0")), (IDS, (home(1), b"a\0b")),
    (IDS, (TOP * 32, TOP * (MAX_KEY - 32))), (IDS, (bytes(32), bytes(MAX_KEY - 32))), (IDS, (TOP * 32, b"")),
    (SHORT, (b"\0\0", b"")), (SHORT, (TOP * 2, TOP * (MAX_KEY - 2))),
    (WORDS, (b"", b"")), (WORDS, (b"", b"\0")), (WORDS, (b"a", b"")), (WORDS, (b"a", b"\0b")), (WORDS, (b"a\x01", b"")),
    (WORDS, (TOP * 255, TOP * (MAX_KEY - 255))), (WORDS, (b"", TOP * MAX_KEY)),
]


@pytest.mark.parametrize("value", [b"", b"\0", b"x" * 100_000], ids=["empty", "nul", "large"])
def test_keys_at_their_limits(keyed: KeyedStore, value: bytes) -> None:
    for table in TABLES:
        put(keyed, table, [(key, value) for of, key in LIMITS if of == table])
    with keyed.read() as reader:
        for table in TABLES:
            keys = [key for of, key in LIMITS if of == table]
            assert reader.get(table, keys) == dict.fromkeys(keys, value)
            assert list(reader.walk(table)) == [(key, value) for key in sorted(keys)]
            for which, rest in keys:
                for reverse in (False, True):
                    [rows] = reader.scan(table, [Range(which, rest, reverse=reverse)])
                    assert (rest, value) in rows
                    assert rows == sorted(rows, reverse=reverse)


@pytest.mark.parametrize(("table", "key"), [
    (IDS, (home(1)[1:], b"")), (IDS, (home(1) + b"x", b"")), (IDS, (b"", b"")), (IDS, (home(1), bytes(MAX_KEY - 31))),
    (WORDS, (b"a\0b", b"")), (WORDS, (b"a" * 256, b"")), (WORDS, (b"", bytes(MAX_KEY + 1)))])
def test_keys_beyond_their_limits_are_refused(keyed: KeyedStore, table: Table, key: Key) -> None:
    for change in (lambda writer: writer.put(table, [(key, b"")]), lambda writer: writer.add(table, [(key, b"")]),
                   lambda writer: writer.delete(table, [key])):
        with pytest.raises(InvalidError):
            keyed.write(change)
    with keyed.read() as reader:
        with pytest.raises(InvalidError):
            reader.get(table, [key])
        if len(key[0]) != table.home and (table.home or len(key[0]) > 255 or b"\0" in key[0]):
            with pytest.raises(InvalidError):
                reader.scan(table, [Range(key[0])])


def test_joined_keys_sort_as_pairs_do() -> None:
    keys = sorted(key for of, key in LIMITS if of == WORDS)
    assert sorted(joined(WORDS, key) for key in keys) == [joined(WORDS, key) for key in keys]
    assert [parted(WORDS, joined(WORDS, key)) for key in keys] == keys


ROWS = [b"", b"\0", b"a", b"a\0", b"a\0\0", b"a\0b", b"ab", b"abc", b"b", b"b" + TOP, b"b" + TOP * 2, b"c", TOP,
        TOP * 2, TOP * 3]


@pytest.mark.parametrize("table", [SHORT, WORDS], ids=lambda table: table.name)
def test_scans_in_both_directions_from_anywhere(keyed: KeyedStore, table: Table) -> None:
    homes = [b"mm", b"m" + TOP, b"ml"] if table.home else [b"m", b"mm", b"m" + TOP, b"l", b""]
    put(keyed, table, [((which, rest), rest[:5]) for which in homes for rest in ROWS])
    ranges = [Range(homes[0], prefix, after, limit, reverse)
              for prefix in (b"", b"a", b"a\0", b"ab", b"b" + TOP, TOP, b"x", TOP * 600)
              for after in (b"", b"\0", b"a", b"aa", b"b", b"b" + TOP, b"x", TOP, TOP * 3, TOP * 600)
              for limit in (0, 1, 3) for reverse in (False, True)]
    ranges += [Range(which, reverse=reverse) for which in (*homes, b"mo") for reverse in (False, True)]

    def expected(part: Range) -> list[tuple[bytes, bytes]]:
        found = [rest for rest in sorted(ROWS, reverse=part.reverse)
                 if rest.startswith(part.prefix) and part.home in homes]
        if part.after:
            found = [rest for rest in found if (rest < part.after if part.reverse else rest > part.after)]
        return [(rest, rest[:5]) for rest in found[:part.limit or None]]

    with keyed.read() as reader:
        for part, rows in zip(ranges, reader.scan(table, ranges), strict=True):
            assert expected(part) == rows, part
        assert reader.scan(table, []) == []


def test_walks_go_over_all_rows_of_homes_with_a_prefix(keyed: KeyedStore) -> None:
    keys = sorted((bytes((n, m)), rest)
                  for n in (0, 1, 2, 255) for m in (0, 1, 255) for rest in (b"", b"\0", b"z" * 300, TOP))
    put(keyed, SHORT, [(key, key[0]) for key in keys])
    words = sorted((word, rest) for word in (b"", b"a", b"ab", b"b", TOP) for rest in (b"", b"b", b"\0"))
    put(keyed, WORDS, [(key, b"") for key in words])
    with keyed.read() as reader:
        for batch in (1, 5, 1000):
            for prefix in (b"", b"\0", b"\1", TOP, b"\1\1", TOP * 2, b"\5"):
                assert list(reader.walk(SHORT, prefix, batch)) == [(key, key[0]) for key in keys if key[0].startswith(prefix)]
            for prefix in (b"", b"a", b"ab", TOP):
                found = [key for key, _ in reader.walk(WORDS, prefix, batch)]
                assert found == [key for key in words if key[0].startswith(prefix)]


def test_a_batch_of_ten_thousand(keyed: KeyedStore) -> None:
    rows = {(home(n * 7919 % 10_007), b"rest %d" % (n % 3)): b"%d" % n for n in range(10_000)}
    assert keyed.write(lambda writer: writer.add(IDS, rows.items())) == set(rows)
    assert keyed.write(lambda writer: writer.add(IDS, ((key, b"other") for key in rows))) == set()
    with keyed.read() as reader:
        assert reader.get(IDS, [*rows, *((home(n), b"none") for n in range(10_000))]) == rows
        scanned = reader.scan(IDS, [Range(key[0], b"rest", limit=2) for key in rows])
        assert scanned == [[(key[1], value)] for key, value in rows.items()]
        assert dict(reader.walk(IDS)) == rows
    keyed.write(lambda writer: writer.put(IDS, ((key, b"new") for key in rows)))
    with keyed.read() as reader:
        assert set(reader.get(IDS, rows).values()) == {b"new"}
    keyed.write(lambda writer: writer.delete(IDS, rows))
    with keyed.read() as reader:
        assert list(reader.walk(IDS)) == []


def test_a_transaction_reads_what_it_wrote(keyed: KeyedStore) -> None:
    put(keyed, SHORT, [((b"ab", b"old"), b"1"), ((b"ab", b"gone"), b"2")])

    def work(writer: Writer) -> tuple[set[Key], set[Key]]:
        new = writer.add(SHORT, [((b"ab", b"old"), b"changed"), ((b"ab", b"new"), b"3")])
        again = writer.add(SHORT, [((b"ab", b"new"), b"4")])
        writer.delete(SHORT, [(b"ab", b"gone"), (b"ab", b"never")])
        writer.put(SHORT, [((b"ab", b"old"), b"5"), ((b"ab", b"zzz"), b"6")])
        assert writer.get(SHORT, [(b"ab", b"old"), (b"ab", b"gone")]) == {(b"ab", b"old"): b"5"}
        assert writer.scan(SHORT, [Range(b"ab", limit=2)]) == [[(b"new", b"3"), (b"old", b"5")]]
        assert [key for key, _ in writer.walk(SHORT)] == [(b"ab", b"new"), (b"ab", b"old"), (b"ab", b"zzz")]
        return new, again

    assert keyed.write(work) == ({(b"ab", b"new")}, set())
    assert rests(keyed, SHORT, Range(b"ab")) == [b"new", b"old", b"zzz"]


def test_the_same_key_twice_in_a_call(keyed: KeyedStore) -> None:
    """The last of what is put stands, the first of what is added."""
    key, other = (b"ab", b"put"), (b"ab", b"add")
    assert keyed.write(lambda writer: writer.add(SHORT, [(other, b"1"), (other, b"2")])) == {other}
    put(keyed, SHORT, [(key, b"1"), (key, b"2")])
    keyed.write(lambda writer: writer.delete(SHORT, [(b"zz", b""), (b"zz", b"")]))
    with keyed.read() as reader:
        assert reader.get(SHORT, [key, key, other]) == {key: b"2", other: b"1"}


def test_an_exception_leaves_nothing(keyed: KeyedStore) -> None:
    put(keyed, SHORT, [((b"ab", b"kept"), b"1")])

    def work(writer: Writer) -> None:
        writer.put(SHORT, [((b"ab", b"kept"), b"2"), ((b"ab", b"x"), b"")])
        writer.add(WORDS, [((b"w", b""), b"")])
        writer.delete(SHORT, [(b"ab", b"kept")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        keyed.write(work)
    with keyed.read() as reader:
        assert dict(reader.walk(SHORT)) == {(b"ab", b"kept"): b"1"}
        assert list(reader.walk(WORDS)) == []


def test_a_reader_sees_one_moment(keyed: KeyedStore) -> None:
    put(keyed, SHORT, [((b"ab", b""), b"1")])
    with keyed.read() as reader:
        assert reader.get(SHORT, [(b"ab", b"")]) == {(b"ab", b""): b"1"}
        put(keyed, SHORT, [((b"ab", b""), b"2"), ((b"cd", b""), b"2")])
        put(keyed, WORDS, [((b"later", b""), b"2")])
        assert reader.get(SHORT, [(b"ab", b""), (b"cd", b"")]) == {(b"ab", b""): b"1"}
        assert reader.scan(WORDS, [Range(b"later")]) == [[]]
        assert len(list(reader.walk(SHORT))) == 1
        with keyed.read() as later:
            assert len(list(later.walk(SHORT))) == 2


def test_what_was_written_is_there_when_it_is_opened_again(open_keyed) -> None:
    first = open_keyed(TABLES)
    put(first, SHORT, [((b"ab", b""), b"1")])
    first.close()
    again = open_keyed([*TABLES, Table("later", 4)])
    put(again, Table("later", 4), [((b"abcd", b""), b"")])
    assert rests(again, SHORT, Range(b"ab")) == [b""]
    again.close()
    assert rests(open_keyed([SHORT]), SHORT, Range(b"ab")) == [b""]
