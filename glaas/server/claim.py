"""The state directory is one server's, and its sockets are bound before it says READY."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glaas.server.settings import Address
from lineage.errors import InvalidError, RoarError, UnavailableError

_BACKLOG = 1024


@contextmanager
def state_directory(path: Path, *, alone: bool) -> Iterator[None]:
    """Made with mode 0700 where it is not there.  ``alone``: no other server may use it at the same time."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        descriptor = os.open(path / "serving", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnavailableError(f"the state directory {path} cannot be used: {error.strerror}",
                               "give another with --state-dir") from error
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            raise UnavailableError(f"another glaas serves from {path}", "stop it first, give another --state-dir, or share a "
                                   "database: --store postgresql://…") from error
        yield
    finally:
        os.close(descriptor)


def is_free(address: Address) -> bool:
    """Could one listen there just now?"""
    try:
        bound(address, "").close()
    except RoarError:
        return False
    return True


def bound(address: Address, option: str) -> socket.socket:
    """A listening socket.  UnavailableError where the address is taken, InvalidError where it is none of this machine."""
    try:
        family, _, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM,
                                                    flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise InvalidError(f"{address.text} is no address of this machine: {error.strerror}", f"see {option}") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UnavailableError(f"cannot listen at {address.text}: {error.strerror}",
                               f"is it taken? give another with {option}, or port 0 for any free one") from error
    listener.setblocking(False)
    return listener
