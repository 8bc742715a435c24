"""The program around the screens."""

from __future__ import annotations

from textual.app import App

from roarctl.tui.screens import Jobs
from roarctl.tui.source import Source


class Browser(App[None]):
    TITLE = "roar"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def on_mount(self) -> None:
        self.push_screen(Jobs(self._source))
