"""Documents of single commands, of fixed answers: for tests/unit/cli/golden.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import compared
from made_records import COMMIT, PYTHON, ROOT
from made_records import entry as named
from made_records import job as planned
from samples import BEGAN, SESSION, USER, entry, job, pipeline

from lineage import bundle, ids, wire
from lineage.annotations import Annotations, Change, Item, Subject
from lineage.annotationwire import annotated_to
from lineage.compare.causes import find_causes
from lineage.compare.metrics import Delta
from lineage.compare.model import CodeHistory, Commit, CommitRange, FileChange
from lineage.compare.sessions import Aligned
from lineage.compare.subjects import compare, step_subject
from lineage.export import plain
from lineage.export.model import ELSEWHERE, build
from lineage.ids import reidentified
from lineage.records import Job
from lineage.reproduce.plan import Plan, make_plan
from lineage.tags import held_tags
from lineage.v1 import bundle_pb2, lineage_pb2, registry_pb2
from lineage.whole import search_document
from roarctl.annotating import subject_document
from roarctl.commands.auth import auth_document, keys_document, tokens_document
from roarctl.commands.config import config_document, settings_rows
from roarctl.commands.env import env_document
from roarctl.commands.login import login_document
from roarctl.commands.logout import logout_document
from roarctl.commands.scope import scope_document
from roarctl.commands.unregister import unregistered_document
from roarctl.commands.whoami import whoami_document
from roarctl.comparing import Answer, Artifact
from roarctl.evidence import Evidence, Values
from roarctl.handing import Report
from roarctl.outputs import Output
from roarctl.references import Target
from roarctl.registry import registering
from roarctl.registry.closure import Closure
from roarctl.registry.commits import Tag
from roarctl.registry.credentials import Login
from roarctl.registry.packing import Pack
from roarctl.registry.registering import Choices, Refused, Sent
from roarctl.render.diff import diff_document
from roarctl.render.documents import pop_document
from roarctl.render.imports import import_document
from roarctl.render.inputs import inputs_document
from roarctl.render.register import pack_document, registered_document, registration_document
from roarctl.render.reproduce import reproduce_document, result_document
from roarctl.render.tags import tags_document
from roarctl.render.trees import tree_document
from roarctl.reproducing.compare import Verdict as Compared
from roarctl.reproducing.locate import Found
from roarctl.reproducing.results import StepResult
from roarctl.roots import direct_inputs, roots
from roarctl.settings import Settings, parse
from roarctl.suspects import Suspect
from roarctl.verifying import Check, Verdict
from roarctl.whereabouts import Place

_UNSIGNED = Check("signature", "unknown", "it is not signed")
_START = {"kind": "artifact", "id": "69" * 32}


def said(subject: Subject) -> Annotations:
    """One of each kind."""
    return Annotations(subject, (
        Item("label", "name", ("train",), USER, BEGAN), Item("tag", "license", ("by", "nd"), USER, BEGAN + 1),
        Item("block", "consent", ("names are removed",), USER, BEGAN + 2),
        Item("note", "1", ("it diverged\nagain",), USER, BEGAN)), (
        Change("label", "name", (), ("prep",), USER, BEGAN), Change("label", "name", ("prep",), ("train",), USER, BEGAN)))


def _tags() -> dict[str, Any]:
    """Of the report: license comes from the raw data, consent is stopped at the job that cleaned it."""
    graph = pipeline()
    raw = Annotations(Subject("artifact", bytes([100]) * 32), (
        Item("tag", "license", ("by", "nd"), USER, BEGAN), Item("tag", "consent", ("research",), USER, BEGAN)))
    stop = Annotations(Subject("job", bytes([1]) * 16), (Item("block", "consent", ("names are removed",), USER, BEGAN),))
    del graph.edges[6]  # the report from the raw data itself
    tags = held_tags(graph, {one.subject.id: one for one in (raw, stop)}, artifact=5)
    return tags_document(tags, graph, start=_START, changed=False)


def _config() -> dict[str, Any]:
    settings = parse(b'[labels]\nteam = "vision"\n[hygiene]\nrequire = ["name"]\nuncommitted = "warn"\n', b"/p/\xff/.roar.toml")
    return config_document(settings, settings_rows(settings))


def _env() -> dict[str, Any]:
    return env_document([("API_TOKEN", "redacted", "[redacted]"), ("LANG", "recorded", "C"), ("LS_COLORS", "omitted", None)])


def _inputs() -> dict[str, Any]:
    graph = pipeline()
    graph.artifacts.add(path=b"/p/\xff.csv")  # what could not be hashed
    graph.edges.add(job=4, artifact=7)
    found = roots(graph)
    places = [Place("same"), Place("missing", b"/old/raw\xff.csv"), Place("edited")]
    return inputs_document(list(zip(found, places, strict=True)), start=_START, direct=False, changed=True, truncated="nodes")


def _inputs_direct() -> dict[str, Any]:
    found = direct_inputs(pipeline(), 4)
    return inputs_document([(one, Place("unchecked")) for one in found], start=_START, direct=True, changed=False, truncated="")


def _search() -> dict[str, Any]:
    heads = list(pipeline().jobs)
    found = lineage_pb2.FoundArtifact(
        hash=b"\xaa" * 32, size=12, paths=[b"/p/clean.csv", b"/p/\xff.csv"], job=heads[0], output=True, makers=heads[:1],
        users=heads[1:3], made=1, used=7)
    root = lineage_pb2.FoundArtifact(hash=b"\xbb" * 32, paths=[b"/p/raw.csv"], users=heads[:1], used=1)
    return search_document(lineage_pb2.SearchResponse(
        artifacts=[found, root], jobs=heads[:1], more_artifacts=True, stopped="time", indexing=True))


def _directory() -> dict[str, Any]:
    head = wire.head_to(job().head)
    answer = lineage_pb2.FindTreeResponse(known=2, made=1, truncated=True, uses=[
        lineage_pb2.TreeUse(job=head, kind="output", path=b"/p/shards\xff", files=2)])
    return tree_document(b"/q/shards", b"\xcc" * 32, [(b"a", b"\xaa" * 32, 3), (b"b", b"\xbb" * 32, 4)], answer)


def _pop() -> dict[str, Any]:
    made = entry("output", b"/p/model.pt", b"\xbb" * 32)
    kept = Output(entry("output", b"/p/\xff", None, hash_reason="changed", size=None), "could not be compared")
    return pop_document(job().head, SESSION, [made], [kept], ["/p/log: kept, changed since"])


def _verify() -> dict[str, Any]:
    return Verdict("statement", (Check("signature", "held", "model.pt: signed by ada"), Check("file", "failed", "x: other"),
                                 Check("record", "unknown", "model.pt: no roard is here"))).document()


def _import(answer: bundle_pb2.ImportResponse | None) -> dict[str, Any]:
    session, record = ids.session_id(USER, job().head.host, b"/p", BEGAN, b"n" * 16)
    whole = reidentified(replace(job([entry()]), head=replace(job([entry()]).head, session=session, id=None)))
    raw = bundle.build("job:" + "11" * 32, "jobs", (record,), [ids.encode_job(whole)[1:]])
    return import_document(bundle.content(raw), answer, _UNSIGNED)


def _export() -> dict[str, Any]:
    jobs = _pipeline()
    makers = {(1, b"/home/ada/work/clean.csv"): 0, (1, b"/home/ada/work/far.csv"): ELSEWHERE}
    lineage = build("artifact", jobs[1].of_kind("output")[0].hash, b"/home/ada/work/\xff.pkl", jobs,
                    lambda at, taken: makers.get((at, taken.path)), truncated="jobs",
                    sha256={jobs[0].of_kind("output")[0].hash: b"\x5a" * 32})
    return plain.document(lineage)


def _exported() -> dict[str, Any]:
    return Report("slsa", Path("model.intoto.jsonl"), 2, 5, "jobs", "ada", ["raw.csv"], ["not everything"]).document()


def _pipeline() -> list[Job]:
    """Builds an extension; cleans raw data; trains, which writes outside of the project."""
    git = {"root": ROOT, "branch": "main", "commit": COMMIT, "dirty": True, "remote": "https://example.org/p.git",
           "diff": "--- a/train.py\n", "diff_truncated": False, "untracked": [], "untracked_truncated": False, "error": ""}
    build_step = planned(3, "pip install -e .", kind="build", git=git)
    clean = planned(1, "sh clean.sh", [("raw.csv", "raw"), ("clean.sh", "code")], [("clean.csv", "clean")], git=git)
    lost = named("input", "far.csv", None)
    train = planned(2, "python train.py", [("clean.csv", "clean"), ("train.py", "train")],
                    [("model.pkl", "model"), ("/elsewhere/log", "log")], python=PYTHON, git=git)
    context = {**train.context, "packages": [{"name": "numpy", "version": "2.4.6", "files": 310, "manager": "pip"}]}
    return [clean, reidentified(replace(train, entries=(*train.entries, lost), context=context)), build_step]


def _plan() -> tuple[Plan, list[Found]]:
    plan = make_plan(_pipeline(), ["the session is long"])
    where = ["here", "git", "changed", "elsewhere"]
    return plan, [Found(one, state, b"/old/\xff" if state == "elsewhere" else b"")
                  for one, state in zip(plan.roots, where, strict=True)]


def _reproduce() -> dict[str, Any]:
    return reproduce_document("model.pkl", *_plan(), None)


def _reproduced() -> dict[str, Any]:
    plan, found = _plan()
    first, second, third = plan.steps
    results = [
        StepResult(first, 0, again=True),
        StepResult(second, 0, number=1, verdicts=[Compared(b"/p/clean.csv", "identical", b"\xaa" * 32)]),
        StepResult(third, 1, "ended with exit code 1", 2, notes=["no GPU here"], log=Path("/again/3.log"), verdicts=[
            Compared(b"/p/\xff", "differs", b"\xbb" * 32, ("first in line 1",)), Compared(b"/p/log", "not made")])]
    return reproduce_document("model.pkl", plan, found, result_document(results, ["numpy is another"], Path("/again")))


class _Compared:
    """Two trainings, of data that two versions of a script made."""

    def __init__(self) -> None:
        project = compared.Project()
        self.prep = (project.run("python prep.py", "prep.py=1 raw.csv=r", "train.csv=1"),
                     project.run("python prep.py", "prep.py=2 raw.csv=r", "train.csv=2"))
        self.train = (project.run("python train.py --lr 1", "train.py=1 train.csv=1 old.csv=1", "m.json=1",
                                  packages=["numpy==1"], gpus=[]),
                      project.run("python train.py --lr 2", "train.py=1 train.csv=2 new.csv=", "m.json=2",
                                  packages=["numpy==2"], gpus=[{"path": "/dev/nvidia0"}]))
        self.makers = compared.Makers(project)
        self.commit = Commit("c" * 40, "drop the names", "Ada", 1_795_420_800)

    def answer(self, kind: str = "job", pair: tuple[Any, Any] | None = None, **fields: Any) -> Answer:
        a, b = pair or self.train
        comparison = compare(a, b, self.makers)
        causes = find_causes([(a, b)], self.makers, lambda one, other: compare(one, other, self.makers))
        return Answer(kind, same=False, comparison=comparison, causes=causes, changes=comparison.of("outputs"), **fields)

    def evidence(self, answer: Answer) -> Evidence:
        changes = [*(answer.comparison.changes if answer.comparison else ()), *answer.changes,
                   *(change for cause in answer.causes.found for change in cause.changes)]
        files = [change for change in changes if isinstance(change, FileChange)]
        history = CodeHistory((self.commit,), False, ("b",), ("--- a/prep.py", "+++ b/prep.py"), "")
        values = Values((Delta("loss", 0.5, 0.25, -0.25), Delta("worst", float("nan"), None, None)))
        return Evidence(
            CommitRange(b"/p", "a" * 40, "b" * 40, (self.commit,), (), True, (b"prep.py",)),
            {change: history for change in files if change.category == "code"},
            {change: values for change in files if change.category == "outputs"})


def _diff() -> dict[str, Any]:
    them = _Compared()
    answer = them.answer(notes=["@3: 2 accesses were lost"])
    return diff_document(answer, them.evidence(answer))


def _diff_steps() -> dict[str, Any]:
    them = _Compared()
    answer = them.answer("step", tuple(step_subject(one.job, 0) for one in them.train))
    return diff_document(answer, Evidence())


def _diff_artifacts() -> dict[str, Any]:
    them = _Compared()
    a, b = (Artifact(one.outputs[0].hash, one.outputs[0].path, 7, False, one, one.job, one.outputs[0]) for one in them.train)
    change = FileChange("outputs", b"m.json", "changed", a.entry, b.entry)
    answer = replace(them.answer("artifact", artifacts=(a, replace(b, maker=None))), changes=(change,))
    gone = replace(them.evidence(answer), values={change: Values(absent="as of @3 it is gone")})
    return diff_document(answer, gone)


def _diff_sessions() -> dict[str, Any]:
    them = _Compared()
    pair = compare(*them.train, them.makers)
    heads = [one.job.head for one in them.train]
    pairs = [(Aligned(*heads), pair), (Aligned(None, heads[1]), None)]
    answer = them.answer("session", sessions=(SESSION, SESSION), pairs=pairs)
    return diff_document(replace(answer, comparison=None, causes=replace(answer.causes, truncated=True)), Evidence())


def _register() -> dict[str, Any]:
    one, other = job(id=b"\x11" * 32, number=1), job([entry(path=b"/p/\xff.csv")], {
        "environment": {"HOME": "/home/ada"}, "git": {"remote": "git@example.org:ada/p.git", "diff": "--- a\n"},
        "stderr": {"text": "x"}, "network": [{"family": "inet", "name": None, "address": "192.0.2.1"}]},
        id=b"\x22" * 32, number=2, argv=(b"python", b"--key=abc"))
    plan = registering.Plan(Closure((one.head, other.head), 1, other.head), frozenset([b"\x11" * 32]))
    plan.packs.append(Pack(b"\x02" * 32, (other.head,), 900))
    plan.leaving.add(other)
    plan.leaving.said.append(annotated_to(said(Subject("job", b"\x22" * 32))))
    plan.refused.append(Refused(other.head, [Suspect("its command line", "python --key=[redacted]")]))
    sent = Sent(new=1, known=1, receipts="/home/ada/receipts", problems=["its receipt does not hold: …"])
    tag = Tag(b"/p", "c" * 40, "roar/ccccccc", "failed", "origin", "no space left")
    packs = [pack_document(plan.packs[0], b"\xbd" * 32, 900)]
    found = registration_document(plan, packs, Target("artifact", b"\xbb" * 32), "https://registry.example.org", sent, [tag])
    return registered_document("https://registry.example.org", Choices("public"), [found], dry_run=False)


def _scope() -> dict[str, Any]:
    head = job().head
    return scope_document("https://registry.example.org", heads=[head], spaces={head.id: ["org:vision"]}, moved={head.id})


def _whoami() -> dict[str, Any]:
    account = registry_pb2.Account(name="ada", organisations=["vision"], scopes=["read", "register"], expires_at=BEGAN,
                                   key="SHA256:x")
    return whoami_document("https://registry.example.org", "login", account)


_REGISTRY = "https://registry.example.org"
_TOKEN = {"id": "1a2b3c4d5e6f", "name": "ci", "scopes": ["read"], "created_at": "2026-11-23T08:00:00Z", "expires_at": None,
          "expired": False, "used_at": None}
_KEY = {"fingerprint": "SHA256:x", "name": "roar on box", "created_at": "2026-11-23T08:00:00Z", "used_at": None, "proven": True}


def _auth() -> dict[str, Any]:
    row = {"registry": _REGISTRY, "default": True, "account": "ada", "token": True, "insecure": False, "state": "refused",
           "problem": "this token is not valid"}
    return auth_document([row], _REGISTRY, "login")


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "annotations": lambda: subject_document(said(Subject("job", b"\x01" * 16))),
    "annotations-history": lambda: subject_document(said(Subject("step", b"\x01" * 16, 2)), history=True),
    "tags": _tags, "config": _config,
    "config-default": lambda: config_document(Settings(), []),
    "env": _env, "inputs": _inputs, "inputs-direct": _inputs_direct, "search": _search, "directory": _directory, "pop": _pop,
    "pop-dry-run": lambda: pop_document(job().head, None, [], [], []),
    "verify": _verify,
    "import": lambda: _import(bundle_pb2.ImportResponse(imported=[b"\x11" * 32], known=[b"\x22" * 32])),
    "import-dry-run": lambda: _import(None),
    "export": _export, "exported": _exported, "reproduce": _reproduce, "reproduced": _reproduced,
    "login": lambda: login_document(_REGISTRY, Login("t", "ada"), default=True),
    "logout": lambda: logout_document([{"registry": _REGISTRY, "ended": False, "problem": "it is not there"}]),
    "auth": _auth, "auth-nowhere": lambda: auth_document([], None, None),
    "tokens": lambda: tokens_document(_REGISTRY, [_TOKEN], "glaas_x"), "keys": lambda: keys_document(_REGISTRY, [_KEY]),
    "register": _register,
    "unregister": lambda: unregistered_document(_REGISTRY, [job().head], set(), dry_run=True),
    "scope": _scope, "whoami": _whoami,
    "scope-project": lambda: scope_document(None, "private", "default"),
    "whoami-nobody": lambda: whoami_document("http://127.0.0.1:8080", "environment", registry_pb2.Account()),
    "diff": _diff, "diff-steps": _diff_steps, "diff-artifacts": _diff_artifacts, "diff-sessions": _diff_sessions,
}
