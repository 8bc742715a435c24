"""`roar verify` of receipts and logs: who saw a registry's history before finds out if it is rewritten, cut or forked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glaas.log import keys
from glaas.log.journal import TABLES, Journal
from glaas.log.keys import SigningKey
from glaas.log.log import ENTRIES, Log
from glaas.store import open_store
from glaas.store.keyed import KeyedStore
from lineage import bundle, ids
from lineage.errors import CorruptError, NotFoundError, RoarError
from lineage.receipt import Receipt
from lineage.transparency import LogEntry
from lineage.v1 import registry_pb2 as pb
from lineage.wire_log import head_to
from roarctl import log_files, proving
from roarctl.client import Client
from roarctl.known_logs import KnownLogs
from roarctl.log_history import log_checks
from roarctl.verifying import Check, Verdict, kind_of

URL = "https://registry.example"
JOB = b"j" * 32


class Registry(Client):
    """What a registry answers of its log, without a network between."""

    def __init__(self, store: KeyedStore, key: SigningKey) -> None:
        self.store, self.log = store, Log(store, key)
        self.journal = Journal(self.log)

    def register(self, count: int = 1) -> Receipt:
        """Of the last one."""
        header = bundle.Header("job:00", "", (b"s" * 32,), (JOB,), (b"c" * 32,)).encode()
        subjects = [ids.content_id(header)] * count
        number = self.store.write(lambda txn: self.journal.record_all(txn, "register", "ada", "public", subjects))[-1]
        proof = self.log.proof(number)
        return Receipt(header, proof.opening, proof.entry, proof.number, proof.path, proof.head, tuple(self.log.changes()))

    def call(self, method, request, answer, seconds=0.0):
        if method == "Registry/GetTreeHead":
            return head_to(self.log.head(), self.log.changes())
        assert method == "Registry/GetConsistency"
        return pb.ConsistencyProof(path=self.log.consistency(request.first, request.second))

    def stream(self, method, request, answer, seconds=None):
        raise NotImplementedError

    def send(self, method, requests, answer, seconds=0.0):
        raise NotImplementedError

    def close(self) -> None:
        self.store.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    made: list[Registry] = []

    def of(key: SigningKey) -> Registry:
        made.append(Registry(open_store(str(tmp_path / f"store{len(made)}"), TABLES), key))
        return made[-1]

    yield of
    for one in made:
        one.close()


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate("registry.example/log")


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownLogs:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return KnownLogs()


def outcomes(checks: list[Check]) -> dict[str, str]:
    return {check.of: check.outcome for check in checks}


def evidence(known: KnownLogs) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(known.directory.glob("*.evidence-*.json"))]


def kept(receipt: Receipt) -> Path:
    """As `roar register` keeps it."""
    place = proving.data_directory("receipts") / "registry.example"
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{JOB.hex()}.json"
    file.write_bytes(receipt.encode())
    return file


def test_a_log_that_grows_is_taken_each_time(make, key, known) -> None:
    registry = make(key)
    registry.register(3)
    assert outcomes(log_checks(registry, URL, known)) == {"log": "held", "key": "held", "history": "unknown"}
    for _ in range(4):
        registry.register(5)
        assert outcomes(log_checks(registry, URL, known)) == {"log": "held", "key": "held", "history": "held"}
    assert known.of(key.origin).head.size == 23
    assert evidence(known) == []


def fork(make, key: SigningKey, registry: Registry, upto: int) -> Registry:
    """The same log up to some entry, and another one from then on."""
    other = make(key)
    entries = registry.log.entries(0, upto)
    other.store.write(lambda txn: other.log.append(txn, [*entries, LogEntry(1, b"another".ljust(32)).encode()]))
    return other


@pytest.mark.parametrize(("before", "same", "after"), [(5, 4, 0), (5, 4, 7), (5, 0, 4), (8, 3, 20), (1, 0, 0)])
def test_a_rewritten_history_is_found(make, key, known, before: int, same: int, after: int) -> None:
    """``same``: entries that it left as they were."""
    registry = make(key)
    registry.register(before)
    log_checks(registry, URL, known)
    seen = known.of(key.origin)
    lying = fork(make, key, registry, same)
    if before - same - 1 + after:
        lying.register(before - same - 1 + after)
    checks = log_checks(lying, URL, known)
    assert outcomes(checks)["history"] == "failed"
    assert Verdict("log", tuple(checks)).exit_code == 1
    assert known.of(key.origin) == seen  # what was seen first is what it is held to
    [shown] = evidence(known)
    assert shown["heads"] == [seen.head.note(), lying.log.head().note()]


def test_a_log_with_less_in_it_than_before_is_found(make, key, known) -> None:
    registry = make(key)
    registry.register(9)
    log_checks(registry, URL, known)
    shorter = make(key)
    shorter.store.write(lambda txn: shorter.log.append(txn, registry.log.entries(0, 6)))
    checks = log_checks(shorter, URL, known)
    assert [check.outcome for check in checks if check.of == "history"] == ["failed"]
    assert "had 9 entries" in checks[-1].text


def test_an_entry_that_is_exchanged_in_the_database_is_found(make, key, known) -> None:
    """Its proofs are made of what it stored before; whoever computes the tree anew gets another root."""
    registry = make(key)
    registry.register(6)
    log_checks(registry, URL, known)
    receipt = registry.register()
    receipt.verify()
    [(place, _)] = [(row, value) for row, value in walked(registry) if int.from_bytes(b"".join(row), "big") == 6]
    registry.store.write(lambda txn: txn.put(ENTRIES, [(place, LogEntry(1, b"x" * 32).encode())]))
    with pytest.raises(CorruptError):
        proof = registry.log.proof(6)
        Receipt(receipt.header, receipt.opening, proof.entry, 6, proof.path, proof.head).verify()


def walked(registry: Registry) -> list:
    with registry.store.read() as reader:
        return list(reader.walk(ENTRIES))


def test_a_log_that_refuses_to_show_a_proof_is_found(make, key, known, monkeypatch) -> None:
    """It lost what the proof is made of, or says so."""
    registry = make(key)
    registry.register(3)
    log_checks(registry, URL, known)
    registry.register(3)

    def refuse(first: int, second: int) -> list[bytes]:
        raise NotFoundError("no such tree")

    monkeypatch.setattr(registry.log, "consistency", refuse)
    checks = log_checks(registry, URL, known)
    assert ("failed", True) == (outcomes(checks)["history"], "shows no proof" in checks[-1].text)
    assert known.of(key.origin).head.size == 3


def test_a_receipt_is_enough_to_have_seen_it(make, key, known) -> None:
    """Who registered and never looked again finds the fork by what `roar register` kept."""
    registry = make(key)
    kept(registry.register(4))
    assert outcomes(log_checks(registry, URL, known))["history"] == "held"
    for file in known.directory.glob("*.json"):
        file.unlink()
    lying = fork(make, key, registry, 2)
    lying.register(6)
    assert outcomes(log_checks(lying, URL, known))["history"] == "failed"


def test_two_heads_of_one_size_are_seen_offline(make, key, known) -> None:
    registry = make(key)
    registry.register(3)
    log_checks(registry, URL, known)
    lying = fork(make, key, registry, 1)
    receipt = lying.register()
    assert receipt.head.size == 3
    checks = proving.receipt_checks(receipt, known)
    assert outcomes(checks)["history"] == "failed"
    assert evidence(known)


def test_another_key_is_not_taken_for_the_one_that_was_seen(make, key, known) -> None:
    registry = make(key)
    registry.register(3)
    log_checks(registry, URL, known)
    other = make(SigningKey.generate(key.origin))
    receipt = other.register(4)
    assert outcomes(log_checks(other, URL, known)) == {"log": "unknown", "key": "failed"}
    assert outcomes(proving.receipt_checks(receipt, known, own=True))["key"] == "failed"
    assert known.of(key.origin).head.size == 3


def test_another_log_at_the_same_address_is_found(make, key, known) -> None:
    registry = make(key)
    registry.register(3)
    log_checks(registry, URL, known)
    other = make(SigningKey.generate("another.example/log"))
    other.register()
    assert "failed" in [check.outcome for check in log_checks(other, URL, known) if check.of == "history"]


def test_the_key_that_is_given_counts(make, key, known, tmp_path) -> None:
    receipt = make(key).register()
    assert outcomes(proving.receipt_checks(receipt, known)) == {"ids": "held", "log": "unknown", "key": "unknown"}
    assert known.of(key.origin) is None  # somebody's file teaches nobody whose key it is
    (tmp_path / "log.pub").write_text(key.verifier + "\n")
    for text in (key.verifier, str(tmp_path / "log.pub")):
        checks = proving.receipt_checks(receipt, known, proving.log_key(text))
        assert outcomes(checks) == {"ids": "held", "log": "held", "key": "held"}
    wrong = proving.log_key(SigningKey.generate(key.origin).verifier)
    checks = proving.receipt_checks(receipt, known, wrong)
    assert outcomes(checks) == {"ids": "held", "log": "unknown", "key": "failed"}
    assert Verdict("receipt", tuple(checks)).exit_code == 1


def test_a_key_that_was_changed_in_order_is_followed_and_the_old_one_signs_nothing_new(make, key, known, tmp_path) -> None:
    registry = make(key)
    old = registry.register(3)
    log_checks(registry, URL, known)
    stolen = Log(registry.store, key)
    registry.log.rotate(SigningKey(key.origin, keys.Ed25519PrivateKey.generate()))
    new = registry.register()
    assert outcomes(log_checks(registry, URL, known)) == {"log": "held", "key": "held", "history": "held"}
    for receipt in (old, new):
        assert outcomes(proving.receipt_checks(receipt, known))["key"] == "held"
    fake = fork(make, key, registry, 5)
    assert fake.log.head().key == key.public == stolen._key.public
    assert outcomes(proving.receipt_checks(fake.register(), known))["key"] == "failed"


def test_receipts_that_were_kept_are_found_by_their_job(make, key, known) -> None:
    kept(make(key).register(2))
    verdict = proving.reference_verdict(f"job:{JOB.hex()[:12]}", known, None, None)
    assert verdict.exit_code == 0
    assert {check.of for check in verdict.checks} == {"ids", "log", "key"}
    assert known.of(key.origin).first_key == key.public


def consistency_of(registry: Registry, first: int, place: Path) -> Path:
    """As /api/v1/log/consistency gives it."""
    head = registry.log.head()
    path = [node.hex() for node in registry.log.consistency(first, head.size)]
    shown = {"key": head.key.hex(), "note": head.note(), "changes": [change.note() for change in registry.log.changes()]}
    place.write_text(json.dumps({"schema": "glaas.consistency/1", "first": first, "second": head.size, "path": path,
                                 "head": shown}))
    return place


def test_a_proof_of_consistency_is_checked_offline(make, key, known, tmp_path) -> None:
    registry = make(key)
    registry.register(4)
    log_checks(registry, URL, known)
    registry.register(5)
    file = consistency_of(registry, 4, tmp_path / "proof.json")
    assert "consistency" == kind_of(file)
    verdict = log_files.verify(file, "consistency", known, None)
    assert (0, {"log": "held", "key": "held", "history": "held"}) == (verdict.exit_code, outcomes(verdict.checks))
    other = consistency_of(registry, 6, tmp_path / "other.json")
    assert "unknown" == outcomes(log_files.verify(other, "consistency", known, None).checks)["history"]
    lying = fork(make, key, registry, 2)
    lying.register(6)
    lie = log_files.verify(consistency_of(lying, 4, tmp_path / "lie.json"), "consistency", known, None)
    assert (1, "failed") == (lie.exit_code, outcomes(lie.checks)["history"])
    for text in (file.read_text().replace('"first": 4', '"first": "4"'), "[]", '{"schema": "glaas.consistency/1"}'):
        file.write_text(text)
        with pytest.raises(RoarError):
            log_files.verify(file, "consistency", known, None)


@pytest.mark.parametrize(("before", "same", "after", "shows"), [(5, 3, 1, True), (6, 2, 0, True), (5, 3, 9, False)])
def test_what_is_kept_against_a_registry_convinces_others(make, key, known, tmp_path, before, same, after, shows) -> None:
    """Who has its key alone. Two trees of which one is larger do not contradict each other by themselves."""
    registry = make(key)
    registry.register(before)
    log_checks(registry, URL, known)
    lying = fork(make, key, registry, same)
    if after:
        lying.register(after)
    log_checks(lying, URL, known)
    [file] = known.directory.glob("*.evidence-*.json")
    assert "evidence" == kind_of(file)
    stranger = KnownLogs(tmp_path / "stranger")
    assert 3 == log_files.verify(file, "evidence", stranger, None).exit_code
    checks = log_files.verify(file, "evidence", stranger, proving.log_key(key.verifier)).checks
    assert {"key": "held", "history": "held" if shows else "unknown"} == outcomes(checks)
    forged = file.read_text().replace("example/log\\n", "example/lug\\n", 1)
    file.write_text(forged)
    assert "failed" == outcomes(log_files.verify(file, "evidence", stranger, proving.log_key(key.verifier)).checks)["key"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"nonsense", b'{"schema": "roar.known-log/1"}'])
def test_a_memory_that_is_damaged_is_not_passed_over(make, key, known, damage: bytes) -> None:
    registry = make(key)
    registry.register()
    log_checks(registry, URL, known)
    [file] = known.directory.glob("*.json")
    assert 0o600 == file.stat().st_mode & 0o777
    file.write_bytes(damage)
    with pytest.raises(CorruptError, match=r"\.json"):
        log_checks(registry, URL, known)
