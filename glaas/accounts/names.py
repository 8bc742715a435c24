"""What an account, an organisation, a token may be called.  Pure.

Accounts and organisations have one namespace, since a name stands for both in addresses and pages; a name that was given
away once is never given again, so that nobody becomes somebody else by waiting.
"""

from __future__ import annotations

import re
import unicodedata

from lineage.errors import InvalidError

MAX_NAME = 39
MAX_TITLE = 80
#: ASCII alone, so that no two names look alike; no separator at an end or beside another.
_NAME = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
#: Words that mean something where a name could stand.
RESERVED = frozenset({"public", "private", "anonymous", "everyone", "nobody", "me", "none", "user", "org"})
_FORM = f"a name has lower case letters and digits, single - _ . between them, and {MAX_NAME} characters at most"


def account_name(text: str) -> str:
    """The name; InvalidError for what is none."""
    if not _is_name(text):
        lowered = text.strip().lower()
        raise InvalidError(f"{text[:60]!r} cannot be a name", f"did you mean {lowered}?" if _is_name(lowered) else _FORM)
    if text in RESERVED:
        raise InvalidError(f"the name {text} is reserved", "take another one")
    return text


def is_name(text: str) -> bool:
    """Whether it could be the name of an account or an organisation."""
    return _is_name(text) and text not in RESERVED


def title(text: str, what: str) -> str:
    """What people call a token or a key: one line of printable text.  InvalidError for anything else."""
    made = unicodedata.normalize("NFC", text).strip()
    if not made or len(made) > MAX_TITLE or not made.isprintable():
        raise InvalidError(f"{what} needs a name of 1 to {MAX_TITLE} printable characters", "such as the machine it is for")
    return made


def near(text: str) -> str:
    """A name like ``text``, which comes from elsewhere (``Ada Lovelace``: ada-lovelace); empty: nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text.partition("@")[0]).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_NAME - 4].strip("-")
    return f"{made}-1" if made in RESERVED else made


def _is_name(text: str) -> bool:
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None
