"""The registry's tables, and their keys.

``tag`` is a space in a key: the first 16 bytes of its name's BLAKE3.  Times are the u64 nanoseconds at which a job began, big-
endian, so that rows sort by them.  What belongs to an artifact lives with its hash, so a walk asks each home once a level.
"""

from __future__ import annotations

import struct

from blake3 import blake3

from glaas.store.keyed import Table

PARTS = Table("parts", 32)  # id → the bytes of a record or a chunk
PART_JOBS = Table("part_jobs", 32)  # chunk id | job id: which jobs name it
KNOWN = Table("known", 32)  # id | kind (j, a, s), tag → of a job its registrations (CBOR); else nothing
EDGES = Table("edges", 32)  # job id → edges.encoded(…)
MAKERS = Table("makers", 32)  # artifact | SIGHTING → Maker, with the inputs of small jobs packed in
OWN_MAKERS = Table("own_makers", 32)  # artifact | account's tag, SIGHTING → Maker without inputs
USERS = Table("users", 32)  # artifact | SIGHTING → Maker without inputs
SESSION_JOBS = Table("session_jobs", 32)  # session | tag, time, job id
RECENT = Table("recent", 17)  # tag, bucket | time, job id
PATHS = Table("sightings", 24)  # tag, path number | time, output (1) or input (0), job id, artifact → path
TERMS = Table("terms", 18)  # tag, two letters | word, 0, time, kind (j, a), job id[, artifact] → path
TREES = Table("trees", 32)  # hash of a set of files | tag, time, job id → what it was of the job
SAID = Table("said", 32)  # id | kind (j, p, a, s), tag, step (4), account → annotations (CBOR)
LABELLED = Table("labelled", 16)  # tag | l or t, key, 0, value, 0, kind, id, step → account
ENVELOPES = Table("envelopes", 32)  # bundle id | account → the DSSE envelope that came with it (JSON)
RUNS = Table("runs", 16)  # run | job id
ACCOUNT_JOBS = Table("account_jobs", 0)  # account | tag, time, job id
ACCOUNT_SPACES = Table("account_spaces", 0)  # account | tag → the space

TABLES = (PARTS, PART_JOBS, KNOWN, EDGES, MAKERS, OWN_MAKERS, USERS, SESSION_JOBS, RECENT, PATHS, TERMS, TREES, SAID, LABELLED,
          ENVELOPES, RUNS, ACCOUNT_JOBS, ACCOUNT_SPACES)

TAG = 16
BUCKETS = 16  # of the newest jobs of a space: so that not all that is public is one machine's
U64 = struct.Struct(">Q")
SIGHTING = struct.Struct(">16sQ32sQ")  # tag, time, job id, path number
SEAT = struct.Struct(">16sQ32s")  # tag, time, job id
TIMED = struct.Struct(">Q32s")
SEEN = struct.Struct(">QB32s32s")  # time, output, job id, artifact


def tag_of(space: str) -> bytes:
    return blake3(space.encode()).digest(length=TAG)


def account_tag(account: str) -> bytes:
    return tag_of("account:" + account)


def bucket_home(tag: bytes, bucket: int) -> bytes:
    return tag + bytes([bucket])


def recent_home(tag: bytes, job: bytes) -> bytes:
    return bucket_home(tag, job[0] % BUCKETS)


def path_home(tag: bytes, number: int) -> bytes:
    return tag + U64.pack(number)


def term_home(tag: bytes, term: bytes) -> bytes:
    return tag + term[:2].ljust(2, b"\0")
