from __future__ import annotations

import os

import pytest
from keyed_tables import DATABASES


def test_the_suite_runs_on_the_database_that_is_named() -> None:
    """Citus, or whatever GLAAS_TEST_DSN names: one line where it is not there, not one a test."""
    if not os.environ.get("GLAAS_TEST_DSN"):
        pytest.skip("GLAAS_TEST_DSN names no database: the registry's tests ran on LMDB and on PostgreSQL alone")
    assert "dsn" in DATABASES
