"""Carrying out a plan of `lineage.reproduce`: a workspace, environments, inputs, steps, verdicts."""
