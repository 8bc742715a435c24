"""Endpoints and the names of their addresses, from events."""

from __future__ import annotations

import socket

from roard.observe.events import AnswerEvent, EndpointEvent
from roard.observe.network import MOST_ENDPOINTS, NetworkTable
from roard.probe import layout

OFFSET = 1_000_000_000
PYPI = bytes([151, 101, 0, 223])


def endpoint(address: bytes = PYPI, *, kind: int = layout.CONNECT, time: int = 10, step: int = 100, tgid: int = 1,
             family: int = socket.AF_INET, protocol: int = 6, port: int = 443) -> EndpointEvent:
    return EndpointEvent(kind, 0, 1, step, time, tgid, family, protocol, port, address)


def answer(name: str, *addresses: bytes, time: int = 5, tgid: int = 1) -> AnswerEvent:
    return AnswerEvent(layout.ANSWER, 0, 1, 100, time, tgid, name, addresses)


def told(*events: EndpointEvent | AnswerEvent) -> list[tuple[object, ...]]:
    rows = table(*events).records(lambda step: step // 100 - 1, OFFSET)
    return [(row["address"], row["port"], row["protocol"], row["direction"], row["name"], row["steps"]) for row in rows]


def table(*events: EndpointEvent | AnswerEvent) -> NetworkTable:
    made = NetworkTable()
    for event in events:
        if isinstance(event, AnswerEvent):
            made.answer(event)
        else:
            made.endpoint(event)
    return made


def test_record_of_an_endpoint() -> None:
    """Every field, as JSON has it."""
    assert table(answer("pypi.org", PYPI), endpoint()).records(lambda _: 3, OFFSET) == [{
        "address": "151.101.0.223", "port": 443, "family": "inet", "protocol": "tcp", "direction": "connected",
        "name": "pypi.org", "steps": [3], "first_at": "1970-01-01T00:00:01.000000010Z"}]


def test_an_endpoint_of_several_steps_is_one() -> None:
    assert told(endpoint(step=200, time=9), endpoint(step=100)) == [
        ("151.101.0.223", 443, "tcp", "connected", None, [0, 1])]


def test_name_is_that_which_was_told_last_before() -> None:
    """An answer may arrive after the connection that it was for; one that came later in time is not for it."""
    answers = [answer("late", PYPI, time=11), answer("first", PYPI, time=5), answer("last", PYPI, time=6)]
    assert told(endpoint(time=10), *answers) == [
        ("151.101.0.223", 443, "tcp", "connected", "last", [0])]


def test_name_that_the_process_was_told_goes_before_that_of_another() -> None:
    assert told(answer("mine", PYPI, time=5, tgid=1), answer("theirs", PYPI, time=6, tgid=2), endpoint(tgid=1)) == [
        ("151.101.0.223", 443, "tcp", "connected", "mine", [0])]
    assert told(answer("theirs", PYPI, time=6, tgid=2), endpoint(tgid=1)) == [
        ("151.101.0.223", 443, "tcp", "connected", "theirs", [0])]


def test_two_names_of_one_address_are_two_endpoints() -> None:
    assert told(answer("a", PYPI, time=1), endpoint(time=2), answer("b", PYPI, time=3), endpoint(time=4)) == [
        ("151.101.0.223", 443, "tcp", "connected", "a", [0]), ("151.101.0.223", 443, "tcp", "connected", "b", [0])]


def test_order_does_not_depend_on_that_of_arrival() -> None:
    events = [endpoint(time=time, port=port) for time, port in ((3, 1), (2, 9), (2, 8))]
    unix = endpoint(b"/run/x\0", family=socket.AF_UNIX, time=1, port=0)
    assert [row[1] for row in told(unix, *events)] == [row[1] for row in told(*events[::-1], unix)] == [8, 9, 1, None]


def test_addresses_as_people_write_them() -> None:
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    mapped = socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.1")
    rows = told(endpoint(six, family=socket.AF_INET6, protocol=17, kind=layout.SEND),
                endpoint(mapped, family=socket.AF_INET6, kind=layout.ACCEPT, port=80),
                endpoint(b"\0bus", family=socket.AF_UNIX, protocol=0, port=0),
                endpoint(b"/run/\xff\0rest", family=socket.AF_UNIX, protocol=0, port=0), endpoint(protocol=250))
    assert [row[:4] for row in rows] == [
        ("151.101.0.223", 443, "ip protocol 250", "connected"), ("192.0.2.1", 80, "tcp", "accepted"),
        ("2001:db8::1", 443, "udp", "sent"),
        ("/run/\\xff", None, "unix", "connected"), ("@bus", None, "unix", "connected")]


def test_who_connected_to_the_job_has_no_name() -> None:
    """The job asked for that name for another purpose."""
    assert told(answer("pypi.org", PYPI), endpoint(kind=layout.ACCEPT))[0][4] is None


def test_what_is_not_kept_is_counted() -> None:
    """However long the job goes on, it takes no more memory."""
    made = NetworkTable()
    for number in range(70_000):
        made.endpoint(endpoint(bytes([10, *number.to_bytes(3, "big")]), time=number))
    assert len(made.records(lambda _: 0, OFFSET)) == MOST_ENDPOINTS
    assert made.more == 70_000 - MOST_ENDPOINTS
