"""Questions that this machine's daemon cannot answer go on to the registry.

A local answer always goes first. What is asked of the registry is what somebody named: a hash, an id; never @3 or the like,
which mean something on this machine alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from lineage.errors import DeniedError, NotFoundError, RoarError, UnavailableError
from roarctl.client.channel import CALL_SECONDS, GRAPH_SECONDS, Client, connect

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from lineage.v1 import annotations_pb2, records_pb2
    from roarctl.registry.client import RegistryClient
    from roarctl.registry.where import Place

    Answer = TypeVar("Answer", bound=Message)

_CONNECT_SECONDS, _SECONDS = 2.0, 6.0  # that the registry may take to be there, and for one answer
#: By id or hash, which mean the same everywhere.
_ANYWHERE = frozenset({
    "Lineage/Resolve", "Lineage/GetJob", "Lineage/GetArtifact", "Lineage/GetSession", "Lineage/Log", "Lineage/SessionDag",
    "Lineage/Ancestors", "Lineage/Descendants", "Lineage/ListEntries", "Lineage/GetRecord", "Bundles/SessionRecord"})
_OF_HERE = {"Lineage/GetSession": "id", "Lineage/Log": "session", "Lineage/SessionDag": "session"}


def look(*, local: bool = False) -> Client:
    """Who answers questions here: the daemon, and behind it the registry, if one is known and ``local`` does not forbid it.
    Without a daemon the registry alone answers. UnavailableError where neither is there."""
    place = None if local else _place()
    if place is None:
        return connect()
    try:
        return Lookups(connect(), place)
    except UnavailableError as error:
        if isinstance(place, RoarError):
            raise
        return Lookups(None, place, missing=error)


def registry() -> RegistryClient:
    """The registry alone, for who asks it by name. NotFoundError where none is known."""
    from roarctl.commands.options import current_project
    from roarctl.registry import where
    from roarctl.settings import load

    return where.needed(load(current_project())).client()


class Lookups(Client):
    """``daemon``: None where there is none; then ``missing`` says so. ``place``: the registry, or why it cannot be asked, which
    is said when it would be. ``say``: how a line is said to the person."""

    def __init__(self, daemon: Client | None, place: Place | RoarError, *, missing: RoarError | None = None,
                 say: Callable[[str], None] | None = None) -> None:
        self._daemon = daemon
        self._missing = missing
        self._place = place
        self._url = "" if isinstance(place, RoarError) else place.address.url
        self._say = say or _to_stderr
        self._registry: RegistryClient | None = None
        self._failed: RoarError | None = None  # it is not asked again
        self._told = False
        self._ids: dict[bytes, bytes] = {}  # by run, of jobs that the registry told of

    def call(self, method: str, request: Message, answer: type[Answer], seconds: float = CALL_SECONDS) -> Answer:
        if method == "Annotations/ListAnnotations":
            return answer.FromString(self._said(request, seconds).SerializeToString())
        if not _is_anywhere(method, request):
            return self._here().call(method, request, answer, seconds)
        found: Answer | None = None
        refused: RoarError | None = self._missing
        if self._daemon is not None:
            try:
                found = self._daemon.call(method, request, answer, seconds)
            except NotFoundError as error:
                refused = error
        if found is not None and not _says_nothing(method, request, found):
            return found
        elsewhere = self._there(method, request, answer, seconds)
        if elsewhere is not None and (found is None or not _says_nothing(method, request, elsewhere)):
            self._note(elsewhere)
            return elsewhere
        if found is not None:
            return found
        raise self._neither(refused)

    def stream(self, method: str, request: Message, answer: type[Answer],
               seconds: float | None = GRAPH_SECONDS) -> Iterator[Answer]:
        if not _is_anywhere(method, request):
            yield from self._here().stream(method, request, answer, seconds)
            return
        refused: RoarError | None = self._missing
        if self._daemon is not None:
            try:  # what is not known is said before the first part
                yield from self._daemon.stream(method, request, answer, seconds)
            except NotFoundError as error:
                refused = error
            else:
                return
        client = self._asked()
        if client is None:
            raise self._neither(refused)
        yield from client.stream(method, request, answer, seconds)

    def send(self, method: str, requests: Iterator[Message], answer: type[Answer], seconds: float = GRAPH_SECONDS) -> Answer:
        return self._here().send(method, requests, answer, seconds)

    def close(self) -> None:
        for client in (self._daemon, self._registry):
            if client is not None:
                client.close()

    def _here(self) -> Client:
        if self._daemon is None:
            assert self._missing is not None
            raise self._missing
        return self._daemon

    def _asked(self) -> RegistryClient | None:
        """None where it failed before."""
        if self._registry is None and self._failed is None:
            try:
                if isinstance(self._place, RoarError):
                    raise self._place
                self._registry = self._place.client(patience=_SECONDS, connecting=_CONNECT_SECONDS, tries=1)
            except RoarError as error:
                self._fail(error)
        return self._registry if self._failed is None else None

    def _there(self, method: str, request: Message, answer: type[Answer], seconds: float) -> Answer | None:
        """None where the registry does not know it either, or does not answer; then that is said once."""
        client = self._asked()
        if client is None:
            return None
        if method == "Lineage/Resolve":
            named = _by_hash(request)
            if named is None:
                return None
            request = named
        try:
            return client.call(method, request, answer, seconds)
        except NotFoundError:
            return None
        except (UnavailableError, DeniedError) as error:
            self._fail(error)
            return None

    def _fail(self, error: RoarError) -> None:
        self._failed = error
        if self._missing is None:
            self._say(f"! the registry was not asked: {error.message}")

    def _neither(self, refused: RoarError | None) -> RoarError:
        assert refused is not None
        if self._failed is not None and self._missing is not None:
            return UnavailableError(f"{refused.message}, and the registry was not asked: {self._failed.message}",
                                    self._failed.hint or refused.hint)
        if self._missing is not None:
            return NotFoundError(f"{self._url} does not know it, and {self._missing.message}", self._missing.hint)
        if self._failed is None:
            refused.hint = f"{self._url} does not know it either; {refused.hint}".rstrip("; ")
        return refused

    def _note(self, answer: Message) -> None:
        if not self._told:
            self._told = True
            self._say(f"from the registry {self._url}, not recorded on this machine")
        for head in _heads(answer):
            self._ids[head.run] = head.id
            if not head.HasField("imported"):  # else @3 would be taken for a job of here
                head.imported.registry = self._url

    def _said(self, request: Any, seconds: float) -> annotations_pb2.ListAnnotationsResponse:  # noqa: ANN401 - its message
        """What people say of things: here, and of what came from the registry, there. Labels are never worth an error."""
        from lineage.v1 import annotations_pb2, registry_pb2

        found = annotations_pb2.ListAnnotationsResponse()
        if self._daemon is not None:
            found = self._daemon.call("Annotations/ListAnnotations", request, annotations_pb2.ListAnnotationsResponse, seconds)
        runs = {identity: run for run, identity in self._ids.items()}
        if not self._told or self._failed is not None:
            return found
        known = {(one.subject.kind, one.subject.id, one.subject.step) for one in found.annotated}
        question = registry_pb2.ListSaidRequest()
        for one in request.subjects:
            if (one.kind, one.id, one.step) not in known:
                subject = question.subjects.add()
                subject.CopyFrom(one)
                subject.id = self._ids.get(one.id, one.id)
        said = self._there("Registry/ListSaid", question, registry_pb2.ListSaidResponse, seconds) if question.subjects else None
        for about in said.annotated if said is not None else ():
            added: annotations_pb2.Annotated = found.annotated.add()
            added.CopyFrom(about)
            added.subject.id = runs.get(about.subject.id, about.subject.id)
        return found


def _place() -> Place | RoarError | None:
    """None where none is known, or the project wants none asked. What is wrong with it is a line, never an error."""
    from roarctl.commands.options import current_project
    from roarctl.registry import where
    from roarctl.settings import load

    try:
        settings = load(current_project())
        return where.find(settings) if settings.word("registry.lookup") == "true" else None
    except RoarError as error:
        return error


def _is_anywhere(method: str, request: Any) -> bool:  # noqa: ANN401 - its message
    if method not in _ANYWHERE:
        return False
    if method in _OF_HERE:
        return bool(getattr(request, _OF_HERE[method]))
    return method != "Lineage/Resolve" or _by_hash(request) is not None


def _by_hash(request: Any) -> Message | None:  # noqa: ANN401
    """A reference as it is understood elsewhere too; None: it means something on this machine alone."""
    from lineage.v1 import lineage_pb2

    if request.hash:
        return lineage_pb2.ResolveRequest(reference=f"artifact:{request.hash.hex()}")
    if request.path or not request.reference or request.reference.startswith(("@", "name:")):
        return None
    return lineage_pb2.ResolveRequest(reference=request.reference)


def _says_nothing(method: str, request: Any, answer: Any) -> bool:  # noqa: ANN401
    """An answer that is none: a path whose present content is not known here, the lineage of what nobody here made."""
    if method == "Lineage/Resolve":
        return bool(answer.changed or not (answer.id or answer.candidates))
    return method == "Lineage/Ancestors" and bool(request.artifact) and not answer.jobs


def _heads(answer: Any) -> Iterable[records_pb2.JobHead]:  # noqa: ANN401
    from lineage.v1 import lineage_pb2, records_pb2

    if isinstance(answer, records_pb2.Job):
        return (answer.head,)
    if isinstance(answer, (lineage_pb2.Graph, lineage_pb2.LogResponse)):
        return answer.jobs
    if isinstance(answer, records_pb2.Artifact):
        return (one.job for one in (*answer.producers, *answer.consumers))
    return ()


def _to_stderr(line: str) -> None:
    from roarctl.render.text import printable

    if sys.stderr is not None:
        print(f"roar: {printable(line)}", file=sys.stderr, flush=True)
