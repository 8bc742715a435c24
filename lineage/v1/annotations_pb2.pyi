from lineage.v1 import records_pb2 as _records_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Subject(_message.Message):
    __slots__ = ("kind", "id", "step")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    kind: str
    id: bytes
    step: int
    def __init__(self, kind: _Optional[str] = ..., id: _Optional[bytes] = ..., step: _Optional[int] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("what", "key", "values")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    what: str
    key: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, what: _Optional[str] = ..., key: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class AnnotateRequest(_message.Message):
    __slots__ = ("subject", "edits")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    subject: Subject
    edits: _containers.RepeatedCompositeFieldContainer[Edit]
    def __init__(self, subject: _Optional[_Union[Subject, _Mapping]] = ..., edits: _Optional[_Iterable[_Union[Edit, _Mapping]]] = ...) -> None: ...

class Annotation(_message.Message):
    __slots__ = ("what", "key", "values", "author", "at")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    what: str
    key: str
    values: _containers.RepeatedScalarFieldContainer[str]
    author: _records_pb2.User
    at: int
    def __init__(self, what: _Optional[str] = ..., key: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., author: _Optional[_Union[_records_pb2.User, _Mapping]] = ..., at: _Optional[int] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("what", "key", "old", "new", "author", "at")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    what: str
    key: str
    old: _containers.RepeatedScalarFieldContainer[str]
    new: _containers.RepeatedScalarFieldContainer[str]
    author: _records_pb2.User
    at: int
    def __init__(self, what: _Optional[str] = ..., key: _Optional[str] = ..., old: _Optional[_Iterable[str]] = ..., new: _Optional[_Iterable[str]] = ..., author: _Optional[_Union[_records_pb2.User, _Mapping]] = ..., at: _Optional[int] = ...) -> None: ...

class Annotated(_message.Message):
    __slots__ = ("subject", "items", "history")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    subject: Subject
    items: _containers.RepeatedCompositeFieldContainer[Annotation]
    history: _containers.RepeatedCompositeFieldContainer[Change]
    def __init__(self, subject: _Optional[_Union[Subject, _Mapping]] = ..., items: _Optional[_Iterable[_Union[Annotation, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[Change, _Mapping]]] = ...) -> None: ...

class ListAnnotationsRequest(_message.Message):
    __slots__ = ("subjects", "history")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedCompositeFieldContainer[Subject]
    history: bool
    def __init__(self, subjects: _Optional[_Iterable[_Union[Subject, _Mapping]]] = ..., history: _Optional[bool] = ...) -> None: ...

class ListAnnotationsResponse(_message.Message):
    __slots__ = ("annotated",)
    ANNOTATED_FIELD_NUMBER: _ClassVar[int]
    annotated: _containers.RepeatedCompositeFieldContainer[Annotated]
    def __init__(self, annotated: _Optional[_Iterable[_Union[Annotated, _Mapping]]] = ...) -> None: ...
