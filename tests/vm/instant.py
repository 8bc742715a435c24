"""A pytest plugin: what failed is printed at once, since on an emulated machine the end is far."""

from __future__ import annotations

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        print(f"\n{report.longreprtext}\n", flush=True)
