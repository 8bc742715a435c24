"""Passwords: Argon2id with the second recommended parameters of RFC 9106 section 4 (64 MiB, 3 passes, 4 lanes).

A check costs memory and time on purpose: some at once at most, and never inside a transaction of the store.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from glaas.accounts.credentials import new_secret
from glaas.accounts.errors import SlowDownError
from lineage.errors import InvalidError

MIN_LENGTH, MAX_LENGTH = 10, 256  # characters
_AT_ONCE = 4  # 256 MiB
_WAITING = 6  # more would keep the server's threads from everybody else
_WAIT = 5.0  # seconds
_BUSY = "too many people are signing in just now"


class Passwords:
    """``hasher``: with other parameters; those that were hashed with old ones are hashed anew as they are used."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # its defaults are argon2.profiles.RFC_9106_LOW_MEMORY
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._queue = threading.BoundedSemaphore(_AT_ONCE + _WAITING)

    def hash(self, password: str) -> str:
        """To be stored: the parameters and a random salt are in it."""
        return self._one_of_few(password, None) or ""

    def verify(self, stored: str, password: str) -> bool:
        """Whether it is this one.  ``stored`` empty (no such account, or one without password): as much work for a no."""
        return self._one_of_few(password, stored or self._nobodys) is not None and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        return self._hasher.check_needs_rehash(stored)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(new_secret())

    def _one_of_few(self, password: str, stored: str | None) -> str | None:
        """A new hash, or with ``stored`` the same when the password is right and None when it is not."""
        text = _normal(password)
        with self._place():
            if stored is None:
                return self._hasher.hash(text)
            try:
                self._hasher.verify(stored, text)
            except (VerificationError, InvalidHashError):
                return None
            return stored

    @contextmanager
    def _place(self) -> Iterator[None]:
        """SlowDownError: too many wait for one."""
        if not self._queue.acquire(blocking=False):
            raise SlowDownError(_BUSY, _WAIT)
        try:
            if not self._places.acquire(timeout=_WAIT):
                raise SlowDownError(_BUSY, _WAIT)
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._queue.release()


def acceptable(password: str, account: str) -> str:
    """The password, if it may be one (NIST SP 800-63B section 3.1.1: length counts, composition does not).  InvalidError: why
    not."""
    text = _normal(password)
    if len(text) < MIN_LENGTH:
        raise InvalidError(f"the password has less than {MIN_LENGTH} characters", "a few words make a good one")
    if len(text) > MAX_LENGTH:
        raise InvalidError(f"the password has more than {MAX_LENGTH} characters", "a shorter one will do")
    if len(set(text)) < 4 or text.lower().replace(account, "", 1).isdigit() or text.lower() == account:
        raise InvalidError("the password is easy to guess", "a few words make a good one")
    return password


def _normal(password: str) -> str:
    """One text however a keyboard composes it; what is too long is cut, which only matters to who guesses."""
    return unicodedata.normalize("NFKC", password[:4 * MAX_LENGTH]).encode("utf-8", "replace").decode()
