from google.protobuf import struct_pb2 as _struct_pb2
from lineage.v1 import records_pb2 as _records_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterRequest(_message.Message):
    __slots__ = ("process", "argv", "cwd", "project", "context", "tracked", "compat", "no_stderr", "labels", "forward")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TRACKED_FIELD_NUMBER: _ClassVar[int]
    COMPAT_FIELD_NUMBER: _ClassVar[int]
    NO_STDERR_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    process: str
    argv: _containers.RepeatedScalarFieldContainer[bytes]
    cwd: bytes
    project: bytes
    context: _struct_pb2.Struct
    tracked: bytes
    compat: bool
    no_stderr: bool
    labels: _containers.ScalarMap[str, str]
    forward: Forward
    def __init__(self, process: _Optional[str] = ..., argv: _Optional[_Iterable[bytes]] = ..., cwd: _Optional[bytes] = ..., project: _Optional[bytes] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tracked: _Optional[bytes] = ..., compat: _Optional[bool] = ..., no_stderr: _Optional[bool] = ..., labels: _Optional[_Mapping[str, str]] = ..., forward: _Optional[_Union[Forward, _Mapping]] = ...) -> None: ...

class Forward(_message.Message):
    __slots__ = ("scope", "registry")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    scope: str
    registry: str
    def __init__(self, scope: _Optional[str] = ..., registry: _Optional[str] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ("run", "number", "session")
    RUN_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    number: int
    session: _records_pb2.Session
    def __init__(self, run: _Optional[bytes] = ..., number: _Optional[int] = ..., session: _Optional[_Union[_records_pb2.Session, _Mapping]] = ...) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ("run", "context")
    RUN_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    context: _struct_pb2.Struct
    def __init__(self, run: _Optional[bytes] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InputsRequest(_message.Message):
    __slots__ = ("run", "wait_ms")
    RUN_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    wait_ms: int
    def __init__(self, run: _Optional[bytes] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class InputsResponse(_message.Message):
    __slots__ = ("paths", "truncated")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[bytes]
    truncated: bool
    def __init__(self, paths: _Optional[_Iterable[bytes]] = ..., truncated: _Optional[bool] = ...) -> None: ...

class FinishRequest(_message.Message):
    __slots__ = ("run", "exit_code", "signal", "interrupted", "never_ran", "resources", "wait_ms")
    RUN_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    NEVER_RAN_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    exit_code: int
    signal: int
    interrupted: bool
    never_ran: bool
    resources: _struct_pb2.Struct
    wait_ms: int
    def __init__(self, run: _Optional[bytes] = ..., exit_code: _Optional[int] = ..., signal: _Optional[int] = ..., interrupted: _Optional[bool] = ..., never_ran: _Optional[bool] = ..., resources: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class FinishResponse(_message.Message):
    __slots__ = ("final", "pending", "job", "entries", "origins")
    FINAL_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    final: bool
    pending: str
    job: _records_pb2.Job
    entries: _containers.RepeatedCompositeFieldContainer[_records_pb2.Entry]
    origins: _containers.RepeatedCompositeFieldContainer[Origin]
    def __init__(self, final: _Optional[bool] = ..., pending: _Optional[str] = ..., job: _Optional[_Union[_records_pb2.Job, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[_records_pb2.Entry, _Mapping]]] = ..., origins: _Optional[_Iterable[_Union[Origin, _Mapping]]] = ...) -> None: ...

class Origin(_message.Message):
    __slots__ = ("hash", "path", "job")
    HASH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    path: bytes
    job: _records_pb2.JobHead
    def __init__(self, hash: _Optional[bytes] = ..., path: _Optional[bytes] = ..., job: _Optional[_Union[_records_pb2.JobHead, _Mapping]] = ...) -> None: ...

class AttachRequest(_message.Message):
    __slots__ = ("process", "argv", "cwd", "project", "context", "tracked", "forward")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TRACKED_FIELD_NUMBER: _ClassVar[int]
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    process: str
    argv: _containers.RepeatedScalarFieldContainer[bytes]
    cwd: bytes
    project: bytes
    context: _struct_pb2.Struct
    tracked: bytes
    forward: Forward
    def __init__(self, process: _Optional[str] = ..., argv: _Optional[_Iterable[bytes]] = ..., cwd: _Optional[bytes] = ..., project: _Optional[bytes] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tracked: _Optional[bytes] = ..., forward: _Optional[_Union[Forward, _Mapping]] = ...) -> None: ...

class AttachResponse(_message.Message):
    __slots__ = ("run", "number", "session", "processes", "others")
    RUN_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    number: int
    session: _records_pb2.Session
    processes: int
    others: int
    def __init__(self, run: _Optional[bytes] = ..., number: _Optional[int] = ..., session: _Optional[_Union[_records_pb2.Session, _Mapping]] = ..., processes: _Optional[int] = ..., others: _Optional[int] = ...) -> None: ...

class DetachRequest(_message.Message):
    __slots__ = ("run", "wait_ms")
    RUN_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    wait_ms: int
    def __init__(self, run: _Optional[bytes] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class DetachResponse(_message.Message):
    __slots__ = ("run", "number", "end")
    RUN_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    number: int
    end: FinishResponse
    def __init__(self, run: _Optional[bytes] = ..., number: _Optional[int] = ..., end: _Optional[_Union[FinishResponse, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("run", "interval_ms")
    RUN_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    interval_ms: int
    def __init__(self, run: _Optional[bytes] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("head", "files_read", "files_written", "processes", "steps", "events", "bytes_read", "bytes_written")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    FILES_READ_FIELD_NUMBER: _ClassVar[int]
    FILES_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    BYTES_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    head: _records_pb2.JobHead
    files_read: int
    files_written: int
    processes: int
    steps: int
    events: int
    bytes_read: int
    bytes_written: int
    def __init__(self, head: _Optional[_Union[_records_pb2.JobHead, _Mapping]] = ..., files_read: _Optional[int] = ..., files_written: _Optional[int] = ..., processes: _Optional[int] = ..., steps: _Optional[int] = ..., events: _Optional[int] = ..., bytes_read: _Optional[int] = ..., bytes_written: _Optional[int] = ...) -> None: ...

class ResetRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: bytes
    def __init__(self, project: _Optional[bytes] = ...) -> None: ...

class ResetResponse(_message.Message):
    __slots__ = ("ended", "session")
    ENDED_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ended: bool
    session: _records_pb2.Session
    def __init__(self, ended: _Optional[bool] = ..., session: _Optional[_Union[_records_pb2.Session, _Mapping]] = ...) -> None: ...

class BeginRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: bytes
    def __init__(self, project: _Optional[bytes] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class ForgetResponse(_message.Message):
    __slots__ = ("job", "session")
    JOB_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    job: _records_pb2.JobHead
    session: _records_pb2.Session
    def __init__(self, job: _Optional[_Union[_records_pb2.JobHead, _Mapping]] = ..., session: _Optional[_Union[_records_pb2.Session, _Mapping]] = ...) -> None: ...
