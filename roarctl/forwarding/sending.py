"""One bundle to the registry, and what came of each job of it.

Once more nothing leaves that looks like a secret: a record cannot be changed, so such a job stays here, and that is said.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from google.protobuf.message import DecodeError

from lineage import bundle, ids
from lineage.annotations import Annotations
from lineage.annotationwire import annotated_from, annotated_to
from lineage.errors import CorruptError, DeniedError, InvalidError, RoarError, UnavailableError
from lineage.redact import redact_text
from lineage.v1 import annotations_pb2, registry_pb2
from roarctl.registry.address import Address
from roarctl.registry.client import error_of
from roarctl.registry.http import Answer, Transport
from roarctl.suspects import suspects

Message = TypeVar("Message", registry_pb2.RegisterBundleResponse, registry_pb2.Account)

_REGISTER = "/lineage.v1.Registry/RegisterBundle"
_WHOAMI = "/lineage.v1.Registry/WhoAmI"
_HEADERS = {"Content-Type": "application/proto", "Connect-Protocol-Version": "1"}
_SECONDS = 300.0  # for one bundle
_QUICK_SECONDS = 30.0
_ALL_SECONDS = 500.0  # after which nothing more is begun, so that roard hears of what was done
_CONNECT_SECONDS = 10.0
_NOW, _LATER = frozenset({200}), frozenset({408, 425, 429, 502, 503, 504})
_RIGHT = "is it up, and [registry] url in roard's configuration right? roard tries again by itself"
_MOST_SHOWN = 3  # places with what looks like a secret that are named

#: Whom it concerns that a bundle was not taken: "all" who send, for now; all until somebody mends something here ("held");
#: or "these" jobs alone, for now.
Concerns: TypeAlias = Literal["all", "held", "these"]


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """The bundle was not taken."""

    def __init__(self, error: RoarError, concerns: Concerns | None, retry_after: float = 0) -> None:
        """``concerns`` None: it never will be."""
        super().__init__(error.message)
        self.error = error
        self.concerns = concerns
        self.retry_after = retry_after


class Job(NamedTuple):
    record: bytes
    chunks: Mapping[bytes, bytes]


class Sender:
    """``transport`` None: ``problem`` says why there is none."""

    def __init__(self, transport: Transport | None, problem: RoarError | None = None) -> None:
        self._transport = transport
        self._problem = problem
        self._deadline = 0.0

    @classmethod
    def of(cls, hello: Mapping[str, Any]) -> Sender:
        """``hello``: what roard says first."""
        try:
            address = Address.parse(str(hello["url"]))
            return cls(Transport(address, str(hello["token"]), insecure=bool(hello.get("insecure")),
                                 connecting=_CONNECT_SECONDS, tries=1))
        except RoarError as error:
            hint = "[registry] in roard's configuration: an https address, or insecure = true in a network that you trust"
            return cls(None, type(error)(error.message, hint))

    def send(self, asked: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        """What roard shall know: {sent: {job: its bundle}, refused: {job: why}, later: None or {why, concerns,
        retry_after}}."""
        answer: dict[str, Any] = {"sent": {}, "refused": {}, "later": None}
        self._deadline = time.monotonic() + _ALL_SECONDS
        try:
            if self._problem is not None:
                raise Refusal(self._problem, "held")
            raw = bundle.read(BytesIO(data))
            wanted = [bytes.fromhex(one) for one in asked["jobs"]]
            said = [annotations_pb2.Annotated.FromString(b64decode(one)) for one in asked["said"]]
            jobs = _harmless(raw, wanted, answer["refused"])
            self._deliver(str(asked["scope"]), _part(raw, jobs), jobs, said, answer)
        except Refusal as refusal:
            answer["later"] = {"why": refusal.error.document(), "concerns": refusal.concerns,
                               "retry_after": refusal.retry_after}
        return answer

    def _deliver(self, scope: str, raw: bundle.Raw, jobs: Mapping[bytes, Job],
                 said: Sequence[annotations_pb2.Annotated], answer: dict[str, Any]) -> None:
        """All at once; if that is refused for good, in halves, so that one does not keep the others from going. What there is
        no time for is left out of the answer."""
        if not jobs or time.monotonic() > self._deadline:
            return
        try:
            taken = self._register(scope, raw, _cleaned(said, jobs))
        except Refusal as refusal:
            if refusal.concerns is not None:
                raise
            if len(jobs) == 1:
                answer["refused"].update({identity.hex(): refusal.error.document() for identity in jobs})
                return
            order = list(jobs.items())
            for part in (dict(order[:len(order) // 2]), dict(order[len(order) // 2:])):
                self._deliver(scope, _part(raw, part), part, said, answer)
            return
        kept = {*taken.registered, *taken.known}
        answer["sent"].update({identity.hex(): raw.id.hex() for identity in jobs if identity in kept})

    def _register(self, scope: str, raw: bundle.Raw, said: Iterable[annotations_pb2.Annotated],
                  ) -> registry_pb2.RegisterBundleResponse:
        file = BytesIO()
        bundle.write(raw, file)
        request = registry_pb2.RegisterBundleRequest(bundle=file.getvalue(), space=scope, said=said)
        got = self._ask(_REGISTER, request.SerializeToString(), _SECONDS)
        if got.status not in _NOW or not got.headers.get("content-type", "").startswith("application/proto"):
            raise self._refusal(got)
        return self._decoded(registry_pb2.RegisterBundleResponse, got)

    def _ask(self, path: str, body: bytes, seconds: float) -> Answer:
        assert self._transport is not None
        try:
            # once: when to try again is roard's to say, which keeps it over restarts
            return self._transport.exchange("POST", path, body, _HEADERS, seconds=seconds, idempotent=False)
        except RoarError as error:  # nobody is there, or nobody that one understands
            raise Refusal(UnavailableError(error.message, _RIGHT), "all") from error

    def _decoded(self, kind: type[Message], got: Answer) -> Message:
        try:
            return kind.FromString(got.body)
        except DecodeError as error:
            assert self._transport is not None
            url = self._transport.address.url
            unread = UnavailableError(f"the answer of {url} cannot be read", "is it of another version?")
            raise Refusal(unread, "all") from error

    def _refusal(self, got: Answer) -> Refusal:
        assert self._transport is not None
        url = self._transport.address.url
        error = _said_error(got, url)
        if error is None or 300 <= got.status < 400:
            words = "cannot answer now" if got.status in _LATER else "does not answer as a registry does"
            return Refusal(UnavailableError(f"{url} {words} (status {got.status})",
                                            _RIGHT), "all",
                           _retry_after(got))
        if got.status in _LATER or isinstance(error, UnavailableError):
            return Refusal(error, "all", _retry_after(got))
        if got.status == 401:
            return Refusal(_mend(error), "held")
        if isinstance(error, DeniedError):  # is it the token, or what was asked of it?
            return Refusal(error, None) if self._may_register() else Refusal(_mend(error), "held")
        if got.status == 413 or isinstance(error, InvalidError | CorruptError) or 400 <= got.status < 500:
            return Refusal(error, None)
        return Refusal(error, "these")

    def _may_register(self) -> bool:
        got = self._ask(_WHOAMI, registry_pb2.WhoAmIRequest().SerializeToString(), _QUICK_SECONDS)
        if got.status not in _NOW:
            return False
        account = self._decoded(registry_pb2.Account, got)
        return bool(account.name) and "register" in account.scopes


def _harmless(raw: bundle.Raw, wanted: Sequence[bytes], refused: dict[str, Any]) -> dict[bytes, Job]:
    """The jobs that may leave, in their order."""
    jobs: dict[bytes, Job] = {}
    for identity in wanted:
        record = raw.parts[identity]
        value = ids.decode(record)
        job = Job(record, {chunk: raw.parts[chunk] for chunk in (*value["steps"], *value["entries"], value["context"])})
        found = suspects(ids.decode_job(record, job.chunks.__getitem__))
        if found:
            places = "; ".join(f"{one.where}: {one.shown}" for one in found[:_MOST_SHOWN])
            name = identity.hex()[:12]
            refused[identity.hex()] = DeniedError(
                f"it holds what looks like a secret ({places}), and its record cannot be changed",
                f"if it is none: roar register job:{name} --no-redact {name}").document()
        else:
            jobs[identity] = job
    return jobs


def _part(raw: bundle.Raw, jobs: Mapping[bytes, Job]) -> bundle.Raw:
    header = bundle.decode_header(raw.header)
    if len(jobs) == len(header.jobs) or not jobs:
        return raw
    return bundle.build(header.about, "", (raw.parts[one] for one in header.sessions), jobs.values())


def _cleaned(said: Sequence[annotations_pb2.Annotated], jobs: Mapping[bytes, Job]) -> list[annotations_pb2.Annotated]:
    """Of what is in the bundle, redacted once more."""
    found: list[annotations_pb2.Annotated] = []
    for one in map(annotated_from, said):
        if one.subject.kind == "session" or one.subject.id in jobs:
            items = tuple(item._replace(values=tuple(map(redact_text, item.values))) for item in one.items)
            found.append(annotated_to(replace(Annotations(one.subject), items=items)))
    return found


def _said_error(got: Answer, url: str) -> RoarError | None:
    """What the registry said; None for what is no registry's word."""
    try:
        document = json.loads(got.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not document.keys() & {"error", "code", "message"}:
        return None
    return error_of(document, got.status, url)


def _mend(error: RoarError) -> RoarError:
    return DeniedError(f"the registry does not take this machine's token: {error.message}",
                       "put a new one into [registry] token_file, as root; roard notices by itself")


def _retry_after(got: Answer) -> float:
    """RFC 9110 section 10.2.3, where it is in seconds."""
    value = got.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
