"""How much one address or account may ask of one process: token buckets, in bounded memory.

Failed sign-ins are counted in the store (``failures``), since they have to count on every replica; this is only against load.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from glaas.accounts.errors import SlowDownError

Action: TypeAlias = Literal["sign-in", "register", "read", "search"]


class Rate(NamedTuple):
    """``burst`` at once, then ``per_second``."""

    per_second: float
    burst: float


#: For one address or account.  A page with its pictures is ten reads.
DEFAULTS: Mapping[Action, Rate] = {
    "sign-in": Rate(0.5, 30), "register": Rate(50, 500), "read": Rate(100, 1000), "search": Rate(10, 60)}


class Limits:
    """``most``: so many buckets at most; the ones unused for longest are forgotten, which makes them full.  ``clock``: seconds
    that only go forward.  A rate of 0 per second with a burst of 0 means no limit."""

    def __init__(self, rates: Mapping[Action, Rate] = DEFAULTS, clock: Callable[[], float] = time.monotonic,
                 most: int = 100_000) -> None:
        self._rates = {**DEFAULTS, **rates}
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[tuple[Action, str], tuple[float, float]] = OrderedDict()  # (left, as of)
        self._lock = threading.Lock()

    def take(self, action: Action, who: str, cost: float = 1) -> None:
        """``who``: an account's name or ``network_of`` an address.  SlowDownError: not now.  What costs more than the burst
        is let through when the bucket is full."""
        rate = self._rates[action]
        if rate.burst <= 0:
            return
        now = self._clock()
        key = (action, who)
        with self._lock:
            left, then = self._buckets.pop(key, (rate.burst, now))
            left = min(rate.burst, left + (now - then) * rate.per_second)
            wanted = min(cost, rate.burst)
            self._buckets[key] = (left - wanted if left >= wanted else left, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        if left < wanted:
            raise SlowDownError(f"too many requests ({action})",
                                (wanted - left) / rate.per_second if rate.per_second > 0 else 3600)

    def __len__(self) -> int:
        return len(self._buckets)


def network_of(address: str) -> str:
    """Whose address it is, as far as it tells: an IPv6 one's /64, which is what one customer has; else itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{ipaddress.IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)
