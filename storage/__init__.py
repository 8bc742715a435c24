"""How an LMDB environment is made, opened, written and checked: the same for the daemon's store and for the registry's."""
