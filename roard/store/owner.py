"""What messages of the storage call this store's owner."""

from storage.owner import Owner

ROARD = Owner("roard", "run `roard fsck`")
