"""What people said of registered things, as it goes along: redacted once more, jobs by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from lineage.annotations import Subject
from lineage.annotationwire import annotated_to
from lineage.redact import redact_text
from lineage.v1 import annotations_pb2, registry_pb2
from lineage.v1.annotations_pb2 import Annotated
from roarctl import annotating

if TYPE_CHECKING:
    from roarctl.client import Client

__all__ = ["Annotated", "known", "of", "words"]


Key: TypeAlias = tuple[str, bytes]  # kind and id
Word: TypeAlias = tuple[str, str, tuple[str, ...]]  # what, key, values
_MOST = 10_000  # subjects in one question


def words(annotated: Iterable[Annotated]) -> dict[Key, frozenset[Word]]:
    """To compare."""
    return {(one.subject.kind, one.subject.id): frozenset((item.what, item.key, tuple(item.values)) for item in one.items)
            for one in annotated}


def known(registry: Client, subjects: Sequence[Key]) -> list[Annotated]:
    """What the registry has heard of these."""
    found: list[Annotated] = []
    for at in range(0, len(subjects), _MOST):
        request = registry_pb2.ListSaidRequest(
            subjects=[annotations_pb2.Subject(kind=kind, id=identity) for kind, identity in subjects[at:at + _MOST]])
        found += registry.call("Registry/ListSaid", request, registry_pb2.ListSaidResponse).annotated
    return found


def of(client: Client, subjects: Sequence[Subject], ids: Mapping[bytes, bytes]) -> list[Annotated]:
    """``ids``: of jobs, by run."""
    found = []
    for one in annotating.listed(client, subjects):
        items = tuple(item._replace(values=tuple(map(redact_text, item.values))) for item in one.items)
        subject = one.subject._replace(id=ids.get(one.subject.id, one.subject.id))
        found.append(annotated_to(replace(one, subject=subject, items=items, history=())))
    return found
