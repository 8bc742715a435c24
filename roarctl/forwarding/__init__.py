"""The program that sends jobs to a registry for roard: `python -m roarctl.forwarding`, started by roard alone
(docs/forwarding.md). It is never root, and what it may know comes over the descriptor that it inherits."""
