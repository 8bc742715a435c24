"""What resolvers answer, and what only looks like it."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roard.probe.answers import addresses_of


def message(name: str, *records: tuple[str, str, str], kind: str = "A", response: bool = True) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    made = dns.message.make_response(query) if response else query
    for owner, sort, value in records:
        made.find_rrset(made.answer, dns.name.from_text(owner), dns.rdataclass.IN, dns.rdatatype.from_text(sort),
                        create=True).add(dns.rdata.from_text("IN", sort, value))
    return made


ALIAS = message("Data.Example.", ("data.example.", "CNAME", "edge.example."), ("edge.example.", "A", "192.0.2.1"),
                ("edge.example.", "A", "192.0.2.2"), ("other.example.", "A", "192.0.2.9"))


def test_alias_is_followed_to_the_name_that_was_asked_for() -> None:
    """In lower case; what else is in the message is not an answer."""
    told = addresses_of(ALIAS.to_wire(), stream=False)
    assert told is not None
    assert (told[0], sorted(told[1])) == ("data.example", [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])])


def test_ipv6() -> None:
    told = message("six.example.", ("six.example.", "AAAA", "2001:db8::1"), kind="AAAA")
    assert addresses_of(told.to_wire(), stream=False) == ("six.example", (bytes.fromhex("20010db8" + "0" * 22 + "01"),))


def test_over_tcp_with_its_length_or_without() -> None:
    wire = ALIAS.to_wire()  # of which the order is another each time
    assert addresses_of(len(wire).to_bytes(2, "big") + wire, stream=True) == addresses_of(wire, stream=True) is not None


@pytest.mark.parametrize("other", [
    message("data.example.", response=False),
    message("data.example."),
    message("data.example.", ("data.example.", "CNAME", "edge.example.")),
    message("data.example.", ("data.example.", "TXT", "text"), kind="TXT"),
    message("1.2.0.192.in-addr.arpa.", ("1.2.0.192.in-addr.arpa.", "PTR", "x.example."), kind="PTR"),
])
def test_messages_that_tell_no_address(other: dns.message.Message) -> None:
    assert addresses_of(other.to_wire(), stream=False) is None


def test_aliases_in_a_ring() -> None:
    ring = message("a.example.", ("a.example.", "CNAME", "b.example."), ("b.example.", "CNAME", "a.example."))
    assert addresses_of(ring.to_wire(), stream=False) is None


def test_name_that_would_act_on_a_terminal_is_escaped() -> None:
    told = message(r"a\027[2J.example.", (r"a\027[2J.example.", "A", "192.0.2.1"))
    assert addresses_of(told.to_wire(), stream=False) == (r"a\027[2j.example", (bytes([192, 0, 2, 1]),))


@given(st.binary(max_size=600), st.booleans())
def test_anything_may_come_from_port_53(data: bytes, stream: bool) -> None:
    assert addresses_of(data, stream) is None or data


@given(st.integers(0, 100), st.integers(0, 255), st.integers(0, 255))
def test_damaged_answers_hurt_nobody(at: int, byte: int, cut: int) -> None:
    wire = bytearray(ALIAS.to_wire())
    wire[at % len(wire)] = byte
    addresses_of(bytes(wire[:cut or None]), stream=False)
