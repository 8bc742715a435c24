from lineage.v1 import records_pb2 as _records_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResolveRequest(_message.Message):
    __slots__ = ("reference", "project", "path", "hash")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    reference: str
    project: bytes
    path: bytes
    hash: bytes
    def __init__(self, reference: _Optional[str] = ..., project: _Optional[bytes] = ..., path: _Optional[bytes] = ..., hash: _Optional[bytes] = ...) -> None: ...

class ResolveResponse(_message.Message):
    __slots__ = ("kind", "id", "path", "candidates", "changed")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    id: bytes
    path: bytes
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    changed: bool
    def __init__(self, kind: _Optional[str] = ..., id: _Optional[bytes] = ..., path: _Optional[bytes] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., changed: _Optional[bool] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("kind", "id", "description")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    id: bytes
    description: str
    def __init__(self, kind: _Optional[str] = ..., id: _Optional[bytes] = ..., description: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("id", "kinds", "roles")
    ID_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    kinds: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[bytes] = ..., kinds: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class EntryPage(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_records_pb2.Entry]
    def __init__(self, entries: _Optional[_Iterable[_Union[_records_pb2.Entry, _Mapping]]] = ...) -> None: ...

class GetArtifactRequest(_message.Message):
    __slots__ = ("hash", "limit")
    HASH_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    limit: int
    def __init__(self, hash: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("id", "project")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    project: bytes
    def __init__(self, id: _Optional[bytes] = ..., project: _Optional[bytes] = ...) -> None: ...

class GetRecordRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class RecordPart(_message.Message):
    __slots__ = ("id", "data")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    data: bytes
    def __init__(self, id: _Optional[bytes] = ..., data: _Optional[bytes] = ...) -> None: ...

class LogRequest(_message.Message):
    __slots__ = ("session", "project", "limit", "filter")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    project: bytes
    limit: int
    filter: JobFilter
    def __init__(self, session: _Optional[bytes] = ..., project: _Optional[bytes] = ..., limit: _Optional[int] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ...) -> None: ...

class LogResponse(_message.Message):
    __slots__ = ("jobs", "truncated", "stopped", "reached")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_records_pb2.JobHead]
    truncated: bool
    stopped: str
    reached: int
    def __init__(self, jobs: _Optional[_Iterable[_Union[_records_pb2.JobHead, _Mapping]]] = ..., truncated: _Optional[bool] = ..., stopped: _Optional[str] = ..., reached: _Optional[int] = ...) -> None: ...

class JobFilter(_message.Message):
    __slots__ = ("since", "until", "words", "outcome", "exit_code", "host", "user", "labels", "incomplete", "running")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    since: int
    until: int
    words: _containers.RepeatedScalarFieldContainer[str]
    outcome: str
    exit_code: int
    host: str
    user: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    incomplete: bool
    running: bool
    def __init__(self, since: _Optional[int] = ..., until: _Optional[int] = ..., words: _Optional[_Iterable[str]] = ..., outcome: _Optional[str] = ..., exit_code: _Optional[int] = ..., host: _Optional[str] = ..., user: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., incomplete: _Optional[bool] = ..., running: _Optional[bool] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("globs", "words", "hash", "filter", "project", "limit")
    GLOBS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    globs: _containers.RepeatedScalarFieldContainer[bytes]
    words: _containers.RepeatedScalarFieldContainer[str]
    hash: str
    filter: JobFilter
    project: bytes
    limit: int
    def __init__(self, globs: _Optional[_Iterable[bytes]] = ..., words: _Optional[_Iterable[str]] = ..., hash: _Optional[str] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ..., project: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("artifacts", "jobs", "more_artifacts", "more_jobs", "stopped", "indexing")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    MORE_ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    MORE_JOBS_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    INDEXING_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[FoundArtifact]
    jobs: _containers.RepeatedCompositeFieldContainer[_records_pb2.JobHead]
    more_artifacts: bool
    more_jobs: bool
    stopped: str
    indexing: bool
    def __init__(self, artifacts: _Optional[_Iterable[_Union[FoundArtifact, _Mapping]]] = ..., jobs: _Optional[_Iterable[_Union[_records_pb2.JobHead, _Mapping]]] = ..., more_artifacts: _Optional[bool] = ..., more_jobs: _Optional[bool] = ..., stopped: _Optional[str] = ..., indexing: _Optional[bool] = ...) -> None: ...

class FoundArtifact(_message.Message):
    __slots__ = ("hash", "size", "paths", "job", "output", "makers", "users", "made", "used")
    HASH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MAKERS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    MADE_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    size: int
    paths: _containers.RepeatedScalarFieldContainer[bytes]
    job: _records_pb2.JobHead
    output: bool
    makers: _containers.RepeatedCompositeFieldContainer[_records_pb2.JobHead]
    users: _containers.RepeatedCompositeFieldContainer[_records_pb2.JobHead]
    made: int
    used: int
    def __init__(self, hash: _Optional[bytes] = ..., size: _Optional[int] = ..., paths: _Optional[_Iterable[bytes]] = ..., job: _Optional[_Union[_records_pb2.JobHead, _Mapping]] = ..., output: _Optional[bool] = ..., makers: _Optional[_Iterable[_Union[_records_pb2.JobHead, _Mapping]]] = ..., users: _Optional[_Iterable[_Union[_records_pb2.JobHead, _Mapping]]] = ..., made: _Optional[int] = ..., used: _Optional[int] = ...) -> None: ...

class FindTreeRequest(_message.Message):
    __slots__ = ("tree", "hashes", "limit")
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    tree: bytes
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    limit: int
    def __init__(self, tree: _Optional[bytes] = ..., hashes: _Optional[_Iterable[bytes]] = ..., limit: _Optional[int] = ...) -> None: ...

class FindTreeResponse(_message.Message):
    __slots__ = ("uses", "truncated", "known", "made")
    USES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    MADE_FIELD_NUMBER: _ClassVar[int]
    uses: _containers.RepeatedCompositeFieldContainer[TreeUse]
    truncated: bool
    known: int
    made: int
    def __init__(self, uses: _Optional[_Iterable[_Union[TreeUse, _Mapping]]] = ..., truncated: _Optional[bool] = ..., known: _Optional[int] = ..., made: _Optional[int] = ...) -> None: ...

class TreeUse(_message.Message):
    __slots__ = ("job", "kind", "path", "files")
    JOB_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    job: _records_pb2.JobHead
    kind: str
    path: bytes
    files: int
    def __init__(self, job: _Optional[_Union[_records_pb2.JobHead, _Mapping]] = ..., kind: _Optional[str] = ..., path: _Optional[bytes] = ..., files: _Optional[int] = ...) -> None: ...

class SessionDagRequest(_message.Message):
    __slots__ = ("session", "project", "max_nodes")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    MAX_NODES_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    project: bytes
    max_nodes: int
    def __init__(self, session: _Optional[bytes] = ..., project: _Optional[bytes] = ..., max_nodes: _Optional[int] = ...) -> None: ...

class GraphRequest(_message.Message):
    __slots__ = ("artifact", "path", "job", "depth", "max_nodes", "roles")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    MAX_NODES_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    artifact: bytes
    path: bytes
    job: bytes
    depth: int
    max_nodes: int
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, artifact: _Optional[bytes] = ..., path: _Optional[bytes] = ..., job: _Optional[bytes] = ..., depth: _Optional[int] = ..., max_nodes: _Optional[int] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class Graph(_message.Message):
    __slots__ = ("jobs", "artifacts", "edges", "truncated")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_records_pb2.JobHead]
    artifacts: _containers.RepeatedCompositeFieldContainer[GraphArtifact]
    edges: _containers.RepeatedCompositeFieldContainer[GraphEdge]
    truncated: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_records_pb2.JobHead, _Mapping]]] = ..., artifacts: _Optional[_Iterable[_Union[GraphArtifact, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[GraphEdge, _Mapping]]] = ..., truncated: _Optional[str] = ...) -> None: ...

class GraphArtifact(_message.Message):
    __slots__ = ("hash", "path", "size", "role", "produced", "files")
    HASH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PRODUCED_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    path: bytes
    size: int
    role: str
    produced: bool
    files: int
    def __init__(self, hash: _Optional[bytes] = ..., path: _Optional[bytes] = ..., size: _Optional[int] = ..., role: _Optional[str] = ..., produced: _Optional[bool] = ..., files: _Optional[int] = ...) -> None: ...

class GraphEdge(_message.Message):
    __slots__ = ("job", "artifact", "output", "maker")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MAKER_FIELD_NUMBER: _ClassVar[int]
    job: int
    artifact: int
    output: bool
    maker: int
    def __init__(self, job: _Optional[int] = ..., artifact: _Optional[int] = ..., output: _Optional[bool] = ..., maker: _Optional[int] = ...) -> None: ...
