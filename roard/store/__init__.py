"""The store: LMDB, one environment, one writer."""

from roard.store.store import Store

__all__ = ["Store"]
