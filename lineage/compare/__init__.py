"""What differs between two jobs, steps, artifacts or sessions, and why: pure, over records that somebody fetched.

``model`` has the words, ``subjects`` compares two executions, ``causes`` walks up both lineages to where a difference
begins, ``sessions`` aligns two sessions, ``metrics`` reads values, ``patches`` applies recorded diffs, ``sentences`` says a
cause in words, ``document`` makes JSON.
"""
