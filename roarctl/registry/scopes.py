"""Who may see what is registered: the words for it."""

from __future__ import annotations

import re

from lineage.errors import InvalidError

_SCOPE = re.compile(r"private|public|org:[a-z0-9][a-z0-9._-]*")


def is_scope(text: str) -> bool:
    return _SCOPE.fullmatch(text) is not None


def checked(text: str) -> str:
    """InvalidError for what is none."""
    if not is_scope(text):
        raise InvalidError(f"{text!r} does not say who may see it", "it is private, public or org:NAME")
    return text
