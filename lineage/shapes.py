"""Is a decoded value shaped as a record of ours is? Fields, types and ranges, of what strangers sent."""

from __future__ import annotations

from collections.abc import Callable

from lineage import ids
from lineage.records import ENTRY_KINDS, JOB_KINDS, ROLES, Cell, Resources

ID, _RUN = 32, 16
MAX_TIME = 1 << 62  # nanoseconds since the epoch: the year 2116
MAX_PATH = 16 << 10  # twice what the probes can record
_MAX_NUMBER, _MAX_INDEX = 1 << 63, 1 << 32


def is_session(value: dict[str, object]) -> bool:
    return (value.get("schema") == ids.SESSION_SCHEMA and is_user(value.get("user")) and is_host(value.get("host"))
            and isinstance(value.get("project"), bytes) and is_time(value.get("started_at"))
            and isinstance(value.get("nonce"), bytes))


def is_head(value: dict[str, object]) -> bool:
    lists = [value.get(name) for name in ("steps", "entries")]
    reasons = value.get("incomplete_reasons")
    counts = value.get("counts")
    ended = value.get("ended_at")
    return (value.get("schema") == ids.JOB_SCHEMA and "exit_code" in value and "signal" in value
            and all(every(each, is_id) for each in lists) and is_id(value.get("context"))
            and is_bytes(value.get("run"), _RUN) and is_id(value.get("session")) and is_number(value.get("number"))
            and is_user(value.get("user")) and is_host(value.get("host")) and every(value.get("argv"), is_any_bytes)
            and isinstance(value.get("cwd"), bytes) and isinstance(value.get("project"), bytes)
            and is_time(value.get("started_at"))
            and (is_time(ended) or ("ended_at" in value and ended is None and bool(reasons)))  # nobody saw its end
            and is_code(value.get("exit_code")) and is_code(value.get("signal"))
            and isinstance(value.get("interrupted"), bool) and isinstance(value.get("complete"), bool)
            and value.get("kind", "") in ("", *JOB_KINDS)
            and every(reasons, is_reason) and value.get("complete") is (not reasons)
            and isinstance(counts, dict) and all(isinstance(key, str) and is_number(count) for key, count in counts.items()))


def is_entry(row: object) -> bool:
    if not isinstance(row, list) or len(row) not in {10, 13}:
        return False
    kind, path, digest, reason, size, role, access, steps, package, target, *identity = row
    return (kind in ENTRY_KINDS and isinstance(path, bytes) and len(path) <= MAX_PATH
            and (digest is None or is_id(digest)) and isinstance(reason, str) and (digest is None or not reason)
            and (size is None or is_number(size)) and role in ROLES and every(access, is_text)
            and every(steps, is_index) and isinstance(package, str) and (target is None or isinstance(target, bytes))
            and (not identity or (all(each is None or is_number(each) for each in identity[:2])
                                  and every(identity[2], is_index))))


def is_step(row: object) -> bool:
    if not isinstance(row, list) or not 9 <= len(row) <= 11:
        return False
    index, parent, pid, argv, executable, started_at, ended_at, exit_code, signal, *more = row
    if not (is_used(more[0] if more else None) and (not more[1:] or is_cell(more[1]))):
        return False
    return (is_index(index) and (parent is None or is_index(parent)) and is_index(pid) and every(argv, is_any_bytes)
            and isinstance(executable, bytes) and is_time(started_at) and (ended_at is None or is_time(ended_at))
            and is_code(exit_code) and is_code(signal))


def is_used(row: object) -> bool:
    """records.Resources: its times and the number of processes are always there."""
    if row is None:
        return True
    if not isinstance(row, list) or len(row) != len(Resources._fields):
        return False
    *times, a, b, c, d, e, processes = row
    return all(map(is_number, (*times, processes))) and all(each is None or is_number(each) for each in (a, b, c, d, e))


def is_cell(row: object) -> bool:
    if not isinstance(row, list) or len(row) != len(Cell._fields):
        return False
    number, digest, failed = row
    return is_number(number) and is_id(digest) and isinstance(failed, bool)


def every(value: object, holds: Callable[[object], bool]) -> bool:
    """A list, and this is so of each in it."""
    return type(value) is list and all(map(holds, value))


def is_reason(row: object) -> bool:
    return (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], str)
            and is_number(row[2]))


def is_user(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and is_index(value[0]) and isinstance(value[1], str)


def is_host(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(isinstance(each, str) for each in value)


def is_any_bytes(value: object) -> bool:
    return isinstance(value, bytes)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_bytes(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size


def is_id(value: object) -> bool:
    return is_bytes(value, ID)


def is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_NUMBER


def is_index(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_INDEX


def is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < MAX_TIME


def is_code(value: object) -> bool:
    return value is None or (type(value) is int and -(1 << 31) <= value < 1 << 31)
