"""Annotations to and from their messages."""

from __future__ import annotations

from lineage.annotations import SUBJECT_KINDS, Annotations, Change, Edit, Item, Subject, what_of
from lineage.errors import InvalidError
from lineage.records import User
from lineage.v1 import annotations_pb2 as pb
from lineage.v1 import records_pb2


def subject_to(subject: Subject) -> pb.Subject:
    return pb.Subject(kind=subject.kind, id=subject.id, step=subject.step)


def subject_from(message: pb.Subject) -> Subject:
    """InvalidError for a kind that does not exist.  A job may be named by its id, which is no subject's: see the service."""
    if message.kind not in SUBJECT_KINDS:
        raise InvalidError(f"there is no kind {message.kind!r} of things to annotate", "kinds are " + ", ".join(SUBJECT_KINDS))
    return Subject(message.kind, message.id, message.step)


def edit_from(message: pb.Edit) -> Edit:
    return Edit(what_of(message.what), message.key, tuple(message.values))


def edit_to(edit: Edit) -> pb.Edit:
    return pb.Edit(what=edit.what, key=edit.key, values=edit.values)


def annotated_to(annotations: Annotations) -> pb.Annotated:
    return pb.Annotated(
        subject=subject_to(annotations.subject),
        items=[pb.Annotation(what=item.what, key=item.key, values=item.values, author=_user_to(item.author), at=item.at)
               for item in annotations.items],
        history=[pb.Change(what=change.what, key=change.key, old=change.old, new=change.new,
                           author=_user_to(change.author), at=change.at) for change in annotations.history])


def annotated_from(message: pb.Annotated) -> Annotations:
    return Annotations(
        subject_from(message.subject),
        tuple(Item(what_of(item.what), item.key, tuple(item.values), _user_from(item.author), item.at)
              for item in message.items),
        tuple(Change(what_of(change.what), change.key, tuple(change.old), tuple(change.new), _user_from(change.author),
                     change.at) for change in message.history))


def _user_to(user: User) -> records_pb2.User:
    return records_pb2.User(uid=user.uid, name=user.name)


def _user_from(message: records_pb2.User) -> User:
    return User(message.uid, message.name)
