from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Step(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_UNSPECIFIED: _ClassVar[Step]
    STEP_SESSION_COMMITMENT: _ClassVar[Step]
    STEP_SESSION_COMMITMENTS: _ClassVar[Step]
    STEP_SESSION_OPENING: _ClassVar[Step]
    STEP_SESSION_OPENINGS: _ClassVar[Step]
    STEP_TRANSCRIPT: _ClassVar[Step]
    STEP_BASE_OT_SENDER: _ClassVar[Step]
    STEP_BASE_OT_RECEIVER: _ClassVar[Step]
    STEP_OPRF_ROWS: _ClassVar[Step]
    STEP_PSI_VALUES: _ClassVar[Step]
    STEP_ECDH_REQUEST: _ClassVar[Step]
    STEP_ECDH_SETUP: _ClassVar[Step]
    STEP_ECDH_RESPONSE: _ClassVar[Step]
    STEP_SESSION_TERMS: _ClassVar[Step]
    STEP_PAIR_KEY: _ClassVar[Step]
    STEP_INPUT_KEYS: _ClassVar[Step]
    STEP_RANDOM_SEEDS: _ClassVar[Step]
    STEP_JOIN_STORE: _ClassVar[Step]
    STEP_INPUT_SHARES: _ClassVar[Step]
    STEP_AND_LEVEL: _ClassVar[Step]
    STEP_PERMUTATION_FACTOR: _ClassVar[Step]
    STEP_PERMUTATION_FIRST: _ClassVar[Step]
    STEP_PERMUTATION_SECOND: _ClassVar[Step]
    STEP_PERMUTATION_THIRD: _ClassVar[Step]
    STEP_READY: _ClassVar[Step]
    STEP_OPENED_SHARES: _ClassVar[Step]
    STEP_VOLE_PRODUCTS: _ClassVar[Step]
    STEP_OT_EXTENSION: _ClassVar[Step]
    STEP_VOLE_LEVELS: _ClassVar[Step]
    STEP_VOLE_BLOCKS: _ClassVar[Step]
    STEP_VOLE_STORE: _ClassVar[Step]
    STEP_VOLE_ITEMS: _ClassVar[Step]

class AbortReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ABORT_REASON_UNSPECIFIED: _ClassVar[AbortReason]
    ABORT_REASON_REFUSED: _ClassVar[AbortReason]
    ABORT_REASON_VERSION: _ClassVar[AbortReason]
    ABORT_REASON_PROTOCOL: _ClassVar[AbortReason]
    ABORT_REASON_DEADLINE: _ClassVar[AbortReason]
    ABORT_REASON_DATA: _ClassVar[AbortReason]
    ABORT_REASON_OTHER_PARTY: _ClassVar[AbortReason]
    ABORT_REASON_CUCKOO: _ClassVar[AbortReason]
    ABORT_REASON_SHUTDOWN: _ClassVar[AbortReason]
    ABORT_REASON_INTERNAL: _ClassVar[AbortReason]
STEP_UNSPECIFIED: Step
STEP_SESSION_COMMITMENT: Step
STEP_SESSION_COMMITMENTS: Step
STEP_SESSION_OPENING: Step
STEP_SESSION_OPENINGS: Step
STEP_TRANSCRIPT: Step
STEP_BASE_OT_SENDER: Step
STEP_BASE_OT_RECEIVER: Step
STEP_OPRF_ROWS: Step
STEP_PSI_VALUES: Step
STEP_ECDH_REQUEST: Step
STEP_ECDH_SETUP: Step
STEP_ECDH_RESPONSE: Step
STEP_SESSION_TERMS: Step
STEP_PAIR_KEY: Step
STEP_INPUT_KEYS: Step
STEP_RANDOM_SEEDS: Step
STEP_JOIN_STORE: Step
STEP_INPUT_SHARES: Step
STEP_AND_LEVEL: Step
STEP_PERMUTATION_FACTOR: Step
STEP_PERMUTATION_FIRST: Step
STEP_PERMUTATION_SECOND: Step
STEP_PERMUTATION_THIRD: Step
STEP_READY: Step
STEP_OPENED_SHARES: Step
STEP_VOLE_PRODUCTS: Step
STEP_OT_EXTENSION: Step
STEP_VOLE_LEVELS: Step
STEP_VOLE_BLOCKS: Step
STEP_VOLE_STORE: Step
STEP_VOLE_ITEMS: Step
ABORT_REASON_UNSPECIFIED: AbortReason
ABORT_REASON_REFUSED: AbortReason
ABORT_REASON_VERSION: AbortReason
ABORT_REASON_PROTOCOL: AbortReason
ABORT_REASON_DEADLINE: AbortReason
ABORT_REASON_DATA: AbortReason
ABORT_REASON_OTHER_PARTY: AbortReason
ABORT_REASON_CUCKOO: AbortReason
ABORT_REASON_SHUTDOWN: AbortReason
ABORT_REASON_INTERNAL: AbortReason

class NoticeRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: bytes
    def __init__(self, run_id: _Optional[bytes] = ...) -> None: ...

class NoticeReply(_message.Message):
    __slots__ = ("has_result",)
    HAS_RESULT_FIELD_NUMBER: _ClassVar[int]
    has_result: bool
    def __init__(self, has_result: bool = ...) -> None: ...

class GreetRequest(_message.Message):
    __slots__ = ("wire_version", "padding")
    WIRE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    wire_version: int
    padding: bytes
    def __init__(self, wire_version: _Optional[int] = ..., padding: _Optional[bytes] = ...) -> None: ...

class GreetReply(_message.Message):
    __slots__ = ("wire_version", "party", "software_version", "parameters", "engines", "scenarios")
    WIRE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ENGINES_FIELD_NUMBER: _ClassVar[int]
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    wire_version: int
    party: str
    software_version: str
    parameters: Parameters
    engines: _containers.RepeatedScalarFieldContainer[str]
    scenarios: _containers.RepeatedCompositeFieldContainer[KnownScenario]
    def __init__(self, wire_version: _Optional[int] = ..., party: _Optional[str] = ..., software_version: _Optional[str] = ..., parameters: _Optional[_Union[Parameters, _Mapping]] = ..., engines: _Optional[_Iterable[str]] = ..., scenarios: _Optional[_Iterable[_Union[KnownScenario, _Mapping]]] = ...) -> None: ...

class KnownScenario(_message.Message):
    __slots__ = ("name", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: bytes
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[bytes] = ...) -> None: ...

class Parameters(_message.Message):
    __slots__ = ("code_bits", "hash_functions", "chunk_bins", "statistical_security_bits")
    CODE_BITS_FIELD_NUMBER: _ClassVar[int]
    HASH_FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_BINS_FIELD_NUMBER: _ClassVar[int]
    STATISTICAL_SECURITY_BITS_FIELD_NUMBER: _ClassVar[int]
    code_bits: int
    hash_functions: int
    chunk_bins: int
    statistical_security_bits: int
    def __init__(self, code_bits: _Optional[int] = ..., hash_functions: _Optional[int] = ..., chunk_bins: _Optional[int] = ..., statistical_security_bits: _Optional[int] = ...) -> None: ...

class SessionMessage(_message.Message):
    __slots__ = ("hello", "acceptance", "frame", "heartbeat", "abort", "concluded", "proposal", "sizes", "attachment", "done", "countersigned")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCE_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    ABORT_FIELD_NUMBER: _ClassVar[int]
    CONCLUDED_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    COUNTERSIGNED_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    acceptance: Acceptance
    frame: DataFrame
    heartbeat: Heartbeat
    abort: Abort
    concluded: Concluded
    proposal: Proposal
    sizes: SessionSizes
    attachment: Attachment
    done: Done
    countersigned: Countersigned
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., acceptance: _Optional[_Union[Acceptance, _Mapping]] = ..., frame: _Optional[_Union[DataFrame, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., abort: _Optional[_Union[Abort, _Mapping]] = ..., concluded: _Optional[_Union[Concluded, _Mapping]] = ..., proposal: _Optional[_Union[Proposal, _Mapping]] = ..., sizes: _Optional[_Union[SessionSizes, _Mapping]] = ..., attachment: _Optional[_Union[Attachment, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., countersigned: _Optional[_Union[Countersigned, _Mapping]] = ...) -> None: ...

class SignedHead(_message.Message):
    __slots__ = ("log", "sequence", "digest", "signature")
    LOG_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    log: bytes
    sequence: int
    digest: bytes
    signature: bytes
    def __init__(self, log: _Optional[bytes] = ..., sequence: _Optional[int] = ..., digest: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("wire_version", "parameters", "run_id", "scenario", "scenario_digest", "engine", "leader", "parties", "leader_size", "instance", "runs", "agreement_digest", "head", "notices_of")
    WIRE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    PARTIES_FIELD_NUMBER: _ClassVar[int]
    LEADER_SIZE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NOTICES_OF_FIELD_NUMBER: _ClassVar[int]
    wire_version: int
    parameters: Parameters
    run_id: bytes
    scenario: str
    scenario_digest: bytes
    engine: str
    leader: str
    parties: _containers.RepeatedScalarFieldContainer[str]
    leader_size: int
    instance: int
    runs: int
    agreement_digest: bytes
    head: SignedHead
    notices_of: bytes
    def __init__(self, wire_version: _Optional[int] = ..., parameters: _Optional[_Union[Parameters, _Mapping]] = ..., run_id: _Optional[bytes] = ..., scenario: _Optional[str] = ..., scenario_digest: _Optional[bytes] = ..., engine: _Optional[str] = ..., leader: _Optional[str] = ..., parties: _Optional[_Iterable[str]] = ..., leader_size: _Optional[int] = ..., instance: _Optional[int] = ..., runs: _Optional[int] = ..., agreement_digest: _Optional[bytes] = ..., head: _Optional[_Union[SignedHead, _Mapping]] = ..., notices_of: _Optional[bytes] = ...) -> None: ...

class Proposal(_message.Message):
    __slots__ = ("wire_version", "parameters", "run_id", "scenario", "scenario_digest", "coordinator", "parties", "adder", "agreement_digest", "head", "engine")
    WIRE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_DIGEST_FIELD_NUMBER: _ClassVar[int]
    COORDINATOR_FIELD_NUMBER: _ClassVar[int]
    PARTIES_FIELD_NUMBER: _ClassVar[int]
    ADDER_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    wire_version: int
    parameters: Parameters
    run_id: bytes
    scenario: str
    scenario_digest: bytes
    coordinator: str
    parties: _containers.RepeatedScalarFieldContainer[str]
    adder: str
    agreement_digest: bytes
    head: SignedHead
    engine: str
    def __init__(self, wire_version: _Optional[int] = ..., parameters: _Optional[_Union[Parameters, _Mapping]] = ..., run_id: _Optional[bytes] = ..., scenario: _Optional[str] = ..., scenario_digest: _Optional[bytes] = ..., coordinator: _Optional[str] = ..., parties: _Optional[_Iterable[str]] = ..., adder: _Optional[str] = ..., agreement_digest: _Optional[bytes] = ..., head: _Optional[_Union[SignedHead, _Mapping]] = ..., engine: _Optional[str] = ...) -> None: ...

class Acceptance(_message.Message):
    __slots__ = ("data_size", "row_size", "head", "countersignature")
    DATA_SIZE_FIELD_NUMBER: _ClassVar[int]
    ROW_SIZE_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    COUNTERSIGNATURE_FIELD_NUMBER: _ClassVar[int]
    data_size: int
    row_size: int
    head: SignedHead
    countersignature: bytes
    def __init__(self, data_size: _Optional[int] = ..., row_size: _Optional[int] = ..., head: _Optional[_Union[SignedHead, _Mapping]] = ..., countersignature: _Optional[bytes] = ...) -> None: ...

class SessionSizes(_message.Message):
    __slots__ = ("parties",)
    PARTIES_FIELD_NUMBER: _ClassVar[int]
    parties: _containers.RepeatedCompositeFieldContainer[PartySizes]
    def __init__(self, parties: _Optional[_Iterable[_Union[PartySizes, _Mapping]]] = ...) -> None: ...

class PartySizes(_message.Message):
    __slots__ = ("party", "row_size", "set_size", "head")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ROW_SIZE_FIELD_NUMBER: _ClassVar[int]
    SET_SIZE_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    party: str
    row_size: int
    set_size: int
    head: SignedHead
    def __init__(self, party: _Optional[str] = ..., row_size: _Optional[int] = ..., set_size: _Optional[int] = ..., head: _Optional[_Union[SignedHead, _Mapping]] = ...) -> None: ...

class Attachment(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: bytes
    def __init__(self, run_id: _Optional[bytes] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Concluded(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Countersigned(_message.Message):
    __slots__ = ("signature",)
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    def __init__(self, signature: _Optional[bytes] = ...) -> None: ...

class DataFrame(_message.Message):
    __slots__ = ("session", "run", "step", "chunk", "sequence", "payload")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    run: int
    step: Step
    chunk: int
    sequence: int
    payload: bytes
    def __init__(self, session: _Optional[bytes] = ..., run: _Optional[int] = ..., step: _Optional[_Union[Step, str]] = ..., chunk: _Optional[int] = ..., sequence: _Optional[int] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("step", "done", "total", "frames_sent")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FRAMES_SENT_FIELD_NUMBER: _ClassVar[int]
    step: Step
    done: int
    total: int
    frames_sent: int
    def __init__(self, step: _Optional[_Union[Step, str]] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., frames_sent: _Optional[int] = ...) -> None: ...

class Abort(_message.Message):
    __slots__ = ("reason", "sentence", "step")
    REASON_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    reason: AbortReason
    sentence: str
    step: Step
    def __init__(self, reason: _Optional[_Union[AbortReason, str]] = ..., sentence: _Optional[str] = ..., step: _Optional[_Union[Step, str]] = ...) -> None: ...
