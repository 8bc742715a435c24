"""Lineage in the words of others: one common model (``model``), one module a format. Pure: JSON is made, nothing is read."""
