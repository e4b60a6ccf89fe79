from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunRequest(_message.Message):
    __slots__ = ("scenario", "engine", "dry_run", "agreement")
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    scenario: str
    engine: str
    dry_run: bool
    agreement: str
    def __init__(self, scenario: _Optional[str] = ..., engine: _Optional[str] = ..., dry_run: bool = ..., agreement: _Optional[str] = ...) -> None: ...

class RunEvent(_message.Message):
    __slots__ = ("started", "progress", "finished", "failed")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    started: Started
    progress: Progress
    finished: Finished
    failed: Failed
    def __init__(self, started: _Optional[_Union[Started, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ...) -> None: ...

class Started(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("peer", "step", "done", "total", "silent_s")
    PEER_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    SILENT_S_FIELD_NUMBER: _ClassVar[int]
    peer: str
    step: str
    done: int
    total: int
    silent_s: float
    def __init__(self, peer: _Optional[str] = ..., step: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., silent_s: _Optional[float] = ...) -> None: ...

class Finished(_message.Message):
    __slots__ = ("record_json",)
    RECORD_JSON_FIELD_NUMBER: _ClassVar[int]
    record_json: str
    def __init__(self, record_json: _Optional[str] = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ("error", "sentence", "hint", "peer", "step")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    error: str
    sentence: str
    hint: str
    peer: str
    step: str
    def __init__(self, error: _Optional[str] = ..., sentence: _Optional[str] = ..., hint: _Optional[str] = ..., peer: _Optional[str] = ..., step: _Optional[str] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class StatusReply(_message.Message):
    __slots__ = ("party", "software_version", "live_sessions", "max_sessions", "runs")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIVE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    party: str
    software_version: str
    live_sessions: int
    max_sessions: int
    runs: _containers.RepeatedCompositeFieldContainer[RunStatus]
    def __init__(self, party: _Optional[str] = ..., software_version: _Optional[str] = ..., live_sessions: _Optional[int] = ..., max_sessions: _Optional[int] = ..., runs: _Optional[_Iterable[_Union[RunStatus, _Mapping]]] = ...) -> None: ...

class RunStatus(_message.Message):
    __slots__ = ("run_id", "scenario", "role", "state", "record_json")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RECORD_JSON_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    scenario: str
    role: str
    state: str
    record_json: str
    def __init__(self, run_id: _Optional[str] = ..., scenario: _Optional[str] = ..., role: _Optional[str] = ..., state: _Optional[str] = ..., record_json: _Optional[str] = ...) -> None: ...

class ResultRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class ResultPart(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    def __init__(self, content: _Optional[bytes] = ...) -> None: ...

class LogRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogPart(_message.Message):
    __slots__ = ("file", "content")
    FILE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    file: str
    content: bytes
    def __init__(self, file: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class NotifyRequest(_message.Message):
    __slots__ = ("run_id", "kind", "reason", "bsn")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BSN_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    kind: str
    reason: str
    bsn: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, run_id: _Optional[str] = ..., kind: _Optional[str] = ..., reason: _Optional[str] = ..., bsn: _Optional[_Iterable[str]] = ...) -> None: ...

class NotifyReply(_message.Message):
    __slots__ = ("recipients",)
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    recipients: _containers.RepeatedCompositeFieldContainer[RecipientTold]
    def __init__(self, recipients: _Optional[_Iterable[_Union[RecipientTold, _Mapping]]] = ...) -> None: ...

class RecipientTold(_message.Message):
    __slots__ = ("party", "told", "sentence", "has_result")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    TOLD_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    HAS_RESULT_FIELD_NUMBER: _ClassVar[int]
    party: str
    told: bool
    sentence: str
    has_result: bool
    def __init__(self, party: _Optional[str] = ..., told: bool = ..., sentence: _Optional[str] = ..., has_result: bool = ...) -> None: ...
