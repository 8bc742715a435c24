"""Puts this directory on the path, for the helpers that tests of several packages share (recorder.py)."""
