from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_RUN_BEGAN: _ClassVar[EventKind]
    EVENT_KIND_MESSAGE: _ClassVar[EventKind]
    EVENT_KIND_STAGE: _ClassVar[EventKind]
    EVENT_KIND_RUN_ENDED: _ClassVar[EventKind]
    EVENT_KIND_ALIVE: _ClassVar[EventKind]
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_RUN_BEGAN: EventKind
EVENT_KIND_MESSAGE: EventKind
EVENT_KIND_STAGE: EventKind
EVENT_KIND_RUN_ENDED: EventKind
EVENT_KIND_ALIVE: EventKind

class WatchRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TimelineRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("run_id", "scenario", "at", "kind", "peer", "outgoing", "step", "frame_bytes", "stage", "state", "role", "frames", "missed")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    OUTGOING_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    scenario: str
    at: float
    kind: EventKind
    peer: str
    outgoing: bool
    step: str
    frame_bytes: int
    stage: str
    state: str
    role: str
    frames: int
    missed: int
    def __init__(self, run_id: _Optional[str] = ..., scenario: _Optional[str] = ..., at: _Optional[float] = ..., kind: _Optional[_Union[EventKind, str]] = ..., peer: _Optional[str] = ..., outgoing: bool = ..., step: _Optional[str] = ..., frame_bytes: _Optional[int] = ..., stage: _Optional[str] = ..., state: _Optional[str] = ..., role: _Optional[str] = ..., frames: _Optional[int] = ..., missed: _Optional[int] = ...) -> None: ...
