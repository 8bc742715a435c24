"""The Lineage service over any store, and what it is made of: each caller sees what is theirs to see."""
