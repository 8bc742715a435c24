"""The screens. Each asks in a thread of its own for what it shows, so that keys are always answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Header, Input, Static, TabbedContent, TabPane

from lineage import wire
from lineage.errors import RoarError
from lineage.records import SHOWN_ROLES, Entry, Job, JobHead, Session
from lineage.v1 import lineage_pb2, records_pb2
from roarctl.references import Target
from roarctl.render.dag import dag_lines
from roarctl.render.jobs import entry_row, job_lines, session_lines, short_id
from roarctl.render.summary import outcome
from roarctl.render.text import JOB_DIGITS, Palette, command_text, duration_text, path_text, printable, size_text, when_text
from roarctl.render.tree import tree_lines
from roarctl.tui.source import Source

_COLOURED = Palette(enabled=True)
_COMMAND_WIDTH = 100
Answer = TypeVar("Answer")


class Page(Screen[None]):
    """A screen that is filled by what the daemon answers, and leads to others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back"), Binding("r", "reload", "Reload"), Binding("q", "app.quit", "Quit")]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def on_mount(self) -> None:
        self.action_reload()

    def action_back(self) -> None:
        if len(self.app.screen_stack) > 2:  # the first is textual's own
            self.app.pop_screen()

    def action_reload(self) -> None:
        raise NotImplementedError

    def ask(self, question: Callable[[], Answer], show: Callable[[Answer], None]) -> None:
        """``show`` the answer, once it is there; what goes wrong is said below."""
        def work() -> None:
            try:
                answer = question()
            except RoarError as error:
                hint = f"\n{error.hint}" if error.hint else ""
                self.app.call_from_thread(self.notify, printable(error.message) + hint, severity="error", timeout=10)
            else:
                self.app.call_from_thread(show, answer)

        self.run_worker(work, thread=True, exclusive=False)


class Jobs(Page):
    """The log: of this project, or of all."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "everywhere", "All projects"), Binding("slash", "find", "Find"),
                                             Binding("s", "session", "Session")]

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._jobs: list[JobHead] = []
        self._everywhere = False

    def compose(self) -> ComposeResult:
        yield Header()
        yield Input(placeholder="words of a command, @number, host or user; Enter to go on")
        yield DataTable[Text](cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self.query_one(DataTable).add_columns("job", "id", "when", "took", "ended", "command", "project")
        super().on_mount()
        self.query_one(DataTable).focus()

    def action_reload(self) -> None:
        everywhere = self._everywhere
        self.ask(lambda: self.source.jobs(everywhere=everywhere), self._show)

    def action_everywhere(self) -> None:
        self._everywhere = not self._everywhere
        self.action_reload()

    def action_find(self) -> None:
        found = self.query_one(Input)
        found.display = True
        found.focus()

    def action_back(self) -> None:
        found = self.query_one(Input)
        found.value, found.display = "", False
        self.query_one(DataTable).focus()

    def action_session(self) -> None:
        table = self.query_one(DataTable)
        if table.row_count:
            self.app.push_screen(SessionPage(self.source, self._shown()[table.cursor_row].session))

    def on_input_changed(self) -> None:
        self._fill()

    def on_input_submitted(self) -> None:
        self.query_one(DataTable).focus()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        head = self._shown()[event.cursor_row]
        self.app.push_screen(JobPage(self.source, head.id or head.run))

    def _show(self, answer: tuple[list[JobHead], bool]) -> None:
        self._jobs, more = answer
        where = "all projects" if self._everywhere else printable(self.source.project)
        self.sub_title = f"{len(self._jobs)} jobs of {where}{', and older ones' if more else ''}"
        self._fill()

    def _shown(self) -> list[JobHead]:
        words = self.query_one(Input).value.lower().split()
        return [head for head in self._jobs if all(word in _words(head) for word in words)]

    def _fill(self) -> None:
        table = self.query_one(DataTable)
        table.clear()
        for head in self._shown():
            table.add_row(*_job_cells(head), Text(printable(head.project)))


class JobPage(Page):
    """One job: what it was, its files, what it came from."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "all", "All roles"), Binding("s", "session", "Session")]

    def __init__(self, source: Source, identity: bytes) -> None:
        super().__init__(source)
        self._identity = identity
        self._job: Job | None = None
        self._all = False

    def compose(self) -> ComposeResult:
        yield Header()
        with TabbedContent():
            with TabPane("Files"):
                yield DataTable[Text](cursor_type="row", zebra_stripes=True)
            with TabPane("About"), VerticalScroll():
                yield Static(id="about")
            with TabPane("Came from"), VerticalScroll():
                yield Static(id="graph")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(DataTable).add_columns("", "path", "hash", "size", "")
        super().on_mount()
        self.query_one(DataTable).focus()

    def action_reload(self) -> None:
        self.ask(lambda: self.source.job(self._identity), self._show)
        self.ask(lambda: self.source.lineage(job=self._identity), lambda graph: self.query_one("#graph", Static).update(
            _text(dag_lines(graph, _COLOURED))))

    def action_all(self) -> None:
        self._all = not self._all
        if self._job:
            self._show(self._job)

    def action_session(self) -> None:
        if self._job:
            self.app.push_screen(SessionPage(self.source, self._job.head.session))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        entry = self._entries()[event.cursor_row]
        if entry.hash is None:
            self.notify(f"its content is not known: {printable(entry.hash_reason) or 'it has none'}", severity="warning")
        else:
            self.app.push_screen(ArtifactPage(self.source, entry.hash, entry.path))

    def _entries(self) -> list[Entry]:
        order = {"output": 0, "input": 1}
        entries = self._job.entries if self._job else ()
        return sorted((entry for entry in entries if self._all or (entry.role in SHOWN_ROLES and entry.kind in order)),
                      key=lambda entry: (order.get(entry.kind, 2), entry.path))

    def _show(self, job: Job) -> None:
        self._job = job
        head = job.head
        self.sub_title = f"@{head.number} {short_id(head)}  {command_text(head.argv, 60)}"
        self.query_one("#about", Static).update(_text(job_lines(job, _COLOURED, everything=self._all)))
        table = self.query_one(DataTable)
        table.clear()
        for entry in self._entries():
            table.add_row(Text({"output": "out", "input": "in"}.get(entry.kind, entry.kind)),
                          *(Text.from_ansi(cell) for cell in entry_row(entry, head.cwd, _COLOURED)))


class ArtifactPage(Page):
    """One content: who made it, who used it, where it came from and what became of it."""

    def __init__(self, source: Source, digest: bytes, path: bytes) -> None:
        super().__init__(source)
        self._digest = digest
        self._path = path
        self._sightings: list[records_pb2.Sighting] = []

    def compose(self) -> ComposeResult:
        yield Header()
        with TabbedContent():
            with TabPane("Jobs"):
                yield DataTable[Text](cursor_type="row", zebra_stripes=True)
            with TabPane("Came from"), VerticalScroll():
                yield Static(id="up")
            with TabPane("Became"), VerticalScroll():
                yield Static(id="down")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(DataTable).add_columns("", "job", "id", "when", "took", "ended", "command", "path")
        super().on_mount()
        self.query_one(DataTable).focus()

    def action_reload(self) -> None:
        self.ask(lambda: self.source.artifact(self._digest), self._show)
        self._draw("#up", down=False)
        self._draw("#down", down=True)

    def _draw(self, name: str, *, down: bool) -> None:
        target = Target("artifact", self._digest, self._path)
        self.ask(lambda: self.source.lineage(artifact=self._digest, path=self._path, down=down),
                 lambda graph: self.query_one(name, Static).update(
                     _text(tree_lines(graph, target, {}, self.source.project, _COLOURED, down=down))))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        job = self._sightings[event.cursor_row].job
        self.app.push_screen(JobPage(self.source, job.id or job.run))

    def _show(self, artifact: records_pb2.Artifact) -> None:
        size = size_text(artifact.size) if artifact.HasField("size") else "size unknown"
        self.sub_title = f"{path_text(self._path, self.source.project)}  {artifact.hash.hex()[:16]}  {size}"
        self._sightings = [*artifact.producers, *artifact.consumers]
        table = self.query_one(DataTable)
        table.clear()
        for at, sighting in enumerate(self._sightings):
            table.add_row(Text("made by" if at < len(artifact.producers) else "used by"),
                          *_job_cells(wire.head_from(sighting.job)), Text(printable(sighting.entry.path)))


class SessionPage(Page):
    """One session: its jobs, and their graph."""

    def __init__(self, source: Source, identity: bytes) -> None:
        super().__init__(source)
        self._identity = identity
        self._jobs: list[JobHead] = []

    def compose(self) -> ComposeResult:
        yield Header()
        with TabbedContent():
            with TabPane("Jobs"):
                yield DataTable[Text](cursor_type="row", zebra_stripes=True)
            with TabPane("Graph"), VerticalScroll():
                yield Static(id="graph")
            with TabPane("About"), VerticalScroll():
                yield Static(id="about")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(DataTable).add_columns("job", "id", "when", "took", "ended", "command")
        super().on_mount()
        self.query_one(DataTable).focus()

    def action_reload(self) -> None:
        self.ask(lambda: self.source.session(self._identity), self._show)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        head = self._jobs[event.cursor_row]
        self.app.push_screen(JobPage(self.source, head.id or head.run))

    def _show(self, answer: tuple[Session, list[JobHead], lineage_pb2.Graph]) -> None:
        session, self._jobs, graph = answer
        self.sub_title = f"session {session.id.hex()[:JOB_DIGITS]} of {printable(session.project)}"
        table = self.query_one(DataTable)
        table.clear()
        for head in self._jobs:
            table.add_row(*_job_cells(head))
        self.query_one("#graph", Static).update(_text(dag_lines(graph, _COLOURED)))
        self.query_one("#about", Static).update(_text(session_lines(session, self._jobs[:20], time.time(), _COLOURED)))


def _job_cells(head: JobHead) -> list[Text]:
    took = duration_text((head.ended_at - head.started_at) / 1e9) if head.ended_at is not None else "runs"
    incomplete = "" if head.complete or head.id is None else " !"
    return [Text(f"@{head.number}"), Text(short_id(head), "yellow"), Text(when_text(head.started_at, time.time())),
            Text(took, justify="right"), Text.from_ansi(outcome(head, _COLOURED) + incomplete),
            Text(command_text(head.argv, _COMMAND_WIDTH))]


def _words(head: JobHead) -> str:
    return f"@{head.number} {command_text(head.argv)} {head.host.name} {head.user.name} {printable(head.project)}".lower()


def _text(lines: Iterable[str]) -> Text:
    return Text.from_ansi("\n".join(lines))
