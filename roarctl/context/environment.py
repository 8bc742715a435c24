"""The environment that a job gets, as far as it may be written down."""

from __future__ import annotations

import os

from lineage.redact import redact_environment


def environment() -> dict[str, str]:
    """This process's environment by name, secrets replaced (lineage/redact.py)."""
    redacted = redact_environment(os.environb)
    return {name: redacted[name] for name in sorted(redacted)}
