"""What a registry's transparency log says and signs: entries, their openings, tree heads, changes of keys. docs/log.md is
the specification.  Everything here can be checked by anyone, offline; nothing here stores anything.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypeAlias

from lineage import ids
from lineage.errors import CorruptError, InvalidError, UnsupportedError
from lineage.merkle import HASH, MAX_SIZE
from lineage.strict import canonical

ENTRY_SCHEMA = "roar.log-entry/1"
OPENING_SCHEMA = "roar.log-opening/1"
KEY_LINE = "roar.log-key/1"
SALT = 32
Act: TypeAlias = Literal["register", "move", "forget", "key"]
ACTS: tuple[Act, ...] = ("register", "move", "forget", "key")
_ED25519 = b"\x01"  # the kind of a signature in a signed note
_SIGNATURE, _KEY, _KEY_HASH = 64, 32, 4
_MAX_NOTE = 16 << 10
_MAX_TIME = 1 << 63
_DASH = "\N{EM DASH}"
_ORIGIN = re.compile(r"[!-*,-~]{1,200}", re.ASCII)  # what can be seen, no space, no plus (C2SP signed-note: key names)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HINT = "it was changed after the registry made it, or the registry is not what it was; keep it"


@dataclass(frozen=True, slots=True)
class Opening:
    """What an entry's commitment was made of. ``bundle``: the id of what was registered (empty where nothing was);
    ``jobs``: those that were moved or forgotten, in order (a bundle's header names its own). ``salt`` is what makes the
    commitment say nothing to who has not seen the opening: once all copies of it are destroyed, nobody can tell any more what
    the entry was about."""

    act: Act
    account: str
    space: str
    bundle: bytes = b""
    jobs: tuple[bytes, ...] = ()
    salt: bytes = b""

    @classmethod
    def of(cls, act: Act, account: str, space: str = "", bundle: bytes = b"", jobs: Sequence[bytes] = ()) -> Opening:
        """With a new salt."""
        return cls(act, account, space, bundle, tuple(sorted(jobs)), secrets.token_bytes(SALT))

    def encode(self) -> bytes:
        return ids.encode({"schema": OPENING_SCHEMA, "act": self.act, "account": self.account, "space": self.space,
                           "bundle": self.bundle, "jobs": list(self.jobs), "salt": self.salt})

    @property
    def commitment(self) -> bytes:
        return sha256(self.encode()).digest()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A leaf of the log, public to everyone. ``at``: ns since the epoch, by the registry's clock."""

    at: int
    commitment: bytes

    def encode(self) -> bytes:
        return ids.encode({"schema": ENTRY_SCHEMA, "at": self.at, "commitment": self.commitment})


@dataclass(frozen=True, slots=True)
class TreeHead:
    """"At this time my log had this many entries, and this root", signed. ``at``: ns since the epoch; ``signature``: ed25519
    over ``text``; ``key``: the public key that it is said to be by: whether that one is trusted is for the reader to say."""

    origin: str
    size: int
    root: bytes
    at: int
    signature: bytes = b""
    key: bytes = b""

    @property
    def text(self) -> str:
        """What is signed: a checkpoint (C2SP tlog-checkpoint), with the time as its extension line."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\nat {self.at}\n"

    def note(self) -> str:
        """As a signed note (C2SP signed-note)."""
        return signed_note(self.text, self.origin, self.key, self.signature)

    def verify(self) -> None:
        """CorruptError unless ``key`` made the signature, and all of it is as it should be."""
        if (not _ORIGIN.fullmatch(self.origin) or not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH
                or not 0 <= self.at < _MAX_TIME):
            raise CorruptError("this is no tree head", _HINT)
        if not signature_holds(self.key, self.signature, self.text):
            raise CorruptError(f"the head of {self.origin} is not signed by the key that it names", _HINT)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """"From now on this other key signs for me", signed with the key before. ``size``: that of the log at that time."""

    origin: str
    size: int
    at: int
    key: bytes
    previous: bytes
    signature: bytes = b""

    @property
    def text(self) -> str:
        return (f"{KEY_LINE}\n{self.origin}\n{self.size}\nat {self.at}\n{verifier_key(self.origin, self.previous)}\n"
                f"{verifier_key(self.origin, self.key)}\n")

    def note(self) -> str:
        return signed_note(self.text, self.origin, self.previous, self.signature)

    def verify(self) -> None:
        if not signature_holds(self.previous, self.signature, self.text):
            raise CorruptError(f"a change of the key of {self.origin} is not signed by the key before", _HINT)


def decode_opening(data: bytes) -> Opening:
    """CorruptError for what is none, or not in the one form that gives it its commitment."""
    value = canonical(data, "the opening of a log's entry")
    names = {"schema", "act", "account", "space", "bundle", "jobs", "salt"}
    if not isinstance(value, dict) or set(value) != names or value["schema"] != OPENING_SCHEMA or value["act"] not in ACTS:
        raise CorruptError("this is not the opening of a log's entry", _HINT)
    jobs = value["jobs"]
    if not (isinstance(value["account"], str) and isinstance(value["space"], str) and isinstance(value["bundle"], bytes)
            and len(value["bundle"]) in {0, 32} and isinstance(value["salt"], bytes) and len(value["salt"]) == SALT
            and isinstance(jobs, list) and all(isinstance(job, bytes) and len(job) == 32 for job in jobs)
            and jobs == sorted(set(jobs))):
        raise CorruptError("the opening of a log's entry is not described as it should be", _HINT)
    return Opening(value["act"], value["account"], value["space"], value["bundle"], tuple(jobs), value["salt"])


def decode_entry(data: bytes) -> LogEntry:
    """CorruptError for what is no entry of a log of this schema."""
    value = canonical(data, "the log's entry")
    if not isinstance(value, dict) or set(value) != {"schema", "at", "commitment"} or value["schema"] != ENTRY_SCHEMA:
        raise CorruptError("this is not a log's entry that this roar knows", f"it knows {ENTRY_SCHEMA}")
    at, commitment = value["at"], value["commitment"]
    if (not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < _MAX_TIME or not isinstance(commitment, bytes)
            or len(commitment) != HASH):
        raise CorruptError("the log's entry is not described as it should be", _HINT)
    return LogEntry(at, commitment)


def verify_opening(opening: bytes, entry: bytes) -> tuple[Opening, LogEntry]:
    """CorruptError unless this is what the entry was made of."""
    opened, found = decode_opening(opening), decode_entry(entry)
    if opened.commitment != found.commitment:
        raise CorruptError("the log's entry is about something else than what is said", _HINT)
    return opened, found


# Keys and notes: https://github.com/C2SP/C2SP/blob/main/signed-note.md


def checked_origin(origin: str) -> str:
    """InvalidError for what cannot name a log."""
    if not _ORIGIN.fullmatch(origin):
        raise InvalidError(f"{origin!r} cannot name a log", "no spaces and no plus, 200 letters at most: example.org/lineage")
    return origin


def key_hash(origin: str, key: bytes) -> bytes:
    return sha256(origin.encode() + b"\n" + _ED25519 + key).digest()[:_KEY_HASH]


def verifier_key(origin: str, key: bytes) -> str:
    """A public key as people pass it on: ``origin+hash+base64``."""
    return f"{origin}+{key_hash(origin, key).hex()}+{b64encode(_ED25519 + key).decode()}"


def parse_verifier_key(text: str) -> tuple[str, bytes]:
    """(origin, public key). InvalidError for what is none."""
    origin, _, rest = text.strip().partition("+")
    coded = rest.partition("+")[2]
    try:
        data = b64decode(coded, validate=True)
    except (Base64Error, ValueError):
        data = b""
    key = data[1:]
    if data[:1] != _ED25519 or len(key) != _KEY or not _ORIGIN.fullmatch(origin) or verifier_key(origin, key) != text.strip():
        raise InvalidError(f"{text.strip()[:80]!r} is not the key of a log", "like example.org/log+5b4b7c36+Ab3…")
    return origin, key


def signed_note(text: str, origin: str, key: bytes, signature: bytes) -> str:
    return f"{text}\n{_DASH} {origin} {b64encode(key_hash(origin, key) + signature).decode()}\n"


def parse_head(note: str, key: bytes) -> TreeHead:
    """A signed head, of which the signature by ``key`` is taken (there may be others', of witnesses). CorruptError for what is
    none, or is not signed by ``key``."""
    lines, signatures = _parsed(note)
    if len(lines) != 4 or not _NUMBER.fullmatch(lines[1]):
        raise CorruptError("this is no tree head", _HINT)
    head = TreeHead(lines[0], int(lines[1]), _unbase64(lines[2]), _time(lines[3]), _own(lines[0], key, signatures), key)
    head.verify()
    return head


def parse_key_change(note: str) -> KeyChange:
    """CorruptError for what is none, or is not signed by the key before."""
    lines, signatures = _parsed(note)
    if len(lines) != 6 or lines[0] != KEY_LINE or not _NUMBER.fullmatch(lines[2]):
        raise CorruptError("this is no change of a log's key", _HINT)
    try:
        (before, previous), (after, key) = parse_verifier_key(lines[4]), parse_verifier_key(lines[5])
    except InvalidError as error:
        raise CorruptError(error.message, _HINT) from error
    if before != lines[1] or after != lines[1]:
        raise CorruptError("a change of keys names two logs", _HINT)
    change = KeyChange(lines[1], int(lines[2]), _time(lines[3]), key, previous, _own(lines[1], previous, signatures))
    change.verify()
    return change


def follow(origin: str, trusted: bytes, key: bytes, changes: Sequence[KeyChange]) -> bool:
    """Does the key that is trusted lead to this one, by changes that each key signed for the next?"""
    for change in changes:
        if change.origin == origin and change.previous == trusted and trusted != key:
            change.verify()
            trusted = change.key
    return trusted == key


def signature_holds(key: bytes, signature: bytes, text: str) -> bool:
    """ed25519 (RFC 8032). UnsupportedError without the `cryptography` library."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise UnsupportedError("signatures cannot be checked here", "pip install 'roar[sign]'") from error
    if len(key) != _KEY or len(signature) != _SIGNATURE:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _parsed(note: str) -> tuple[list[str], list[tuple[str, bytes]]]:
    """(the lines of the text, (name, key hash and signature) of each signature)."""
    text, gap, tail = note.rpartition("\n\n")
    if not gap or len(note) > _MAX_NOTE or not tail.endswith("\n") or not _is_utf8(note):
        raise CorruptError("this is no signed note", _HINT)
    signatures = []
    for line in tail[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, coded = rest.partition(" ")
        if dash != _DASH or not name:
            raise CorruptError("this is no signed note", _HINT)
        signatures.append((name, _unbase64(coded)))
    return text.split("\n"), signatures


def _is_utf8(text: str) -> bool:
    """Not so of text with half a character in it, which JSON may have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _own(origin: str, key: bytes, signatures: Sequence[tuple[str, bytes]]) -> bytes:
    """The signature of this key, of those on a note. Signatures by keys that are not known are passed over."""
    wanted = key_hash(origin, key)
    for name, value in signatures:
        if name == origin and value[:_KEY_HASH] == wanted:
            return value[_KEY_HASH:]
    raise CorruptError(f"a note of {origin} is not signed by the key that is trusted", _HINT)


def _time(line: str) -> int:
    word, _, number = line.partition(" ")
    if word != "at" or not _NUMBER.fullmatch(number):
        raise CorruptError("a note has no time", _HINT)
    return int(number)


def _unbase64(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise CorruptError("a note has something that is not base64", _HINT) from error
    if b64encode(data).decode() != text:
        raise CorruptError("a note has base64 that is not in its one form", _HINT)
    return data
