from lineage.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WhoAmIRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Account(_message.Message):
    __slots__ = ("name", "organisations", "scopes", "expires_at", "key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORGANISATIONS_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    organisations: _containers.RepeatedScalarFieldContainer[str]
    scopes: _containers.RepeatedScalarFieldContainer[str]
    expires_at: int
    key: str
    def __init__(self, name: _Optional[str] = ..., organisations: _Optional[_Iterable[str]] = ..., scopes: _Optional[_Iterable[str]] = ..., expires_at: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class KnownRequest(_message.Message):
    __slots__ = ("space", "jobs")
    SPACE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    space: str
    jobs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, space: _Optional[str] = ..., jobs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class KnownResponse(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, jobs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class RegisterBundleRequest(_message.Message):
    __slots__ = ("bundle", "space", "show_hashes", "said")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    SHOW_HASHES_FIELD_NUMBER: _ClassVar[int]
    SAID_FIELD_NUMBER: _ClassVar[int]
    bundle: bytes
    space: str
    show_hashes: bool
    said: _containers.RepeatedCompositeFieldContainer[_annotations_pb2.Annotated]
    def __init__(self, bundle: _Optional[bytes] = ..., space: _Optional[str] = ..., show_hashes: _Optional[bool] = ..., said: _Optional[_Iterable[_Union[_annotations_pb2.Annotated, _Mapping]]] = ...) -> None: ...

class RegisterBundleResponse(_message.Message):
    __slots__ = ("bundle", "registered", "known", "leaf", "proof")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    bundle: bytes
    registered: _containers.RepeatedScalarFieldContainer[bytes]
    known: _containers.RepeatedScalarFieldContainer[bytes]
    leaf: int
    proof: InclusionProof
    def __init__(self, bundle: _Optional[bytes] = ..., registered: _Optional[_Iterable[bytes]] = ..., known: _Optional[_Iterable[bytes]] = ..., leaf: _Optional[int] = ..., proof: _Optional[_Union[InclusionProof, _Mapping]] = ...) -> None: ...

class SetScopeRequest(_message.Message):
    __slots__ = ("jobs", "space", "show_hashes")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    SHOW_HASHES_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedScalarFieldContainer[bytes]
    space: str
    show_hashes: bool
    def __init__(self, jobs: _Optional[_Iterable[bytes]] = ..., space: _Optional[str] = ..., show_hashes: _Optional[bool] = ...) -> None: ...

class SetScopeResponse(_message.Message):
    __slots__ = ("moved",)
    MOVED_FIELD_NUMBER: _ClassVar[int]
    moved: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, moved: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ForgetJobsRequest(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, jobs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ForgetJobsResponse(_message.Message):
    __slots__ = ("forgotten",)
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    forgotten: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, forgotten: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ListSaidRequest(_message.Message):
    __slots__ = ("subjects",)
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedCompositeFieldContainer[_annotations_pb2.Subject]
    def __init__(self, subjects: _Optional[_Iterable[_Union[_annotations_pb2.Subject, _Mapping]]] = ...) -> None: ...

class ListSaidResponse(_message.Message):
    __slots__ = ("annotated",)
    ANNOTATED_FIELD_NUMBER: _ClassVar[int]
    annotated: _containers.RepeatedCompositeFieldContainer[_annotations_pb2.Annotated]
    def __init__(self, annotated: _Optional[_Iterable[_Union[_annotations_pb2.Annotated, _Mapping]]] = ...) -> None: ...

class TreeHead(_message.Message):
    __slots__ = ("origin", "size", "root", "at", "signature", "key", "changes")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    origin: str
    size: int
    root: bytes
    at: int
    signature: bytes
    key: bytes
    changes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, origin: _Optional[str] = ..., size: _Optional[int] = ..., root: _Optional[bytes] = ..., at: _Optional[int] = ..., signature: _Optional[bytes] = ..., key: _Optional[bytes] = ..., changes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetTreeHeadRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConsistencyRequest(_message.Message):
    __slots__ = ("first", "second")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    first: int
    second: int
    def __init__(self, first: _Optional[int] = ..., second: _Optional[int] = ...) -> None: ...

class ConsistencyProof(_message.Message):
    __slots__ = ("first", "second", "path", "head")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    first: int
    second: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    head: TreeHead
    def __init__(self, first: _Optional[int] = ..., second: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ..., head: _Optional[_Union[TreeHead, _Mapping]] = ...) -> None: ...

class InclusionRequest(_message.Message):
    __slots__ = ("job", "bundle", "size")
    JOB_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    job: bytes
    bundle: bytes
    size: int
    def __init__(self, job: _Optional[bytes] = ..., bundle: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class InclusionProof(_message.Message):
    __slots__ = ("index", "size", "path", "entry", "opening", "head")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    index: int
    size: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    entry: bytes
    opening: bytes
    head: TreeHead
    def __init__(self, index: _Optional[int] = ..., size: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ..., entry: _Optional[bytes] = ..., opening: _Optional[bytes] = ..., head: _Optional[_Union[TreeHead, _Mapping]] = ...) -> None: ...
