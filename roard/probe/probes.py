"""The probes as the daemon holds them: descriptors, from the loader, and whether they are attached."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from lineage.errors import UnavailableError, UnsupportedError
from roard.probe import kernel, table
from roard.probe.attachment import Attachment, call_points, compat_points, group_points
from roard.probe.layout import COUNTS, GROUP, HEARD, MEMBER

#: Half a second, where nothing else runs; on an emulated machine under load, minutes.
LOADER_SECONDS = 300


@dataclass(frozen=True)
class Sizes:
    """Entries of the maps, and 4 kB pages of the rings (powers of two)."""

    members: int = 65536
    jobs: int = 4096
    seen: int = 262144
    endpoints: int = 16384
    connecting: int = 8192
    access_pages: int = 4096
    content_pages: int = 4096
    process_pages: int = 1024
    spenders: int = 16384
    stderr_pages: int = 64

    def as_dict(self) -> dict[str, int]:
        return dict(vars(self))


class Counts(NamedTuple):
    accesses: int
    lost_accesses: int
    processes: int
    lost_processes: int
    contents: int
    answers: int


@dataclass
class Probes:
    """Loaded programs and their maps. Nothing is attached while no job holds them."""

    maps: dict[str, int]
    programs: dict[str, int]
    sizes: Sizes

    def __post_init__(self) -> None:
        self.members = kernel.Map(self.maps["members"], 4, MEMBER.size)
        self.counts = kernel.Map(self.maps["counts"], 8, COUNTS.size)
        self.attachment = Attachment(partial(call_points, self.programs))
        self.compat = Attachment(partial(compat_points, self.programs))
        self.heard = kernel.Map(self.maps["heard"], 8, HEARD.size)
        self.groups = kernel.Map(self.maps["groups"], 8, GROUP.size)
        self.grouping = Attachment(partial(group_points, self.programs))

    def add_member(self, tgid: int, job: int) -> int | None:
        """The job that the process belonged to until now, as where `roar run` is used inside of a job."""
        key = tgid.to_bytes(4, sys.byteorder)
        before = self.members.get(key)
        self.counts.set(job.to_bytes(8, sys.byteorder), bytes(COUNTS.size))
        try:
            self.members.set(key, MEMBER.pack(job, 0))
        except OSError as error:  # E2BIG
            raise _full(error) from error
        return int(MEMBER.unpack(before)[0]) if before else None

    def begin(self, job: int) -> None:
        """Before its first member is enrolled."""
        self.counts.set(job.to_bytes(8, sys.byteorder), bytes(COUNTS.size))

    def enrol(self, tgid: int, job: int, step: int) -> bool:
        """A process that runs already: from now on all that it does is the job's. False: it is in a job."""
        try:
            return self.members.add(tgid.to_bytes(4, sys.byteorder), MEMBER.pack(job, step))
        except OSError as error:  # E2BIG
            raise _full(error) from error

    def member(self, tgid: int) -> tuple[int, int] | None:
        """(job, step) of a process."""
        value = self.members.get(tgid.to_bytes(4, sys.byteorder))
        return MEMBER.unpack(value) if value else None

    def change_step(self, tgid: int, job: int, step: int) -> bool:
        """From now on what the process does is another step's. False: it has ended."""
        return self.members.replace(tgid.to_bytes(4, sys.byteorder), MEMBER.pack(job, step))

    def remove_member(self, tgid: int) -> bool:
        return self.members.delete(tgid.to_bytes(4, sys.byteorder))

    @property
    def can_group(self) -> bool:
        return all(handler in self.programs for _, handler in table.GROUPS)

    def add_group(self, group: int, job: int, uid: int | None) -> bool:
        """Who comes into this cgroup belongs to the job; ``uid`` None: whoever it is. False: another job has it."""
        return self.groups.add(group.to_bytes(8, sys.byteorder), GROUP.pack(job, uid or 0, uid is None))

    def remove_group(self, group: int) -> None:
        self.groups.delete(group.to_bytes(8, sys.byteorder))

    def members_of(self, job: int) -> set[int]:
        """The thread groups that the kernel counts to the job now."""
        found = set()
        for key in list(self.members.keys()):
            value = self.members.get(key)
            if value and MEMBER.unpack(value)[0] == job:
                found.add(int.from_bytes(key, sys.byteorder))
        return found

    def counts_of(self, job: int) -> Counts:
        value = self.counts.get(job.to_bytes(8, sys.byteorder))
        return Counts(*COUNTS.unpack(value)) if value else Counts(0, 0, 0, 0, 0, 0)

    def hear(self, job: int) -> None:
        """From now on what the job writes to its standard error is sent."""
        self.heard.set(job.to_bytes(8, sys.byteorder), bytes(HEARD.size))

    def unheard(self, job: int) -> int:
        """How many pieces of that could not be sent."""
        value = self.heard.get(job.to_bytes(8, sys.byteorder))
        return int(HEARD.unpack(value)[1]) if value else 0

    def missed_runs(self) -> int:
        """Of all programs together, since they were loaded."""
        return sum(kernel.missed_runs(program) for name, program in self.programs.items() if name not in table.TWINS)

    def forget(self, job: int) -> None:
        self.counts.delete(job.to_bytes(8, sys.byteorder))
        self.heard.delete(job.to_bytes(8, sys.byteorder))


def _full(error: OSError) -> UnavailableError:
    return UnavailableError(f"no more processes can be watched: {error.strerror}",
                            "members in [probes] of roard's configuration says how many")


def load(sizes: Sizes | None = None) -> Probes:
    """Runs the loader and takes over its descriptors. Raises UnsupportedError with the loader's reason."""
    sizes = sizes or Sizes()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        loader = subprocess.Popen(
            [sys.executable, "-P", "-m", "roard.probe.loader", str(theirs.fileno()), json.dumps(sizes.as_dict())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        theirs.close()
        ours.settimeout(LOADER_SECONDS)
        most = len(table.MAPS) + len(table.HANDLERS) + len(table.URING) + len(table.RAW) + len(table.GROUPS)
        try:
            said, descriptors, _, _ = socket.recv_fds(ours, 65536, most)
        except TimeoutError:
            loader.kill()
            loader.communicate()
            raise UnsupportedError(f"the probe loader was not done after {LOADER_SECONDS} s",
                                   "try again when the machine has less to do") from None
        ours.close()
        _, log = loader.communicate(timeout=LOADER_SECONDS)
    if not said:
        reason = log.decode(errors="replace").strip().splitlines()
        raise UnsupportedError(f"the probe loader failed: {reason[-1] if reason else 'no reason given'}",
                               "is python3-bpfcc installed, and does the virtual environment see system packages?")
    answer = json.loads(said)
    if "error" in answer:
        raise UnsupportedError(answer["error"]["message"], answer["error"]["hint"])
    names = [*answer["maps"], *answer["programs"]]
    for fd in descriptors:
        os.set_inheritable(fd, False)
    held = dict(zip(names, descriptors, strict=True))
    return Probes(maps={name: held[name] for name in answer["maps"]},
                  programs={name: held[name] for name in answer["programs"]}, sizes=sizes)
