"""What people said of registered things, as it goes along: redacted once more, jobs by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lineage.annotations import Subject
from lineage.annotationwire import annotated_to
from lineage.redact import redact_text
from lineage.v1.annotations_pb2 import Annotated
from roarctl import annotating

if TYPE_CHECKING:
    from roarctl.client import Client

__all__ = ["Annotated", "of"]


def of(client: Client, subjects: Sequence[Subject], ids: Mapping[bytes, bytes]) -> list[Annotated]:
    """``ids``: of jobs, by run."""
    found = []
    for one in annotating.listed(client, subjects):
        items = tuple(item._replace(values=tuple(map(redact_text, item.values))) for item in one.items)
        subject = one.subject._replace(id=ids.get(one.subject.id, one.subject.id))
        found.append(annotated_to(replace(one, subject=subject, items=items, history=())))
    return found
