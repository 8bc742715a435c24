"""Moments as people write them: ``2d``, ``90m``, ``today``, ``2026-11-01``, ``2026-11-01T08:30``.  Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from lineage.errors import InvalidError

_AGO = re.compile(r"(\d{1,6})\s*(s|sec|min|m|h|d|w|mo|y)(?:\s+ago)?")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "mo": 30 * 86400,
            "y": 365 * 86400}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|today|yesterday")
_FORMS = "give an age (90m, 3h, 2d, 1w), today, yesterday, a date (2026-11-01) or a time (2026-11-01T08:30)"


def moment(text: str, now: float, zone: tzinfo | None = None, *, end_of_day: bool = False) -> int:
    """Nanoseconds since the epoch.  ``now``: seconds since then.  A time without a zone is in ``zone`` (None: the local
    one).  A date is its first moment, with ``end_of_day`` the first one after it.  InvalidError for what is no time."""
    text = text.strip()
    ago = _AGO.fullmatch(text.lower())
    if ago:
        return int((now - int(ago[1]) * _SECONDS[ago[2]]) * 1e9)
    try:
        if _DATE.fullmatch(text.lower()):
            return _nanoseconds(_midnight(text.lower(), now, zone) + timedelta(days=int(end_of_day)))
        return _nanoseconds(_in_zone(datetime.fromisoformat(text), zone))
    except (ValueError, OverflowError) as error:
        raise InvalidError(f"{text!r} is not a time", _FORMS) from error


def _midnight(text: str, now: float, zone: tzinfo | None) -> datetime:
    if text in {"today", "yesterday"}:
        today = datetime.fromtimestamp(now, UTC).astimezone(zone).replace(tzinfo=None)
        day = today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=text == "yesterday")
    else:
        day = datetime.fromisoformat(text)
    return _in_zone(day, zone)


def _in_zone(value: datetime, zone: tzinfo | None) -> datetime:
    if value.tzinfo is not None:
        return value
    return value.astimezone() if zone is None else value.replace(tzinfo=zone)


def _nanoseconds(value: datetime) -> int:
    seconds = int(value.timestamp())
    return seconds * 1_000_000_000 + value.microsecond * 1000
