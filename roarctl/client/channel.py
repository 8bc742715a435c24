"""The connection to roard: who we are by a small unix socket, everything else by gRPC.

grpc takes 80 ms to import, so this module imports it only once there is somebody to talk to.
"""

from __future__ import annotations

import json
import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from lineage.errors import UnavailableError, of_document

if TYPE_CHECKING:
    import grpc
    from google.protobuf.message import Message

    Answer = TypeVar("Answer", bound=Message)

DEFAULT_SOCKET = "/run/roar/roard.sock"
CALL_SECONDS = 5.0
GRAPH_SECONDS = 60.0
_IDENTITY_SECONDS = 5.0
_STARTING_SECONDS = 1.0  # how long a socket file that refuses may still be a daemon that is starting
_MESSAGE_BYTES = 64 << 20
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a daemon that was restarted is there again at once
    ("grpc.use_local_subchannel_pool", 1),  # else a new channel waits as long as the one before, to which nobody answered
)
_GREETING = b'{"roar": 1}\n'
_LONGEST_ANSWER = 64 << 10


class Identity(NamedTuple):
    """``token`` goes with every call; ``process`` is the ticket for the process whose pidfd was shown."""

    token: str
    process: str


class Client(ABC):
    """Calls of lineage.v1's services, as one user: to a daemon, to a registry, or to one after the other."""

    @abstractmethod
    def call(self, method: str, request: Message, answer: type[Answer], seconds: float = CALL_SECONDS) -> Answer:
        """One call, like ``call("Lineage/GetJob", GetJobRequest(...), Job)``; raises the RoarError of who answers."""

    @abstractmethod
    def stream(self, method: str, request: Message, answer: type[Answer],
               seconds: float | None = GRAPH_SECONDS) -> Iterator[Answer]:
        """A call that answers in parts; ``seconds`` None: for as long as it takes."""

    @abstractmethod
    def send(self, method: str, requests: Iterator[Message], answer: type[Answer], seconds: float) -> Answer:
        """A call that asks in parts."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DaemonClient(Client):
    """Calls to one daemon, by gRPC."""

    def __init__(self, path: str, identity: Identity, *, guest: bool = False) -> None:
        """``guest``: in another's program, whose environment is left alone."""
        if not guest:
            # roarctl has its own words for what goes wrong; grpc's logs would only stand beside the command's output.
            os.environ["GRPC_VERBOSITY"] = "NONE"
            os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # nothing is forked from here on but git, by exec
        import grpc

        from lineage.status import TOKEN_KEY

        self.process = identity.process
        self._path = path
        self._metadata = ((TOKEN_KEY, identity.token),)
        self._channel: grpc.Channel = grpc.insecure_channel(f"unix:{path}", options=CHANNEL_OPTIONS)

    def call(self, method: str, request: Message, answer: type[Answer], seconds: float = CALL_SECONDS) -> Answer:
        """One call, like ``call("Lineage/GetJob", GetJobRequest(...), Job)``; raises the daemon's RoarError."""
        import grpc

        from lineage.status import error_of

        stub = self._channel.unary_unary(f"/lineage.v1.{method}", type(request).SerializeToString, answer.FromString)
        try:
            result: Answer = stub(request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        return result

    def stream(self, method: str, request: Message, answer: type[Answer],
               seconds: float | None = GRAPH_SECONDS) -> Iterator[Answer]:
        """A call that answers in parts; ``seconds`` None: for as long as it takes."""
        import grpc

        from lineage.status import error_of

        stub = self._channel.unary_stream(f"/lineage.v1.{method}", type(request).SerializeToString, answer.FromString)
        try:
            yield from stub(request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise error_of(failure) from failure

    def send(self, method: str, requests: Iterator[Message], answer: type[Answer], seconds: float = GRAPH_SECONDS) -> Answer:
        """A call whose question comes in parts."""
        import grpc

        from lineage.status import error_of

        stub = self._channel.stream_unary(f"/lineage.v1.{method}", _serialized, answer.FromString)
        try:
            result: Answer = stub(requests, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        return result

    def renew(self, patience: float) -> None:
        """A new token: the old one ends with its time, or with the daemon that gave it. Waits for a daemon that is
        being restarted."""
        from lineage.status import TOKEN_KEY

        self._metadata = ((TOKEN_KEY, identify(self._path, patience=patience).token),)

    def close(self) -> None:
        self._channel.close()


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def socket_path() -> str:
    return os.environ.get("ROARD_SOCKET") or DEFAULT_SOCKET


def connect(pidfd: int | None = None) -> DaemonClient:
    """A client of the daemon; with a pidfd, one that may register that process. Raises UnavailableError."""
    path = socket_path()
    return DaemonClient(path, identify(path, pidfd))


def identify(path: str, pidfd: int | None = None, patience: float | None = None) -> Identity:
    """Show the kernel's word on who we are, and take the token that the daemon gives for it.

    A socket file that refuses may be a daemon that is just starting; with ``patience`` (seconds) a missing one is
    waited for too.
    """
    deadline = time.monotonic() + (_STARTING_SECONDS if patience is None else patience)
    while True:
        try:
            return _asked(f"{path}.id", pidfd)
        except (ConnectionError, FileNotFoundError) as error:
            missing = isinstance(error, FileNotFoundError) and patience is None
            if missing or time.monotonic() >= deadline:
                raise _explained(path, error) from error
            time.sleep(0.05)
        except OSError as error:
            raise _explained(path, error) from error


def _asked(path: str, pidfd: int | None) -> Identity:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_IDENTITY_SECONDS)
        connection.connect(path)
        if pidfd is None:
            connection.sendall(_GREETING)
        else:
            socket.send_fds(connection, [_GREETING], [pidfd])
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < _LONGEST_ANSWER:
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    try:
        value: dict[str, Any] = json.loads(answer)
        if "error" in value:
            raise of_document(value["error"])
        return Identity(str(value["token"]), str(value.get("process") or ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnavailableError(f"{path} did not answer as roard does",
                               "does another program use this socket?") from error


def _explained(path: str, error: OSError) -> UnavailableError:
    """Why nobody answers at this socket, and what to type."""
    start = "start it with `sudo systemctl start roard` or `sudo roard serve`"
    if "ROARD_SOCKET" in os.environ:
        start += ", or unset ROARD_SOCKET"
    if isinstance(error, FileNotFoundError):
        return UnavailableError(f"roard is not running (there is no {path})",
                                f"{start}; `roard check` says what this kernel allows")
    if isinstance(error, ConnectionRefusedError):
        return UnavailableError(f"roard has stopped (nobody listens at {path})",
                                f"{start}; its last words: `journalctl -u roard`")
    if isinstance(error, PermissionError):
        return UnavailableError(f"you may not talk to roard at {path}",
                                f"ask for access to that socket: `ls -l {path}*`")
    if isinstance(error, TimeoutError):
        return UnavailableError("roard did not answer in time", "is the machine very busy? see `journalctl -u roard`")
    return UnavailableError(f"no answer from roard at {path}: {error.strerror or error}", start)
