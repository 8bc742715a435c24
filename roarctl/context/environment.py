"""The environment that a job gets, as far as it may be written down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase

from lineage.redact import redact_environment


def environment() -> dict[str, str]:
    """This process's environment by name, secrets replaced (lineage/redact.py)."""
    redacted = redact_environment(os.environb)
    return {name: redacted[name] for name in sorted(redacted)}


def recorded(given: Mapping[bytes, bytes], omit: tuple[str, ...] = (), record: tuple[str, ...] = ()) -> dict[str, str]:
    """What is written down of an environment: without what ``omit`` names and ``record`` does not, secrets replaced."""
    if not omit:
        return redact_environment(given)
    return redact_environment({name: value for name, value in given.items()
                               if not left_out(name.decode("utf-8", "backslashreplace"), omit, record)})


def left_out(name: str, omit: tuple[str, ...], record: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in omit) and not any(fnmatchcase(name, pattern) for pattern in record)
