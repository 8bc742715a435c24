"""The address of a PostgreSQL store: libpq's URL, and what is glaas's own in its query part."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lineage.errors import InvalidError

POOL = 16  # connections of a process at most
#: What libpq is told where the URL does not say otherwise: to notice a server that is gone within seconds.
_DEFAULTS = {"application_name": "glaas", "connect_timeout": "5", "tcp_user_timeout": "10000"}
#: Every query goes by the primary key, whatever the planner guesses of the size of a batch; compiling one costs more than it.
SETTINGS = {"jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


class Address(NamedTuple):
    """``conninfo``: for libpq.  ``pool``: connections at most.  ``pooled``: a pooler like pgbouncer is between, so nothing may
    outlast a transaction."""

    conninfo: str
    pool: int
    pooled: bool


def parse(url: str) -> Address:
    """``?pool=N`` and ``?pgbouncer=true`` are glaas's, all else libpq's.  InvalidError for what is no such URL."""
    base, _, query = url.partition("?")
    own, others = {}, []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in {"pool", "pgbouncer"}:
            own[name] = value
        else:
            others.append(f"{quote(name, safe='')}={quote(value, safe='')}")
    hint = "give postgresql://USER@HOST/DATABASE?pool=16&pgbouncer=true, or whatever else libpq takes"
    if not own.get("pool", "1").isdecimal() or own.get("pgbouncer", "true") not in {"true", "false"}:
        raise InvalidError("--store has a pool that is no number, or a pgbouncer that is neither true nor false", hint)
    try:
        given = {**_DEFAULTS, **conninfo_to_dict(f"{base}?{'&'.join(others)}")}
    except psycopg.ProgrammingError as error:
        raise InvalidError(f"--store is not an address of PostgreSQL: {str(error).strip()}", hint) from error
    pooled = own.get("pgbouncer") == "true"
    if not pooled:
        settings = " ".join(f"-c{name}={value}" for name, value in SETTINGS.items())
        given["options"] = f"{given.get('options') or ''} {settings}".strip()
    return Address(make_conninfo("", **given), max(1, int(own.get("pool", POOL))), pooled)
