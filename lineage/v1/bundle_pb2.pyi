from lineage.v1 import lineage_pb2 as _lineage_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ImportResponse(_message.Message):
    __slots__ = ("bundle", "imported", "known", "sessions")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    bundle: bytes
    imported: _containers.RepeatedScalarFieldContainer[bytes]
    known: _containers.RepeatedScalarFieldContainer[bytes]
    sessions: int
    def __init__(self, bundle: _Optional[bytes] = ..., imported: _Optional[_Iterable[bytes]] = ..., known: _Optional[_Iterable[bytes]] = ..., sessions: _Optional[int] = ...) -> None: ...
