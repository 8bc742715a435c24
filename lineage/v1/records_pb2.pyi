from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class User(_message.Message):
    __slots__ = ("uid", "name")
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    uid: int
    name: str
    def __init__(self, uid: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class Host(_message.Message):
    __slots__ = ("name", "kernel", "machine")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KERNEL_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kernel: str
    machine: str
    def __init__(self, name: _Optional[str] = ..., kernel: _Optional[str] = ..., machine: _Optional[str] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("code", "message", "count")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    count: int
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("kind", "path", "hash", "hash_reason", "size", "role", "access", "steps", "package", "target", "device", "inode", "history")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    HASH_REASON_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    INODE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    kind: str
    path: bytes
    hash: bytes
    hash_reason: str
    size: int
    role: str
    access: _containers.RepeatedScalarFieldContainer[str]
    steps: _containers.RepeatedScalarFieldContainer[int]
    package: str
    target: bytes
    device: int
    inode: int
    history: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, kind: _Optional[str] = ..., path: _Optional[bytes] = ..., hash: _Optional[bytes] = ..., hash_reason: _Optional[str] = ..., size: _Optional[int] = ..., role: _Optional[str] = ..., access: _Optional[_Iterable[str]] = ..., steps: _Optional[_Iterable[int]] = ..., package: _Optional[str] = ..., target: _Optional[bytes] = ..., device: _Optional[int] = ..., inode: _Optional[int] = ..., history: _Optional[_Iterable[int]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("index", "parent", "pid", "argv", "executable", "started_at", "ended_at", "exit_code", "signal", "resources", "cell")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CELL_FIELD_NUMBER: _ClassVar[int]
    index: int
    parent: int
    pid: int
    argv: _containers.RepeatedScalarFieldContainer[bytes]
    executable: bytes
    started_at: int
    ended_at: int
    exit_code: int
    signal: int
    resources: Resources
    cell: Cell
    def __init__(self, index: _Optional[int] = ..., parent: _Optional[int] = ..., pid: _Optional[int] = ..., argv: _Optional[_Iterable[bytes]] = ..., executable: _Optional[bytes] = ..., started_at: _Optional[int] = ..., ended_at: _Optional[int] = ..., exit_code: _Optional[int] = ..., signal: _Optional[int] = ..., resources: _Optional[_Union[Resources, _Mapping]] = ..., cell: _Optional[_Union[Cell, _Mapping]] = ...) -> None: ...

class Cell(_message.Message):
    __slots__ = ("number", "hash", "failed")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    number: int
    hash: bytes
    failed: bool
    def __init__(self, number: _Optional[int] = ..., hash: _Optional[bytes] = ..., failed: _Optional[bool] = ...) -> None: ...

class Resources(_message.Message):
    __slots__ = ("cpu_ns", "user_ns", "system_ns", "max_rss_bytes", "bytes_read", "bytes_written", "storage_bytes_read", "storage_bytes_written", "processes")
    CPU_NS_FIELD_NUMBER: _ClassVar[int]
    USER_NS_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_NS_FIELD_NUMBER: _ClassVar[int]
    MAX_RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    BYTES_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    STORAGE_BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    STORAGE_BYTES_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    cpu_ns: int
    user_ns: int
    system_ns: int
    max_rss_bytes: int
    bytes_read: int
    bytes_written: int
    storage_bytes_read: int
    storage_bytes_written: int
    processes: int
    def __init__(self, cpu_ns: _Optional[int] = ..., user_ns: _Optional[int] = ..., system_ns: _Optional[int] = ..., max_rss_bytes: _Optional[int] = ..., bytes_read: _Optional[int] = ..., bytes_written: _Optional[int] = ..., storage_bytes_read: _Optional[int] = ..., storage_bytes_written: _Optional[int] = ..., processes: _Optional[int] = ...) -> None: ...

class JobHead(_message.Message):
    __slots__ = ("id", "run", "session", "number", "user", "host", "argv", "cwd", "project", "started_at", "ended_at", "exit_code", "signal", "interrupted", "complete", "incomplete_reasons", "counts", "imported", "kind")
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_REASONS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    run: bytes
    session: bytes
    number: int
    user: User
    host: Host
    argv: _containers.RepeatedScalarFieldContainer[bytes]
    cwd: bytes
    project: bytes
    started_at: int
    ended_at: int
    exit_code: int
    signal: int
    interrupted: bool
    complete: bool
    incomplete_reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    counts: _containers.ScalarMap[str, int]
    imported: Imported
    kind: str
    def __init__(self, id: _Optional[bytes] = ..., run: _Optional[bytes] = ..., session: _Optional[bytes] = ..., number: _Optional[int] = ..., user: _Optional[_Union[User, _Mapping]] = ..., host: _Optional[_Union[Host, _Mapping]] = ..., argv: _Optional[_Iterable[bytes]] = ..., cwd: _Optional[bytes] = ..., project: _Optional[bytes] = ..., started_at: _Optional[int] = ..., ended_at: _Optional[int] = ..., exit_code: _Optional[int] = ..., signal: _Optional[int] = ..., interrupted: _Optional[bool] = ..., complete: _Optional[bool] = ..., incomplete_reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., counts: _Optional[_Mapping[str, int]] = ..., imported: _Optional[_Union[Imported, _Mapping]] = ..., kind: _Optional[str] = ...) -> None: ...

class Imported(_message.Message):
    __slots__ = ("uid", "at", "bundle", "registry")
    UID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    uid: int
    at: int
    bundle: bytes
    registry: str
    def __init__(self, uid: _Optional[int] = ..., at: _Optional[int] = ..., bundle: _Optional[bytes] = ..., registry: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("head", "steps", "context")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    head: JobHead
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    context: _struct_pb2.Struct
    def __init__(self, head: _Optional[_Union[JobHead, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("id", "user", "host", "project", "started_at", "head", "jobs", "current")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    user: User
    host: Host
    project: bytes
    started_at: int
    head: bytes
    jobs: int
    current: bool
    def __init__(self, id: _Optional[bytes] = ..., user: _Optional[_Union[User, _Mapping]] = ..., host: _Optional[_Union[Host, _Mapping]] = ..., project: _Optional[bytes] = ..., started_at: _Optional[int] = ..., head: _Optional[bytes] = ..., jobs: _Optional[int] = ..., current: _Optional[bool] = ...) -> None: ...

class Sighting(_message.Message):
    __slots__ = ("job", "entry")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    job: JobHead
    entry: Entry
    def __init__(self, job: _Optional[_Union[JobHead, _Mapping]] = ..., entry: _Optional[_Union[Entry, _Mapping]] = ...) -> None: ...

class Artifact(_message.Message):
    __slots__ = ("hash", "size", "producers", "consumers", "truncated")
    HASH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PRODUCERS_FIELD_NUMBER: _ClassVar[int]
    CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    size: int
    producers: _containers.RepeatedCompositeFieldContainer[Sighting]
    consumers: _containers.RepeatedCompositeFieldContainer[Sighting]
    truncated: bool
    def __init__(self, hash: _Optional[bytes] = ..., size: _Optional[int] = ..., producers: _Optional[_Iterable[_Union[Sighting, _Mapping]]] = ..., consumers: _Optional[_Iterable[_Union[Sighting, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...
