"""`roar tui`: the record to walk through, from job to artifact to job. Needs textual (roar[tui])."""
