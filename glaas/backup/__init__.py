"""Backups of a registry: one file that is the same whatever database it came from, and that can be checked without one."""
