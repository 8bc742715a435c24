"""One file, or one of its names, as a job used it: what FileTable keeps and a record is made from."""

from __future__ import annotations

import stat

from lineage.records import Access
from roard.probe.layout import FileId

CHANGED_BEFORE = "it changed before it could be hashed"
READ, WROTE, BEGAN = range(3)  # how a step used a file; began: created or truncated it


class FileState:
    """One name of a file (or, where only a name was seen, that) and what the job did to it by that name.

    What concerns the content is kept once for all names of an inode, in ``of``.
    """

    __slots__ = (
        "appended", "before_read", "changed", "copied", "copies", "created", "device", "due", "early", "executed_at", "fd",
        "file", "first_path", "input_file", "input_hash", "input_path", "input_reason", "kept", "name", "nameless", "of",
        "path", "pipe", "prefix", "read", "read_steps", "renamed", "shared", "st_dev", "taken", "tgid", "uses", "write_steps",
        "written", "written_at", "wrote",
    )

    def __init__(self, file: FileId | None, path: bytes, of: FileState | None = None) -> None:
        self.file = file                                # None: only its name was seen
        self.path: bytes | None = path                  # its name now; None: it has none any more
        self.first_path = path
        self.name = 0
        self.pipe = file is not None and stat.S_ISFIFO(file.mode)
        self.device = file is not None and not stat.S_ISREG(file.mode) and not self.pipe
        self.nameless = False
        self.tgid = self.fd = 0                         # a process that has it open, for finding it again
        self.read: set[Access] = set()
        self.read_steps: set[int] = set()
        self.taken = False                              # it is an input by this name
        self.input_path = b""
        self.wrote: set[Access] = set()
        self.write_steps: set[int] = set()
        self.written = False
        self.created = False
        self.renamed = False                            # its ctime may differ for that alone
        self.uses: list[tuple[int, int, int]] = []      # time, step, how: each that is not like the one before
        self.executed_at = 0                            # of a script that was not opened
        self.due = False                                # waits to be hashed as an output, before the job ends
        self.early: tuple[tuple[int, ...], bytes] | None = None  # (dev, ino, size, mtime, ctime), hash of an output
        # of the content:
        self.of = of or self
        self.changed = False                            # by whatever name
        self.st_dev: int | None = None                  # as stat(2) gave it, if that was asked
        self.written_at = 0                             # when its content was first changed, 0: not that we know
        self.shared = False                             # mapped shared and writable: its times do not tell all
        self.input_file: FileId | None = None           # the version that was read
        self.input_hash: bytes | None = None
        self.input_reason = ""
        self.before_read: tuple[int, int, int, bytes] | None = None  # size, mtime, ctime, hash: of what was opened
        self.appended = False                           # the old content became an input by being appended to
        self.kept = False                               # and nothing but appending has happened to it
        self.copied: FileState | None = None            # the whole of which it is a copy
        self.copies: tuple[tuple[FileState, FileId], ...] = ()  # what the whole of it was copied to, as that was then
        self.prefix: bytes | None = None                # the hash of what is before what was appended

    def use(self, time: int, step: int, how: int) -> None:
        if not self.uses or self.uses[-1][1:] != (step, how):
            self.uses.append((time, step, how))

    def ordered_uses(self) -> list[tuple[int, bool]]:
        """(step, did it write?) in the order of time. Who only opened a file anew did not write what others then wrote: a
        shell opens what its programs write."""
        ordered: list[tuple[int, int]] = []
        for _, step, how in sorted(self.uses):
            while how == WROTE and ordered and ordered[-1][1] == BEGAN:
                ordered.pop()
            if not ordered or ordered[-1] != (step, how):
                ordered.append((step, how))
        return [(step, how != READ) for step, how in ordered]

    def took_before(self) -> set[int]:
        """The steps that took what was there before the job: who read it before anyone wrote it, or first appended to it."""
        uses = self.ordered_uses()
        first_write = next((at for at, (_, wrote) in enumerate(uses) if wrote), len(uses))
        return {step for step, _ in uses[:first_write + self.of.appended]} or self.read_steps  # or its name was taken first

    @property
    def special(self) -> bool:
        """It holds no content."""
        return self.device or self.pipe

    def take_hash(self, size: int, mtime: int, ctime: int, digest: bytes) -> None:
        """The content of a version of this file; kept only if it is the version that the job read."""
        wanted = self.input_file
        if wanted is None:
            self.before_read = (size, mtime, ctime, digest)
            return
        if self.input_hash is not None:
            return
        # a rename or a link changes ctime, not content
        if size == wanted.size and mtime == wanted.mtime and (ctime == wanted.ctime or self.renamed):
            self.input_hash, self.input_reason = digest, ""
        elif not self.input_reason:
            self.input_reason = CHANGED_BEFORE
