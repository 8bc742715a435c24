"""The reader process, from the daemon's side: started, told to look, started again when it ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import Any

from roard.content.channel import Channel
from roard.probe.probes import Probes


class Reader:
    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        maps, sizes = self._probes.maps, self._probes.sizes
        rings = [(maps["accesses"], sizes.access_pages), (maps["contents"], sizes.content_pages),
                 (maps["processes"], sizes.process_pages), (maps["errors"], sizes.stderr_pages)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "roard.probe.reader", str(theirs.fileno()),
                 *(str(number) for ring in rings for number in ring)],
                pass_fds=[theirs.fileno(), *(fd for fd, _ in rings)], stdin=subprocess.DEVNULL, start_new_session=True)
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def look(self, jobs: int) -> None:
        """Drain now; and how many jobs run, which is whether to look again without being asked."""
        with self._lock:
            try:
                self._channel.send(jobs)
            except OSError:
                return  # it ended: whoever receives notices, and restarts it

    def receive(self) -> Any:  # noqa: ANN401 - (processes, accesses), or None when the reader has ended
        try:
            return self._channel.receive()
        except OSError:
            return None

    def restart(self) -> None:
        """A new reader goes on where the old one was: what it had not handed over is still in the rings."""
        with self._lock:
            self._channel.close()
            self._process.wait()
            self._start()

    def close(self) -> None:
        self._channel.close()
        self._process.wait()
