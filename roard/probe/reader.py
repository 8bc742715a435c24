"""The reader: a process that drains the rings and does nothing else.

A busy thread beside it would cost 200 µs a record, so it shares its interpreter with nobody. It decodes, hashes the
contents that small reads carried, and hands batches to the daemon; a record leaves its ring only after the daemon has
been sent it. Run as ``python -m roard.probe.reader SOCKET ACCESSES PAGES CONTENTS PAGES PROCESSES PAGES
ERRORS PAGES`` with descriptor numbers.

A batch is (processes, accesses, number of access records by job, standard error by job as (its last bytes, how many it
was, whether standard output is in it)). The processes were drained first, so every access
that a process made before its EXIT record is in the same batch or an earlier one. Contents were drained last and stand
after the accesses: what was read before any access of the batch is in it or in an earlier one; see FileTable.content.
"""

from __future__ import annotations

import select
import socket
import sys
from typing import Any

from blake3 import blake3

from roard.content.channel import Channel
from roard.probe import layout
from roard.probe.answers import addresses_of
from roard.probe.layout import (
    ACCESS_WHOLE,
    ANSWER,
    CONNECT,
    ENDPOINT_WHOLE,
    EXEC,
    F_CUT,
    F_PATH,
    F_TYPED,
    HEAD,
    JOIN,
    LOADER,
    NAMES_WHOLE,
    PROCESS_WHOLE,
    RENAME,
    STDERR_WHOLE,
    SYMLINK,
    device_number,
    follows,
    joined,
    path_of,
)
from roard.probe.rings import Ring
from storage import collector

#: Seconds between looks at the rings while jobs run: accesses do not wake the reader one by one.
BUSY_WAIT = 0.01
BATCH = 8192
#: What is kept of a job's standard error, and a margin, so that redaction sees what stands before the first word.
STDERR_BYTES = 8192 + 1024
STDERR_FD = 2
CONTENT = 64  # a kind of the reader's own: the hash of a whole file that a process read


class Decoder:
    """Turns records into plain tuples, which travel fast; see observe.events for their meaning."""

    def __init__(self) -> None:
        self.processes: list[tuple[Any, ...]] = []
        self.accesses: list[tuple[Any, ...]] = []
        self.counts: dict[int, int] = {}  # access records, by job
        self.errors: dict[int, tuple[bytes, int, bool]] = {}
        self._contents: dict[tuple[int, int, int, int], tuple[tuple[int, int, int], int, Any]] = {}

    def process(self, view: memoryview, at: int, _length: int) -> None:
        (kind, flags, job, step, time, tgid, _fd, ino, size, mtime, ctime, dev, generation, magic, mode, parent_step,
         start, cpu_ns, user_ns, system_ns, read_chars, written_chars, read_bytes, written_bytes, rss, own_rss, other, code,
         path_len, inner_len, argv_len, _) = PROCESS_WHOLE.unpack_from(view, at)
        path = argv = inner = b""
        file = None
        if kind in (EXEC, LOADER):
            at += PROCESS_WHOLE.size
            path, inner = _paths(view, at, path_len, inner_len)
            at += path_len + inner_len
            argv = bytes(view[at:at + argv_len])
            file = (device_number(dev), ino, generation, size, mtime, ctime, magic, mode)
        elif kind == JOIN:
            at += PROCESS_WHOLE.size
            argv = bytes(view[at:at + argv_len])
        self.processes.append((kind, flags, job, step, time, tgid, parent_step, start, rss, other, code, file,
                               path, inner, argv, (cpu_ns, user_ns, system_ns, read_chars, written_chars, read_bytes,
                                                   written_bytes), own_rss))

    def access(self, view: memoryview, at: int, _length: int) -> None:
        kind, _, job = HEAD.unpack_from(view, at)[:3]
        self.counts[job] = self.counts.get(job, 0) + 1
        if kind >= CONNECT:
            self._endpoint(view, at)
            return
        if kind >= RENAME:
            self._names(view, at)
            return
        (kind, flags, job, step, time, tgid, fd, ino, size, mtime, ctime, dev, generation, magic, mode, offset, length, f_mode,
         f_flags, path_len, inner_len, name) = ACCESS_WHOLE.unpack_from(view, at)
        at += ACCESS_WHOLE.size
        file = (device_number(dev), ino, generation, size, mtime, ctime, magic, mode)
        path, inner = _paths(view, at, path_len, inner_len) if flags & F_PATH else (None, b"")
        self.accesses.append((kind, flags, job, step, time, tgid, fd, file, path, inner, offset, length, f_mode, f_flags,
                              name))

    def _endpoint(self, view: memoryview, at: int) -> None:
        kind, flags, job, step, time, tgid, _, family, protocol, port, length = ENDPOINT_WHOLE.unpack_from(view, at)
        tail = bytes(view[at + ENDPOINT_WHOLE.size:at + ENDPOINT_WHOLE.size + length])
        if kind != ANSWER:
            self.accesses.append((kind, flags, job, step, time, tgid, family, protocol, port, tail))
            return
        answered = addresses_of(tail, protocol == socket.IPPROTO_TCP)
        if answered is not None:
            self.accesses.append((kind, flags, job, step, time, tgid, *answered))

    def content(self, view: memoryview, at: int, _length: int) -> None:
        if HEAD.unpack_from(view, at)[0] == ANSWER:
            self._endpoint(view, at)
            return
        (_, _, job, step, time, _, _, ino, size, mtime, ctime, dev, generation, magic, mode, offset, length,
         *_) = ACCESS_WHOLE.unpack_from(view, at)
        at += ACCESS_WHOLE.size
        file = (device_number(dev), ino, generation, size, mtime, ctime, magic, mode)
        piece = view[at:at + length]
        key = (step, file[0], file[1], file[2])
        version = file[3:6]
        if offset == 0:
            hasher = blake3()
        else:
            known = self._contents.pop(key, None)
            if known is None or known[0] != version or known[1] != offset:
                return  # not in a row, or the file changed between the reads
            hasher = known[2]
        hasher.update(piece)
        end = offset + len(piece)
        if end == size:
            self.accesses.append((CONTENT, 0, job, step, time, file, hasher.digest()))
        elif end < size:
            self._contents[key] = (version, end, hasher)

    def error(self, view: memoryview, at: int, _length: int) -> None:
        _, _, job, _, _, _, fd, written, length, _ = STDERR_WHOLE.unpack_from(view, at)
        at += STDERR_WHOLE.size
        tail, total, mixed = self.errors.get(job, (b"", 0, False))
        self.errors[job] = (tail + view[at:at + length])[-STDERR_BYTES:], total + written, mixed or fd != STDERR_FD

    def _names(self, view: memoryview, at: int) -> None:
        (kind, flags, job, step, time, tgid, fd, ino, size, mtime, ctime, dev, generation, magic, mode, token, *lens,
         dev_a, dev_b, call_flags) = NAMES_WHOLE.unpack_from(view, at)
        at += NAMES_WHOLE.size
        file = (device_number(dev), ino, generation, size, mtime, ctime, magic, mode) if fd >= 0 else None
        parts = []
        for length in lens:
            parts.append(bytes(view[at:at + length]))
            at += length
        root = path_of(parts[0])
        names = [self._name(root, dev_a, *parts[1:4]), self._name(root, dev_b, *parts[4:7])]
        if kind == SYMLINK:
            names[0] = (parts[3][:-1], b"")  # the target is text, not a name to resolve
        elif b"/" in parts[3] or follows(kind, call_flags):
            flags |= F_TYPED
        if b"/" in parts[6]:
            flags |= F_TYPED
        if any(text and not text.endswith(b"\0") for text in (parts[3], parts[6])):
            flags |= F_CUT
        self.accesses.append((kind, flags, job, step, time, tgid, fd, file, names[0][0], names[1][0], call_flags, token,
                              root, ((device_number(dev_a), names[0][1]), (device_number(dev_b), names[1][1]))))

    @staticmethod
    def _name(root: bytes, dev: int, directory: bytes, inner: bytes, text: bytes) -> tuple[bytes, bytes]:
        """The path as the process sees it, and, in another mount namespace (then there is a ``dev``), that inside the file
        system: of its root directory nothing is sent."""
        name = text[:-1]
        if not text:
            return b"", b""
        return joined(path_of(directory), name, root), joined(path_of(inner), name) if dev else b""

    def take(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], dict[int, int],
                            dict[int, tuple[bytes, int, bool]]]:
        batch = (self.processes, self.accesses, self.counts, self.errors)
        self.processes, self.accesses, self.counts, self.errors = [], [], {}, {}
        if len(self._contents) > BATCH:  # files that were never read to their end
            self._contents.clear()
        return batch


def _paths(view: memoryview, at: int, path: int, inner: int) -> tuple[bytes, bytes]:
    """A path, and, where it is of another mount namespace, the one inside the file system; else b""."""
    return (path_of(bytes(view[at:at + path])),
            path_of(bytes(view[at + path:at + path + inner])) if inner else b"")


def run(channel: Channel, accesses: Ring, contents: Ring, processes: Ring, errors: Ring) -> None:
    """Until the daemon closes the channel. It says there how many jobs run (with none there is nothing to look for);
    any message also means: look now."""
    decoder = Decoder()
    poll = select.epoll()
    poll.register(channel.fileno(), select.EPOLLIN)
    for ring in (processes, accesses, contents, errors):
        # edge-triggered: woken when the probes ask for it, not whenever there is something in the ring
        poll.register(ring.fd, select.EPOLLIN | select.EPOLLET)
    jobs = 0
    while True:
        for fd, _ in poll.poll(BUSY_WAIT if jobs else None):
            if fd == channel.fileno():
                message = channel.receive()
                if message is None:
                    return
                jobs = message
        drain(channel, decoder, accesses, contents, processes, errors)


def drain(channel: Channel, decoder: Decoder, accesses: Ring, contents: Ring, processes: Ring, errors: Ring) -> None:
    """Sends the daemon all that is in the rings."""
    held: list[tuple[Any, ...]] = []
    empty = False
    while not empty:
        processes.drain(decoder.process)
        empty = accesses.drain(decoder.access, BATCH)
        contents.drain(decoder.content)
        errors.drain(decoder.error)
        seen_processes, seen_accesses, counts, heard = decoder.take()
        if empty:
            seen_processes = held + seen_processes
        else:  # more accesses wait: no EXIT must overtake those of its process, no EXEC those that made its program
            held += [event for event in seen_processes if event[0] != layout.FORK]
            seen_processes = [event for event in seen_processes if event[0] == layout.FORK]
        if seen_processes or seen_accesses or heard:
            channel.send((seen_processes, seen_accesses, counts, heard))
        errors.release()
        accesses.release()
        contents.release()
    processes.release()


def main() -> None:
    fds = [int(argument) for argument in sys.argv[1:]]
    channel = Channel(socket.socket(fileno=fds[0]))
    collector.relax()
    try:
        run(channel, *(Ring(fd, pages) for fd, pages in zip(fds[1::2], fds[2::2], strict=True)))
    except (BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return  # the daemon is gone; what is in the rings stays there for its successor


if __name__ == "__main__":
    main()
