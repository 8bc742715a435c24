"""Graphs as pictures: where things stand (layout), as SVG, and as a page. What they say is the caller's."""
