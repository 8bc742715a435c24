"""What a resolver answered: which name was asked for, and the addresses that it leads to (RFC 1035 section 4).

The message is whatever came to a socket of the job from port 53, so nothing about it is certain.
"""

from __future__ import annotations

from ipaddress import ip_address

_PREFIX = 2  # over TCP a length stands before each message (RFC 1035 section 4.2.2), if it was not read by itself
_MOST_ADDRESSES = 64


def addresses_of(message: bytes, stream: bool) -> tuple[str, tuple[bytes, ...]] | None:
    """(the name in lower case without its last dot, addresses of 4 or 16 bytes); None: no such answer.

    CNAMEs are followed from the name that was asked for; what else the message holds does not count.
    """
    found = _parsed(message)
    if found is None and stream:
        found = _parsed(message[_PREFIX:])
    return found


def _parsed(message: bytes) -> tuple[str, tuple[bytes, ...]] | None:
    import dns.message  # not before it is needed: most jobs ask no resolver

    try:
        parsed = dns.message.from_wire(message, ignore_trailing=True)
        if not isinstance(parsed, dns.message.QueryMessage):
            return None
        chain = parsed.resolve_chaining()
        if chain.answer is None:
            return None
        texts = [record.address for record in chain.answer][:_MOST_ADDRESSES]  # A and AAAA have one
        name = parsed.question[0].name.canonicalize().to_text(omit_final_dot=True)
        return name, tuple(ip_address(text).packed for text in texts)
    except Exception:  # the library raises what it likes for a message that is none
        return None
