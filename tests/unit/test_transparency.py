"""What a registry's log says and signs, and what proofs prove: against published vectors, RFC 9162's own definitions, and every
single bit."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaas.log import tree
from glaas.log.keys import SigningKey
from lineage import bundle, ids, merkle
from lineage.errors import CorruptError, InvalidError, RoarError
from lineage.receipt import Receipt, decode
from lineage.transparency import (
    KeyChange,
    LogEntry,
    Opening,
    TreeHead,
    checked_origin,
    follow,
    parse_head,
    parse_key_change,
    parse_verifier_key,
    signed_note,
)

# The reference inputs and roots of certificate transparency (transparency-dev/merkle, testonly/constants.go), sizes 0 to 8.
INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [bytes.fromhex(text) for text in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size):
    assert ROOTS[size] == merkle.root_of(INPUTS[:size])


def test_a_published_inclusion_proof_holds_and_no_other():
    """Entry 5 (from 0) of 8."""
    path = [bytes.fromhex(text) for text in (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    leaf = merkle.leaf_hash(INPUTS[5])
    merkle.verify_inclusion(leaf, 5, 8, path, ROOTS[8])
    for index, size in ((4, 8), (6, 8), (5, 9), (5, 4)):
        with pytest.raises(CorruptError):
            merkle.verify_inclusion(leaf, index, size, path, ROOTS[8])


def test_published_consistency_proofs_hold():
    proofs = {
        (1, 8): ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
        (6, 8): ("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")}
    for (first, second), texts in proofs.items():
        path = [bytes.fromhex(text) for text in texts]
        merkle.verify_consistency(first, ROOTS[first], second, ROOTS[second], path)
        for other in (path[:-1], [*path, path[0]], path[::-1], []):
            with pytest.raises(CorruptError):
                merkle.verify_consistency(first, ROOTS[first], second, ROOTS[second], other)


# RFC 9162's own recursive definitions, to compare with: sections 2.1.1, 2.1.3.1 and 2.1.4.1.


def mth(entries: Sequence[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path_of(m: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m < k:
        return [*path_of(m, entries[:k]), mth(entries[k:])]
    return [*path_of(m - k, entries[k:]), mth(entries[:k])]


def proof_of(m: int, entries: Sequence[bytes]) -> list[bytes]:
    def sub(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
        if m == len(entries):
            return [] if whole else [mth(entries)]
        k = 1
        while 2 * k < len(entries):
            k *= 2
        if m <= k:
            return [*sub(m, entries[:k], whole), mth(entries[k:])]
        return [*sub(m - k, entries[k:], False), mth(entries[:k])]

    return sub(m, entries, True) if 0 < m < len(entries) else []


ENTRIES = [f"entry {number}".encode() for number in range(300)]
NODES: dict[tuple[int, int], bytes] = {}
_growing = merkle.Frontier()
for _one in ENTRIES:
    NODES.update({(level, index): node for level, index, node in _growing.append(merkle.leaf_hash(_one))})

sizes = st.integers(1, 300).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))


def test_the_definitions_to_compare_with_are_those_of_the_vectors() -> None:
    assert [mth(INPUTS[:size]) for size in range(9)] == ROOTS


@given(sizes)
def test_inclusion_proofs_are_those_of_the_definition_and_hold(pair) -> None:
    index, size = pair
    root, path = mth(ENTRIES[:size]), tree.hashes(tree.inclusion_spans(index, size), NODES)
    assert path == path_of(index, ENTRIES[:size])
    leaf = merkle.leaf_hash(ENTRIES[index])
    merkle.verify_inclusion(leaf, index, size, path, root)
    for lie in (path[:-1], [*path, root], path[::-1] if path != path[::-1] else [root]):
        if lie != path:
            with pytest.raises(CorruptError):
                merkle.verify_inclusion(leaf, index, size, lie, root)


@given(sizes)
def test_consistency_proofs_are_those_of_the_definition_and_hold(pair) -> None:
    first, second = pair[0], pair[1]
    old, new = mth(ENTRIES[:first]), mth(ENTRIES[:second])
    path = tree.hashes(tree.consistency_spans(first, second), NODES)
    assert path == proof_of(first, ENTRIES[:second])
    merkle.verify_consistency(first, old, second, new, path)
    if first:
        other = mth([b"another", *ENTRIES[1:first]])
        for lie in ((first, other, second, new, path), (first, old, second, other, path),
                    (first, old, second, new, [*path, old]), (second + 1, old, second, new, path)):
            with pytest.raises(CorruptError):
                merkle.verify_consistency(*lie)


@given(sizes, st.data())
def test_a_log_that_exchanged_or_dropped_an_entry_cannot_show_that_it_begins_as_before(pair, data) -> None:
    """Whatever it sends: the proof that is right for what it has now, or for what it had."""
    changed, first = pair
    second = data.draw(st.integers(first, 300))
    rewritten = [*ENTRIES[:changed], b"another", *ENTRIES[changed + 1:second]]
    dropped = [*ENTRIES[:changed], *ENTRIES[changed + 1:second], b"one more"]
    for lie in (rewritten, dropped):
        for path in (proof_of(first, lie), proof_of(first, ENTRIES[:second])):
            with pytest.raises(CorruptError):
                merkle.verify_consistency(first, mth(ENTRIES[:first]), second, mth(lie), path)


@given(st.lists(st.binary(max_size=20), max_size=40))
def test_a_tree_that_grew_is_the_tree_of_its_entries(entries) -> None:
    assert merkle.root_of(entries) == mth(entries)


def bits(data: bytes) -> Iterator[bytes]:
    for at in range(8 * len(data)):
        yield data[:at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1:]


KEY = SigningKey.generate("example.org/log")


def head_of(size: int, root: bytes, key: SigningKey = KEY, at: int = 1_790_000_000_000_000_000) -> TreeHead:
    head = TreeHead(key.origin, size, root, at, key=key.public)
    return replace(head, signature=key.sign(head.text))


def receipt_of(position: int = 2, size: int = 5) -> Receipt:
    header = bundle.Header("job:00", "", (b"s" * 32,), (b"a" * 32, b"b" * 32), (b"c" * 32,)).encode()
    opening = Opening.of("register", "ada", "org:lab", ids.content_id(header))
    entry = LogEntry(1_780_000_000_000_000_000, opening.commitment).encode()
    entries = [*ENTRIES[:position], entry, *ENTRIES[position + 1:size]]
    return Receipt(header, opening.encode(), entry, position, tuple(path_of(position, entries)), head_of(size, mth(entries)))


def test_a_receipt_holds_and_says_what_it_proves() -> None:
    receipt = receipt_of()
    again = decode(receipt.encode())
    assert again == receipt
    proved = again.verify()
    assert (proved.jobs, proved.opening.account, proved.opening.space) == ((b"a" * 32, b"b" * 32), "ada", "org:lab")


def test_each_changed_bit_of_a_proof_head_entry_or_opening_is_refused() -> None:
    receipt = receipt_of()
    lies = [replace(receipt, **{name: one}) for name in ("header", "opening", "entry") for one in bits(getattr(receipt, name))]
    lies += [replace(receipt, path=(*receipt.path[:at], one, *receipt.path[at + 1:]))
             for at, node in enumerate(receipt.path) for one in bits(node)]
    lies += [replace(receipt, head=replace(receipt.head, **{name: one}))
             for name in ("root", "signature", "key") for one in bits(getattr(receipt.head, name))]
    lies += [replace(receipt, head=replace(receipt.head, **{name: getattr(receipt.head, name) ^ 1 << bit}))
             for name, size in (("size", 62), ("at", 62)) for bit in range(size)]
    lies += [replace(receipt, index=receipt.index ^ 1 << bit) for bit in range(62)]
    lies += [replace(receipt, head=replace(receipt.head, origin=one.decode("latin-1")))
             for one in bits(receipt.head.origin.encode())]
    assert len(lies) > 4000
    for lie in lies:
        with pytest.raises(CorruptError):
            lie.verify()


def test_each_changed_bit_of_a_receipts_file_is_refused() -> None:
    data = receipt_of().encode()
    decode(data)
    for lie in bits(data):
        with pytest.raises(RoarError):
            decode(lie)


def test_each_changed_bit_of_a_heads_note_is_refused() -> None:
    note = head_of(5, mth(ENTRIES[:5])).note()
    assert parse_head(note, KEY.public).size == 5
    for lie in bits(note.encode()):
        with pytest.raises(CorruptError):
            parse_head(lie.decode("utf-8", "surrogateescape"), KEY.public)


def test_a_note_has_the_form_of_c2sp() -> None:
    """A checkpoint: origin, size, root, an extension line; then the signature line, with the hash of the key's name and key."""
    head = head_of(5, mth(ENTRIES[:5]))
    text, _, signature = head.note().partition("\n\n")
    assert text.split("\n") == ["example.org/log", "5", b64encode(head.root).decode(), f"at {head.at}"]
    dash, name, coded = signature.rstrip("\n").split(" ")
    assert (dash, name) == ("\N{EM DASH}", "example.org/log")
    raw = b64decode(coded)
    assert raw[:4] == sha256(b"example.org/log\n\x01" + KEY.public).digest()[:4]
    KEY.private.public_key().verify(raw[4:], (text + "\n").encode())


def test_signatures_of_witnesses_may_stand_beside() -> None:
    note = head_of(5, mth(ENTRIES[:5])).note()
    other = SigningKey.generate("witness.example")
    line = signed_note("", other.origin, other.public, other.sign("x")).lstrip("\n")
    assert parse_head(note + line, KEY.public) == parse_head(note, KEY.public)
    with pytest.raises(CorruptError, match="not signed by the key"):
        parse_head(note, other.public)


def change_of(old: SigningKey, new: SigningKey, size: int = 7) -> KeyChange:
    change = KeyChange(old.origin, size, 5, new.public, old.public)
    return parse_key_change(replace(change, signature=old.sign(change.text)).note())


def test_a_key_leads_to_the_next_one_and_no_key_to_the_one_before() -> None:
    first, second, third = KEY, *(SigningKey(KEY.origin, SigningKey.generate("x").private) for _ in range(2))
    changes = [change_of(first, second), change_of(second, third, 9)]
    assert follow(KEY.origin, first.public, third.public, changes)
    assert follow(KEY.origin, second.public, third.public, changes)
    assert not follow(KEY.origin, first.public, third.public, changes[1:])
    assert not follow(KEY.origin, third.public, first.public, changes)
    assert not follow("other.example/log", first.public, second.public, changes)
    forged = replace(changes[0], key=SigningKey.generate("x").public)
    with pytest.raises(CorruptError):
        follow(KEY.origin, first.public, forged.key, [forged])
    for lie in bits(changes[0].note().encode()):
        with pytest.raises(CorruptError):
            parse_key_change(lie.decode("utf-8", "surrogateescape"))


def test_commitments_to_one_registration_differ_each_time() -> None:
    """So that nobody who knows a bundle can look for it in the log."""
    one, other = (Opening.of("register", "ada", "public", b"b" * 32) for _ in range(2))
    assert one.commitment != other.commitment
    assert replace(other, salt=one.salt).commitment == one.commitment


@pytest.mark.parametrize("text", ["", "a b", "a+b", "é", "x" * 201, "a\nb"])
def test_names_that_no_log_can_have(text) -> None:
    with pytest.raises(InvalidError):
        checked_origin(text)


@pytest.mark.parametrize("text", ["", "x", KEY.verifier[:-1], KEY.verifier + "A", KEY.verifier.replace("example", "axample")])
def test_texts_that_are_no_key(text) -> None:
    with pytest.raises(InvalidError):
        parse_verifier_key(text)
    assert parse_verifier_key(KEY.verifier + "\n") == (KEY.origin, KEY.public)


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=40).map(
        lambda data: b64encode(data).decode()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)


@given(st.sampled_from(sorted(receipt_of().document())), STRANGE)
def test_a_receipt_with_something_else_in_a_place_is_refused(name, value) -> None:
    document = receipt_of().document()
    lie = {**document, name: value}
    if lie != document:
        with pytest.raises(RoarError):
            decode(json.dumps(lie).encode())


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode) | STRANGE.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_receipt_is_refused(data) -> None:
    with pytest.raises(RoarError):
        decode(data)
    with pytest.raises(RoarError):
        parse_head(data.decode("utf-8", "surrogateescape"), KEY.public)


def test_nesting_and_numbers_that_are_meant_to_hurt() -> None:
    for data in (b"[" * 100_000, b'{"schema": "roar.receipt/1", "index": ' + b"9" * 100_000 + b"}", b'{"a":' * 50_000):
        with pytest.raises(RoarError):
            decode(data)
