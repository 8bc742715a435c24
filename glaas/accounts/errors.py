"""Refusals that say when, or how, to come back.  Both belong to lineage.errors' tree and travel as its documents."""

from __future__ import annotations

import math

from lineage.errors import DeniedError, UnavailableError


class NotSignedInError(DeniedError):
    """Who asks is not known, or no longer: HTTP 401 with ``WWW-Authenticate: Bearer`` (RFC 9110 section 11.6.1)."""

    http_status = 401


class SlowDownError(UnavailableError):
    """Too many of these: HTTP 429 with ``Retry-After`` (RFC 6585 section 4).  ``retry_after``: seconds, 1 at least."""

    http_status = 429

    def __init__(self, message: str, seconds: float) -> None:
        self.retry_after = max(1, math.ceil(seconds))
        super().__init__(message, f"try again in {_span(self.retry_after)}")


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
