"""Keys as both databases need them: within their limits, as one byte string, and the bounds of a range."""

from __future__ import annotations

from glaas.store.keyed import MAX_KEY, Key, Range, Table
from lineage.errors import InvalidError

MAX_HOME = 255  # bytes of a home whose table leaves its size open


def check_home(table: Table, home: bytes) -> None:
    """InvalidError for what is no home of this table."""
    if table.home:
        if len(home) != table.home:
            raise InvalidError(f"a home of {table.name} has {table.home} bytes, this one {len(home)}", "give a whole id")
    elif len(home) > MAX_HOME or b"\0" in home:
        raise InvalidError(f"{home[:40]!r}… cannot be looked up: it is too long, or has a NUL in it",
                           f"give at most {MAX_HOME} bytes without a NUL")


def check_key(table: Table, key: Key) -> None:
    home, rest = key
    check_home(table, home)
    if len(home) + len(rest) > MAX_KEY:
        raise InvalidError(f"a key of {len(home) + len(rest)} bytes is too long for {table.name}",
                           f"give at most {MAX_KEY} bytes")


def joined(table: Table, key: Key) -> bytes:
    """Home and rest as one string that sorts as the pair does.  InvalidError where it is beyond the limits."""
    home, rest = key
    if len(home) != table.home or len(home) + len(rest) > MAX_KEY or not table.home:
        check_key(table, key)
        return home + b"\0" + rest if not table.home else home + rest
    return home + rest


def parted(table: Table, key: bytes) -> Key:
    """What ``joined`` made a string of."""
    if table.home:
        return key[:table.home], key[table.home:]
    home, _, rest = key.partition(b"\0")
    return home, rest


def beyond(prefix: bytes) -> bytes | None:
    """The first string after all that begin with ``prefix``; None where there is none."""
    whole = prefix.rstrip(b"\xff")
    return whole[:-1] + bytes((whole[-1] + 1,)) if whole else None


def bounds(part: Range) -> tuple[bytes, bytes]:
    """(first, end) of the rests of a range: first <= rest < end.  Neither is longer than a key may be and two bytes."""
    room = MAX_KEY - len(part.home) + 1  # no rest has as many bytes, so that what follows them decides nothing
    prefix, after = part.prefix[:room], part.after[:room]
    first, end = prefix, beyond(prefix) or b"\xff" * room
    if after and part.reverse:
        end = min(end, after)
    elif after:
        first = max(first, after + b"\0")  # the next string that there can be
    return first, end
