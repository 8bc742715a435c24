"""The domain: records, content ids, lineage graphs. No BPF, no LMDB, no sockets."""
