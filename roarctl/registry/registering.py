"""`roar register`, put together: what is needed, what of it the registry lacks, what of that may leave, and the sending.

A bundle is kept by the registry whole or not at all, and sending one again changes nothing. So whatever ends this in the
middle, the next try asks what is known already and goes on with the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from lineage import bundle
from lineage.annotations import Subject
from lineage.errors import DeniedError, RoarError
from lineage.records import SHOWN_ROLES, Job, JobHead
from lineage.v1 import registry_pb2
from roarctl.client.channel import GRAPH_SECONDS
from roarctl.registry import receipts, said
from roarctl.registry.closure import Closure, closure
from roarctl.registry.leaving import Leaving
from roarctl.registry.packing import Pack, Records, packed
from roarctl.suspects import Suspect, suspects

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target
    from roarctl.registry.client import RegistryClient
    from roarctl.signing import Signer

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_MOST_KNOWN = 10_000  # jobs in one question
_MOST_RECEIPTS = 500  # jobs whose receipt is looked for
_MOST_STEPS = 1_000  # of a job, of which people may have said something
_SEND_SECONDS = 300.0  # for one bundle, with waiting for its turn and trying again


class Choices(NamedTuple):
    """``scope``: private, public or org:NAME; ``chosen``: somebody said so, else what is registered in another scope stays
    as it is. ``as_is``: jobs that may leave although something in them looks like a secret. ``signer`` None: unsigned."""

    scope: str
    chosen: bool = False
    show_hashes: bool = False
    direct: bool = False
    as_is: frozenset[bytes] = frozenset()
    signer: Signer | None = None


class Refused(NamedTuple):
    head: JobHead
    suspects: list[Suspect]


class Commit(NamedTuple):
    """The code of a job: where its repository was, and what it was at."""

    root: bytes
    commit: str


@dataclass(slots=True)
class Plan:
    """What a registration would do. ``known``: of the closure, what the registry has in this scope already; None: it was not
    asked, so everything counts as new."""

    closure: Closure
    known: frozenset[bytes] | None
    packs: list[Pack] = field(default_factory=list)
    leaving: Leaving = field(default_factory=Leaving)
    refused: list[Refused] = field(default_factory=list)
    commits: dict[Commit, bytes] = field(default_factory=dict)  # to a job that ran at it
    artifacts: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)  # by run: what people may have said something of
    foreign: frozenset[bytes] = frozenset()  # runs that were recorded elsewhere: what they name here is not theirs to name
    steps: dict[bytes, int] = field(default_factory=dict)  # by run: how many

    @property
    def new(self) -> int:
        return sum(len(pack.heads) for pack in self.packs)

    @property
    def bytes(self) -> int:
        return sum(pack.size for pack in self.packs)


@dataclass(slots=True)
class Sent:
    new: int = 0
    known: int = 0
    bundles: list[bytes] = field(default_factory=list)
    receipts: str = ""  # the directory where they are
    problems: list[str] = field(default_factory=list)


def prepare(client: Client, registry: RegistryClient | None, target: Target, choices: Choices,
            progress: Callable[[str], None]) -> Plan:
    """``registry`` None: it is not asked."""
    progress("looking up the lineage")
    needed = closure(client, target, direct=choices.direct)
    known = _known(registry, needed.heads, choices) if registry is not None else None
    if registry is not None and known:
        known -= _said_since(client, registry, target, needed, known)
    plan = Plan(needed, known, foreign=frozenset(head.run for head in needed.heads if head.imported is not None))
    wanted = [head for head in needed.heads if head.id not in (known or ())]
    done = 0

    def look(job: Job) -> None:
        nonlocal done
        done += 1
        progress(f"reading record {done} of {len(wanted)}")
        _look(plan, choices, job)

    plan.packs = list(packed(Records(client), wanted, look))
    return plan


def check(plan: Plan) -> None:
    """DeniedError with what and where, if something looks like a secret."""
    if not plan.refused:
        return
    first = plan.refused[0]
    names = " ".join(f"--no-redact {(one.head.id or b'').hex()[:12]}" for one in plan.refused[:3])
    more = f" (and {len(plan.refused) - 1} other jobs)" if len(plan.refused) > 1 else ""
    name = (first.head.id or b"").hex()[:12]
    error = DeniedError(f"job {name}{more} holds what looks like a secret, and its record cannot be changed: nothing was sent",
                        f"if it is none: {names}")
    error.details = tuple(f"job {(one.head.id or b'').hex()[:12]}: {suspect.where}: {suspect.shown}"
                          for one in plan.refused for suspect in one.suspects)[:20]
    raise error


def bundles(client: Client, plan: Plan, choices: Choices) -> Iterator[tuple[Pack, bundle.Raw]]:
    """Made one after the other, as they are sent."""
    records = Records(client)
    for pack in plan.packs:
        raw = records.bundle(pack)
        if choices.signer is not None:
            raw = raw._replace(envelope=choices.signer.envelope(bundle.PAYLOAD_TYPE, raw.header).text())
        yield pack, raw


def look_at_said(client: Client, plan: Plan) -> None:
    """For who wants to see all that would leave: what people said goes along."""
    for pack in plan.packs:
        plan.leaving.said += _said_of(client, plan, pack)


def send(client: Client, registry: RegistryClient, plan: Plan, choices: Choices, sent: Sent,
         progress: Callable[[str], None]) -> None:
    """What it does stands in ``sent`` at any moment. The registry's RoarError, where it cannot or will not go on."""
    sent.known = len(plan.known or ())
    size = 0
    for number, (pack, raw) in enumerate(bundles(client, plan, choices), 1):
        progress(f"sending bundle {number} of {len(plan.packs)}  {size / 1e6:.1f} of {plan.bytes / 1e6:.1f} MB")
        answer = _register(registry, raw, _said_of(client, plan, pack), choices)
        size += pack.size
        sent.bundles.append(raw.id)
        sent.new += len(answer.registered)
        sent.known += len(answer.known)
        proof = answer.proof if answer.HasField("proof") else _inclusion(registry, raw.id)
        if proof is not None:
            _keep(registry, raw.header, proof, sent)
    progress("")
    _fill(client, registry, plan, sent)


def _register(registry: RegistryClient, raw: bundle.Raw, about: Sequence[said.Annotated], choices: Choices,
              ) -> registry_pb2.RegisterBundleResponse:
    file = BytesIO()
    bundle.write(raw, file)
    request = registry_pb2.RegisterBundleRequest(bundle=file.getvalue(), space=choices.scope, show_hashes=choices.show_hashes,
                                                 said=about)
    return registry.call("Registry/RegisterBundle", request, registry_pb2.RegisterBundleResponse, _SEND_SECONDS)


def _known(registry: RegistryClient, heads: Sequence[JobHead], choices: Choices) -> frozenset[bytes]:
    scopes = [choices.scope] if choices.chosen else every_scope(registry)
    return frozenset(registered(registry, [head.id for head in heads if head.id is not None], scopes))


def every_scope(registry: RegistryClient) -> list[str]:
    """In which the caller may have registered something, the narrowest first."""
    account = registry.call("Registry/WhoAmI", registry_pb2.WhoAmIRequest(), registry_pb2.Account)
    if not account.name:
        raise DeniedError(f"nobody said who you are at {registry.url}", "`roar login`, or GLAAS_TOKEN in the environment")
    return ["private", *(f"org:{name}" for name in account.organisations), "public"]


def registered(registry: RegistryClient, jobs: Sequence[bytes], scopes: Iterable[str]) -> dict[bytes, list[str]]:
    """By job, in which of these scopes the caller registered it."""
    found: dict[bytes, list[str]] = {}
    for scope in scopes:
        for at in range(0, len(jobs), _MOST_KNOWN):
            request = registry_pb2.KnownRequest(space=scope, jobs=jobs[at:at + _MOST_KNOWN])
            for job in registry.call("Registry/Known", request, registry_pb2.KnownResponse, GRAPH_SECONDS).jobs:
                found.setdefault(job, []).append(scope)
    return found


def _look(plan: Plan, choices: Choices, job: Job) -> None:
    plan.leaving.add(job)
    if job.head.id not in choices.as_is:
        found = suspects(job)
        if found:
            plan.refused.append(Refused(job.head, found))
    git = job.context.get("git") or {}
    if git.get("commit") and git.get("root") and job.head.id is not None and job.head.run not in plan.foreign:
        commit = Commit(str(git["root"]).encode("utf-8", "surrogateescape"), str(git["commit"]))
        if _COMMIT.fullmatch(commit.commit):
            plan.commits.setdefault(commit, job.head.id)
    plan.steps[job.head.run] = min(len(job.steps), _MOST_STEPS)
    plan.artifacts[job.head.run] = tuple({entry.hash for entry in job.entries if entry.hash is not None
                                          and entry.kind in {"input", "output"} and entry.role in SHOWN_ROLES})


def _said_since(client: Client, registry: RegistryClient, target: Target, needed: Closure,
                known: frozenset[bytes]) -> frozenset[bytes]:
    """Registered jobs of which people have said something that the registry has not heard: they are sent again. Of files, the
    one that was named."""
    heads = [head for head in needed.heads if head.id in known]
    ids = {head.run: head.id or b"" for head in heads}
    by_subject = {("session", head.session): head.id for head in reversed(heads)}
    by_subject |= {("job", head.id or b""): head.id for head in heads}
    if target.kind == "artifact" and needed.first is not None and needed.first.id in known:
        by_subject["artifact", target.id] = needed.first.id
    subjects = [Subject("session", session) for session in dict.fromkeys(head.session for head in heads)]
    subjects += [Subject("job", run) for run in ids]
    subjects += [Subject("artifact", target.id)] if target.kind == "artifact" else []
    here = said.words(said.of(client, subjects, ids))
    there = said.words(said.known(registry, list(here)))
    changed = {by_subject.get(subject) for subject, words in here.items() if not words <= there.get(subject, frozenset())}
    return frozenset(job for job in changed if job is not None)


def _said_of(client: Client, plan: Plan, pack: Pack) -> list[said.Annotated]:
    ids = {head.run: head.id or b"" for head in pack.heads}
    subjects = [Subject("session", pack.session)]
    for head in pack.heads:
        subjects.append(Subject("job", head.run))
        subjects += [Subject("step", head.run, index) for index in range(plan.steps.get(head.run, 0))]
    artifacts = dict.fromkeys(digest for run in ids for digest in plan.artifacts.get(run, ()))
    return said.of(client, [*subjects, *(Subject("artifact", digest) for digest in artifacts)], ids)


def _keep(registry: RegistryClient, header: bytes, proof: registry_pb2.InclusionProof, sent: Sent) -> None:
    """A receipt that does not hold is said, and is kept beside: it shows what the registry said."""
    try:
        sent.receipts = str(receipts.keep(registry.url, header, proof))
    except RoarError as error:
        sent.problems.append(f"its receipt does not hold: {error.message}")


def _fill(client: Client, registry: RegistryClient, plan: Plan, sent: Sent) -> None:
    """Receipts of bundles that were kept by the registry while its answer got lost: they are made again, the same, and asked
    for by their ids. What is registered otherwise than by this machine has none here."""
    lacking = set(receipts.missing(registry.url, plan.known or ()))
    heads = [head for head in plan.closure.heads if head.id in lacking][:_MOST_RECEIPTS]
    records = Records(client)
    for pack in packed(records, heads, lambda _job: None):
        raw = records.bundle(pack)
        proof = _inclusion(registry, raw.id)
        if proof is not None:
            _keep(registry, raw.header, proof, sent)


def _inclusion(registry: RegistryClient, identity: bytes) -> registry_pb2.InclusionProof | None:
    """None where the log has no such bundle, or is not asked."""
    try:
        return registry.call("Registry/GetInclusion", registry_pb2.InclusionRequest(bundle=identity),
                             registry_pb2.InclusionProof, GRAPH_SECONDS)
    except RoarError:
        return None
