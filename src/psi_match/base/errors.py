"""The one error tree of psi-match: whose fault it is, what to do, and the exit code.

    PsiMatchError
    ├── UsageError            2  the command line is wrong
    ├── ConfigError           3  a config, key or certificate file is wrong
    │   └── ScenarioError     3  a scenario file is wrong
    ├── DataError             4  a dataset is wrong: missing, unreadable, or with invalid rows
    ├── PolicyRefusal         5  a node refused: not permitted, or not now; nothing was computed
    │   └── ShutdownError     5  it is shutting down
    ├── TransportError        6  a peer could not be reached or stopped answering
    │   ├── DeadlineExceeded  6  a peer was silent for longer than the deadline
    │   └── ClusterLost       6  the node's own cluster could not be reached or gave up
    ├── PeerError             7  a peer broke the protocol
    │   └── VersionMismatch   7  a peer speaks another wire version
    ├── PeerAborted           8  a peer stopped the run and told us why
    │   └── SecondHandAbort   8  because of another party, and only that party knows why
    ├── ResultMismatch        9  a result differs from the plaintext answer
    ├── SeedFailure          10  the session's seeds do not work out (below 2^-40)
    │   ├── CuckooFailure    10  no cuckoo table exists for them
    │   ├── BucketOverflow   10  a hash bucket gets more rows than its public size
    │   └── OkvsFailure      10  a key-value store has no solution for them
    ├── AuditFailure         11  an audit log was changed, cut or does not fit another
    ├── Regression           12  a bench took longer than the earlier one allows
    └── InternalError        70  a defect of psi-match itself

Every error is one sentence with a hint. No message ever holds a BSN, a key, a share or an amount: whoever raises
names rows by number, columns and files by name, and raises ``from None`` where a library's text could hold a value.
The exit codes are listed for users in docs/exit-codes.md, and a test holds the two together.
"""

from __future__ import annotations

from typing import ClassVar


class PsiMatchError(Exception):
    """Base of all errors that psi-match raises on purpose.

    Args:
        sentence: what went wrong, one sentence, safe to log.
        hint: what the user can do about it.
        peer: the party id that it is about, if any.
        step: the protocol step in which it happened, if any.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, sentence: str, hint: str = "", *, peer: str | None = None, step: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.peer = peer
        self.step = step

    def __str__(self) -> str:
        where = [f"peer {self.peer}"] if self.peer else []
        where += [f"step {self.step}"] if self.step else []
        return f"{self.sentence} ({', '.join(where)})" if where else self.sentence


class UsageError(PsiMatchError):
    """The command line is wrong."""

    exit_code = 2


class ConfigError(PsiMatchError):
    """A config, key or certificate file is wrong."""

    exit_code = 3


class ScenarioError(ConfigError):
    """A scenario file is wrong."""


class DataError(PsiMatchError):
    """A dataset is missing, unreadable, or holds rows that its declaration does not allow."""

    exit_code = 4


class PolicyRefusal(PsiMatchError):
    """A node refused the request: not permitted, or not now. Nothing was computed.

    Args:
        rule: name of the rule that refused, if it is one of the node's policy; stays at this node.
        public: what a peer is told instead of the sentence; empty: the sentence itself is fit for peers.
    """

    exit_code = 5

    def __init__(
        self,
        sentence: str,
        hint: str = "",
        *,
        peer: str | None = None,
        step: str | None = None,
        rule: str = "",
        public: str = "",
    ) -> None:
        super().__init__(sentence, hint, peer=peer, step=step)
        self.rule = rule
        self.public = public


class ShutdownError(PolicyRefusal):
    """The node is shutting down."""


class TransportError(PsiMatchError):
    """A peer could not be reached, or the connection was lost."""

    exit_code = 6


class DeadlineExceeded(TransportError):
    """A peer was silent for longer than the deadline."""


class ClusterLost(TransportError):
    """The cluster on which this node computes could not be reached, or lost the machines that computed."""


class PeerError(PsiMatchError):
    """A peer broke the protocol: wrong size, order, kind, identity or value."""

    exit_code = 7


class VersionMismatch(PeerError):
    """A peer speaks another wire version or other parameters."""


class PeerAborted(PsiMatchError):
    """A peer stopped the run and told us why."""

    exit_code = 8


class SecondHandAbort(PeerAborted):
    """A peer stopped the run because of another party; only that party knows why."""


class ResultMismatch(PsiMatchError):
    """A result differs from the plaintext answer."""

    exit_code = 9


class SeedFailure(PsiMatchError):
    """Something has no solution under the session's seeds; a new session draws new ones."""

    exit_code = 10


class CuckooFailure(SeedFailure):
    """No cuckoo table exists for the session's hash seeds."""


class BucketOverflow(SeedFailure):
    """A hash bucket gets more rows than its public size under the session's seeds."""


class OkvsFailure(SeedFailure):
    """A key-value store has no solution under the session's seeds."""


class AuditFailure(PsiMatchError):
    """An audit log was changed, cut, or does not fit another one."""

    exit_code = 11


class Regression(PsiMatchError):
    """A bench took longer than an earlier one allows."""

    exit_code = 12


class InternalError(PsiMatchError):
    """A defect of psi-match itself."""

    exit_code = 70
