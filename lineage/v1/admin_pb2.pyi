from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("version", "capturing", "problems", "started_at", "running_jobs")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPTURING_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_JOBS_FIELD_NUMBER: _ClassVar[int]
    version: str
    capturing: bool
    problems: _containers.RepeatedScalarFieldContainer[str]
    started_at: int
    running_jobs: int
    def __init__(self, version: _Optional[str] = ..., capturing: _Optional[bool] = ..., problems: _Optional[_Iterable[str]] = ..., started_at: _Optional[int] = ..., running_jobs: _Optional[int] = ...) -> None: ...

class StatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatisticsResponse(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.ScalarMap[str, int]
    def __init__(self, values: _Optional[_Mapping[str, int]] = ...) -> None: ...

class OutboxRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class OutboxResponse(_message.Message):
    __slots__ = ("forward", "registry", "forwarded", "waiting", "refused", "waiting_since", "trouble", "next_try_at", "jobs", "forwarded_at")
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    WAITING_SINCE_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRY_AT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_AT_FIELD_NUMBER: _ClassVar[int]
    forward: str
    registry: str
    forwarded: int
    waiting: int
    refused: int
    waiting_since: int
    trouble: Trouble
    next_try_at: int
    jobs: _containers.RepeatedCompositeFieldContainer[OutboxJob]
    forwarded_at: int
    def __init__(self, forward: _Optional[str] = ..., registry: _Optional[str] = ..., forwarded: _Optional[int] = ..., waiting: _Optional[int] = ..., refused: _Optional[int] = ..., waiting_since: _Optional[int] = ..., trouble: _Optional[_Union[Trouble, _Mapping]] = ..., next_try_at: _Optional[int] = ..., jobs: _Optional[_Iterable[_Union[OutboxJob, _Mapping]]] = ..., forwarded_at: _Optional[int] = ...) -> None: ...

class Trouble(_message.Message):
    __slots__ = ("code", "message", "hint")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    hint: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class OutboxJob(_message.Message):
    __slots__ = ("id", "number", "project", "scope", "state", "since", "tries", "next_try_at", "trouble")
    ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRY_AT_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    number: int
    project: bytes
    scope: str
    state: str
    since: int
    tries: int
    next_try_at: int
    trouble: Trouble
    def __init__(self, id: _Optional[bytes] = ..., number: _Optional[int] = ..., project: _Optional[bytes] = ..., scope: _Optional[str] = ..., state: _Optional[str] = ..., since: _Optional[int] = ..., tries: _Optional[int] = ..., next_try_at: _Optional[int] = ..., trouble: _Optional[_Union[Trouble, _Mapping]] = ...) -> None: ...

class RetryOutboxRequest(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, jobs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class RetryOutboxResponse(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: int
    def __init__(self, jobs: _Optional[int] = ...) -> None: ...
