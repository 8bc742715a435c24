"""What a row has to be, beyond its checksum: content-addressed rows are hashed again."""

from __future__ import annotations

from glaas.registry.tables import PARTS
from glaas.store.keyed import Key, Table
from lineage import ids
from lineage.errors import CorruptError


def verify(table: Table, key: Key, value: bytes) -> None:
    """CorruptError for a record or a chunk that is not what its id names."""
    if table == PARTS and ids.content_id(value) != key[0]:
        raise CorruptError(f"{key[0].hex()[:16]}… is not the hash of what the backup has under it",
                           "take another backup; the store that this one is of is damaged, or was changed")
