"""What every store of a registry says about itself: which schema its rows have, and who may still use it."""

from __future__ import annotations

from glaas.store.keyed import Key, Table
from storage.owner import Owner

#: The schema that this glaas writes.
SCHEMA = 1
#: The oldest that it can serve; older ones need ``glaas migrate`` first.
NEEDS = 1

#: What the store knows of itself; in every store, whatever else is in it.
META = Table("store_meta", 0)
#: → CBOR, see migrations.py.
STATE: Key = (b"schema", b"")

GLAAS = Owner("glaas", "restore a backup (`glaas restore`)")
