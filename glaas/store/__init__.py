"""What a registry remembers: an ordered key-value store (LMDB or PostgreSQL), and the registry's tables on it."""
