"""The transparency log: a Merkle tree over everything that was registered, signed. docs/log.md."""
