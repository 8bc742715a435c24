"""The browser of the record, driven by keys, over a real daemon."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from harness import Project
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from roarctl.client import connect
from roarctl.tui.app import Browser
from roarctl.tui.screens import ArtifactPage, JobPage, Jobs, SessionPage
from roarctl.tui.source import Source

Walk = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
def walk(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[Walk], None]:
    """Two jobs, prep → train, and a browser of them."""
    project.write("raw.csv", f"2\n{project.path}\n1\n")  # nobody else's content
    project.sh("sort -r raw.csv > clean.csv")
    project.sh("md5sum < clean.csv > model.txt")
    monkeypatch.setenv("ROARD_SOCKET", project.environment["ROARD_SOCKET"])

    def start(walking: Walk) -> None:
        async def whole() -> None:
            with connect() as client:
                app = Browser(Source(client, os.fsencode(project.path)))
                async with app.run_test(size=(140, 40)) as pilot:
                    await settled(pilot)
                    await walking(pilot)

        asyncio.run(whole())

    return start


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


def rows(pilot: Pilot[None]) -> list[str]:
    table = pilot.app.screen.query_one(DataTable)
    return [" ".join(str(cell) for cell in table.get_row_at(at)) for at in range(table.row_count)]


def test_from_a_job_to_its_input_to_the_job_that_made_it(walk) -> None:
    async def walking(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app.screen, Jobs)
        assert [row.split()[0] for row in rows(pilot)] == ["@2", "@1"]
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, JobPage)
        assert [row.split()[:2] for row in rows(pilot)] == [["out", "model.txt"], ["in", "clean.csv"]]
        await press(pilot, "down", "enter")
        assert isinstance(pilot.app.screen, ArtifactPage)
        assert [row.split()[:3] for row in rows(pilot)] == [["made", "by", "@1"], ["used", "by", "@2"]]
        assert "raw.csv" in str(pilot.app.screen.query_one("#up", Static).render())
        assert "model.txt" in str(pilot.app.screen.query_one("#down", Static).render())
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, JobPage)
        assert pilot.app.screen.sub_title.startswith("@1 ")
        await press(pilot, "escape", "escape", "escape", "escape", "escape")
        assert isinstance(pilot.app.screen, Jobs)

    walk(walking)


def test_words_find_jobs_and_a_session_has_a_graph(walk) -> None:
    async def walking(pilot: Pilot[None]) -> None:
        await press(pilot, "slash", *"sort")
        assert [row.split()[0] for row in rows(pilot)] == ["@1"]
        await press(pilot, "escape")
        assert len(rows(pilot)) == 2
        await press(pilot, "s")
        assert isinstance(pilot.app.screen, SessionPage)
        assert "clean.csv → @2" in str(pilot.app.screen.query_one("#graph", Static).render())

    walk(walking)
