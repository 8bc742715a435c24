"""The table of files: what a sequence of events means, without a kernel."""

from __future__ import annotations

import itertools

import pytest

from roard.observe.events import AccessEvent, ContentEvent, NameEvent
from roard.observe.files import RENAME_EXCHANGE, FileTable
from roard.observe.filestate import CHANGED_BEFORE, FileState
from roard.probe import layout

STEP = 7


class Story:
    """Events as a process would cause them; files are named by inode numbers."""

    def __init__(self) -> None:
        self.table = FileTable()
        self.now = itertools.count(1)

    def file(self, ino: int, version: int = 1, size: int = 10) -> tuple[int, int, int, int, int, int, int, int]:
        return (1, ino, 0, size, version, version, 0xEF53, 0o100644)

    def access(self, kind: int, ino: int, path: bytes | None = None, flags: int = 0, mode: int = 3, version: int = 1,
               size: int = 10, step: int = STEP, offset: int = 0, f_flags: int = 0,
               dentry: int = 0) -> None:
        flags |= layout.F_PATH if path else 0
        file = self.file(ino, version, size)
        self.table.access(AccessEvent(kind, flags, 1, step, next(self.now), 42, 3, file, path, b"", offset, 1 << 32, mode,
                                      f_flags, dentry or 1000 + ino))

    def name(self, kind: int, first: bytes, second: bytes = b"", call_flags: int = 0) -> None:
        self.table.name(NameEvent(kind, 0, 1, STEP, next(self.now), 42, -1, None, first, second, call_flags, 0))

    def content(self, ino: int, digest: bytes, version: int = 1, time: int | None = None) -> None:
        when = next(self.now) if time is None else time
        self.table.content(ContentEvent(64, 0, 1, STEP, when, self.file(ino, version), digest))

    def state(self, ino: int) -> FileState:
        return self.table.states[1, ino, 0]


@pytest.fixture
def story() -> Story:
    return Story()


def test_read_makes_an_input_of_the_version_that_was_read(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/a", mode=1)
    assert not story.state(1).taken
    story.access(layout.READ, 1, version=2)
    state = story.state(1)
    assert (state.input_path, state.input_file is not None and state.input_file.mtime) == (b"/d/a", 2)
    assert list(story.table.wants.values()) == [state]


def test_content_that_was_carried_needs_no_hashing(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a")
    story.content(1, b"h")
    assert story.state(1).input_hash == b"h"
    assert story.table.wants == {}


def test_content_may_be_told_before_its_read(story: Story) -> None:
    """It has a ring of its own."""
    story.content(1, b"h", time=2)
    story.access(layout.OPEN, 1, b"/d/a", mode=1)
    story.content(1, b"later", time=4)
    story.access(layout.READ, 1)
    assert story.state(1).input_hash == b"h"
    assert story.table.wants == {}


def test_content_may_be_told_after_the_write_that_followed_it(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a")  # at 1
    story.access(layout.WRITE, 1, version=9)  # at 2
    story.content(1, b"old", time=1)
    assert story.state(1).input_hash == b"old"


def test_content_of_another_version_is_refused(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a", version=1)
    story.content(1, b"h", version=2)
    assert story.state(1).input_hash is None
    assert story.state(1).input_reason == CHANGED_BEFORE


def test_content_read_after_writing_is_not_the_inputs(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a")
    story.access(layout.WRITE, 1)
    story.content(1, b"new")
    assert story.state(1).input_hash is None


def test_written_then_read_is_no_input(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/a", layout.F_CREATED)
    story.access(layout.READ, 1)
    assert not story.state(1).taken
    assert story.state(1).wrote == {"create"}
    assert story.state(1).read == {"read"}


def test_hash_from_before_the_read_counts_if_it_is_that_version(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/a", mode=1, size=1 << 20)
    story.state(1).take_hash(1 << 20, 1, 1, b"h")
    story.access(layout.READ, 1, size=1 << 20)
    assert story.state(1).input_hash == b"h"


def test_a_hash_with_another_ctime_counts_only_after_a_rename(story: Story) -> None:
    for ino, renamed, expected in ((1, False, None), (2, True, b"h")):
        path = b"/d/%d" % ino
        story.access(layout.READ, ino, path)
        if renamed:
            story.name(layout.RENAME, path, path + b"x")
        story.state(ino).take_hash(10, 1, 99, b"h")
        assert expected == story.state(ino).input_hash


def test_large_files_are_wanted_when_they_are_opened(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/small", mode=1, size=layout.CARRY_MAX)
    story.access(layout.OPEN, 2, b"/d/large", mode=1, size=layout.CARRY_MAX + 1)
    story.access(layout.OPEN, 3, b"/d/written", layout.F_TRUNCATED, mode=2, size=layout.CARRY_MAX + 1)
    assert [state.path for state in story.table.wants.values()] == [b"/d/large"]


def test_rename_chain_ends_at_the_last_name(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/t1", layout.F_CREATED)
    story.name(layout.RENAME, b"/d/t1", b"/d/t2")
    story.name(layout.RENAME, b"/d/t2", b"/d/final")
    assert story.state(1).path == b"/d/final"
    assert story.table.named == {}


def test_rename_over_another_takes_its_name(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/f")
    story.access(layout.OPEN, 2, b"/d/tmp", layout.F_CREATED)
    story.name(layout.RENAME, b"/d/tmp", b"/d/f")
    assert (story.state(1).path, story.state(1).input_path) == (None, b"/d/f")
    assert story.state(2).path == b"/d/f"


def test_exchange_swaps_two_names(story: Story) -> None:
    for ino, path in ((1, b"/d/a"), (2, b"/d/b")):
        story.access(layout.OPEN, ino, path, layout.F_CREATED)
    story.name(layout.RENAME, b"/d/a", b"/d/b", RENAME_EXCHANGE)
    assert (story.state(1).path, story.state(2).path) == (b"/d/b", b"/d/a")


def test_directory_takes_its_files_along(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/run.tmp/x/a", layout.F_CREATED)
    story.name(layout.LINK, b"/d/old", b"/d/run.tmp/b")
    story.name(layout.RENAME, b"/d/run.tmp", b"/d/run")
    assert story.state(1).path == b"/d/run/x/a"
    assert list(story.table.named) == [b"/d/run/b"]
    story.name(layout.UNLINK, b"/d/run/x/a")
    assert story.state(1).path is None


def test_unlink_of_what_was_there_before(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a")
    story.name(layout.UNLINK, b"/d/a")
    story.name(layout.UNLINK, b"/d/never-opened")
    story.name(layout.UNLINK, b"/d/dir", call_flags=0x200)
    assert set(story.table.removed) == {b"/d/a", b"/d/never-opened"}


def test_inode_used_again_is_another_file(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/a", layout.F_CREATED)
    story.name(layout.UNLINK, b"/d/a")
    story.access(layout.OPEN, 1, b"/d/b", layout.F_CREATED)
    assert [state.path for state in story.table.all()] == [b"/d/b", None]


def test_paths_that_did_not_fit_are_counted(story: Story) -> None:
    story.access(layout.READ, 1, b"/deep", layout.F_CUT)
    story.table.name(NameEvent(layout.RENAME, layout.F_UNREADABLE, 1, STEP, 1, 42, -1, None, b"", b"", 0, 0))
    story.access(layout.READ, 2)
    assert (story.table.cut_paths, story.table.unknown_paths) == (1, 2)


def test_written_again_after_closing_is_queued_again(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/a", layout.F_CREATED)
    for _ in range(2):
        story.access(layout.WRITE, 1)
        story.access(layout.CLOSE, 1)
    assert story.table.closed == [story.state(1)] * 2


def test_uses_are_in_the_order_of_time_not_of_arrival(story: Story) -> None:
    story.access(layout.WRITE, 1, b"/d/a", step=1)
    story.access(layout.READ, 1, step=2)
    story.access(layout.READ, 1, step=2)
    story.access(layout.WRITE, 1, step=1)
    state = story.state(1)
    assert state.ordered_uses() == [(1, True), (2, False), (1, True)]
    state.uses.reverse()
    assert state.ordered_uses() == [(1, True), (2, False), (1, True)]


def test_who_opens_what_another_writes_did_not_write_it(story: Story) -> None:
    """A shell, for `> file`; but `: > file` leaves what it made."""
    story.access(layout.OPEN, 1, b"/d/a", layout.F_CREATED, step=1)
    assert story.state(1).ordered_uses() == [(1, True)]
    story.access(layout.OPEN, 1, flags=layout.F_TRUNCATED, step=2)
    story.access(layout.WRITE, 1, step=3)
    assert story.state(1).ordered_uses() == [(3, True)]
    story.access(layout.OPEN, 1, flags=layout.F_TRUNCATED, step=1)
    story.access(layout.READ, 1, step=4)
    story.access(layout.WRITE, 1, step=3)
    assert story.state(1).ordered_uses() == [(3, True), (1, True), (4, False), (3, True)]


def test_who_took_what_was_there_before(story: Story) -> None:
    for step in (1, 2):
        story.access(layout.READ, 1, b"/d/a", step=step)
    story.access(layout.WRITE, 1, step=3)
    story.access(layout.READ, 1, step=4)
    assert story.state(1).took_before() == {1, 2}
    story.access(layout.WRITE, 2, b"/d/log", step=5, offset=10, flags=layout.F_APPENDED)
    story.access(layout.WRITE, 2, step=6, offset=12, flags=layout.F_APPENDED)
    story.access(layout.READ, 2, step=7)
    assert story.state(2).took_before() == {5}


def typed(story: Story, kind: int, first: bytes, second: bytes = b"") -> NameEvent:
    return NameEvent(kind, layout.F_TYPED, 1, STEP, next(story.now), 42, -1, None, first, second, 0, 0)


def test_names_that_lead_through_unknown_directories_are_asked_for(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/real/t", layout.F_CREATED)
    event = typed(story, layout.RENAME, b"/link/t", b"/link/f")
    assert story.table.questions(event) == [b"/link", b"/link"]
    story.table.learn({b"/link": b"/real"}, event, next(story.now))
    assert story.table.questions(event) == []
    story.table.name(event)
    assert story.state(1).path == b"/real/f"


def test_names_in_known_directories_are_not(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/other")
    assert story.table.questions(typed(story, layout.RENAME, b"/d/a", b"/d/b")) == []


def test_links_that_the_job_made_are_followed_as_they_were(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/run.1/t", layout.F_CREATED)
    story.name(layout.SYMLINK, b"run.1", b"/d/latest")
    event = typed(story, layout.RENAME, b"/d/latest/t", b"/d/latest/f")
    assert story.table.questions(event) == []
    story.table.name(event)
    assert story.state(1).path == b"/d/run.1/f"


def test_a_link_that_changed_before_somebody_looked_is_doubted(story: Story) -> None:
    event = typed(story, layout.RENAME, b"/link/a", b"/link/b")  # at 1
    unlinked = NameEvent(layout.UNLINK, 0, 1, STEP, 2, 42, -1, None, b"/link", b"", 0, 0)
    story.table.learn({b"/link": b"/decoy"}, event, 5)
    story.table.name(event)
    assert list(story.table.named) == [b"/decoy/b"]
    story.table.name(unlinked)
    assert (story.table.unknown_paths, story.table.named) == (1, {})


def test_a_link_that_changed_after_somebody_looked_is_not(story: Story) -> None:
    event = typed(story, layout.RENAME, b"/link/a", b"/link/b")
    story.table.learn({b"/link": b"/real"}, event, 2)
    story.table.name(event)
    story.table.name(NameEvent(layout.UNLINK, 0, 1, STEP, 3, 42, -1, None, b"/link", b"", 0, 0))
    assert (story.table.unknown_paths, list(story.table.named)) == (0, [b"/real/b"])


def test_an_inode_may_have_several_names(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a", dentry=7)
    story.access(layout.WRITE, 1, b"/d/b", dentry=8)
    first, second = list(story.table.all())
    assert (first.taken, first.written, second.taken, second.written) == (True, False, False, True)
    assert second.of is first
    story.access(layout.READ, 1, dentry=8)
    assert not second.taken  # by then the job had written it


def test_what_was_appended_to_was_an_input(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/log", size=10)
    story.access(layout.WRITE, 1, flags=layout.F_APPENDED, offset=10, size=15, version=2)
    state = story.state(1)
    assert (state.taken, state.kept, state.input_file is not None and state.input_file[3:5]) == (True, True, (10, 1))
    story.access(layout.WRITE, 1, size=15, version=3)
    assert not state.kept


def test_what_was_read_and_then_appended_to_is_how_it_begins(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/log", size=10)
    story.table.wants.clear()
    story.access(layout.WRITE, 1, flags=layout.F_APPENDED, offset=10, size=15, version=2)
    assert story.state(1).kept
    assert list(story.table.wants.values()) == [story.state(1)]


def test_changed_by_others_between_two_reads_is_two_inputs(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a", version=1)
    story.access(layout.READ, 1, version=2)
    story.content(1, b"first", version=1)
    story.content(1, b"second", version=2)
    assert [(state.input_path, state.input_hash) for state in story.table.all() if state.taken] == [
        (b"/d/a", b"first"), (b"/d/a", b"second")]


def test_a_copy_of_a_copy_knows_where_it_came_from(story: Story) -> None:
    story.access(layout.READ, 1, b"/d/a")
    story.access(layout.OPEN, 2, b"/d/b", layout.F_CREATED)
    story.access(layout.COPY, 2, offset=1)
    story.access(layout.OPEN, 3, b"/d/c", layout.F_CREATED)
    story.access(layout.COPY, 3, offset=2)
    assert [state for state, _ in story.state(1).copies] == [story.state(2), story.state(3)]
    story.access(layout.WRITE, 3, version=2)
    assert (story.state(2).copied, story.state(3).copied) == (story.state(1), None)


def test_names_that_the_job_gave_are_not_removed_ones(story: Story) -> None:
    story.name(layout.LINK, b"/d/a", b"/d/b")
    story.name(layout.UNLINK, b"/d/b")
    story.name(layout.RENAME, b"/d/c", b"/d/d")
    story.name(layout.UNLINK, b"/d/d")
    assert set(story.table.removed) == {b"/d/c"}  # it was there, and is gone
    assert [state.input_path for state in story.table.all()] == [b"/d/a"]


def test_a_request_is_done_when_its_result_is_there(story: Story) -> None:
    story.access(layout.OPEN, 1, b"/d/t", layout.F_CREATED)
    asked = NameEvent(layout.RENAME, 0, 1, STEP, next(story.now), 42, -1, None, b"/d/t", b"/d/f", 0, 99)
    for result, path in ((-2, b"/d/t"), (0, b"/d/f")):
        story.table.name(asked)
        assert story.state(1).path == b"/d/t"
        story.table.name(NameEvent(layout.RESULT, 0, 1, STEP, next(story.now), 42, -1, None, b"", b"", result, 99))
        assert story.state(1).path == path
