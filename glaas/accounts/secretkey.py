"""Random bytes that only this registry's replicas know: what makes its challenges and states ones that it gave out."""

from __future__ import annotations

import secrets

from glaas.accounts.credentials import keyed
from glaas.accounts.tables import SECRETS, row
from glaas.store.keyed import KeyedStore

_NAME = row("challenges")


class SecretKey:
    """Made when it is first needed; 32 bytes."""

    def __init__(self, store: KeyedStore) -> None:
        self._store = store
        self._key = b""

    def mac(self, purpose: str, data: bytes) -> bytes:
        return keyed(self._bytes(), purpose, data)

    def _bytes(self) -> bytes:
        if not self._key:
            with self._store.read() as reader:
                self._key = reader.get(SECRETS, [_NAME]).get(_NAME, b"")
        if not self._key:
            made = secrets.token_bytes(32)
            self._store.write(lambda writer: writer.add(SECRETS, [(_NAME, made)]))
            with self._store.read() as reader:
                self._key = reader.get(SECRETS, [_NAME])[_NAME]  # another replica's, if that was first
        return self._key
