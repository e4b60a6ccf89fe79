"""What an operator's or auditor's program does with its own body's node: run, follow, fetch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc

from psi_match.base import errors
from psi_match.base.errors import PsiMatchError, UsageError
from psi_match.node.certificates import Credentials
from psi_match.node.channels import open_channel, translate
from psi_match.node.own_people import ERROR_KEY, HINT_KEY
from psi_match.wire.v1 import operator_pb2 as pb
from psi_match.wire.v1 import operator_pb2_grpc

_CALL_TIMEOUT_S = 30.0
_RECORD_WAIT_S = 10.0


class OperatorClient:
    """A connection of an operator or auditor to its node.

    Args:
        address: ``host:port`` of the node.
        credentials: the operator's or auditor's certificate; the node must be of the same party.
    """

    def __init__(self, address: str, credentials: Credentials) -> None:
        self.party = credentials.identity.party
        self._channel = open_channel(address, self.party, credentials)
        self._stub = operator_pb2_grpc.OperatorStub(self._channel)

    def __enter__(self) -> OperatorClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def run(
        self,
        scenario: str,
        engine: str = "",
        *,
        agreement: str = "",
        dry_run: bool = False,
        on_started: Callable[[str], None] = lambda _run_id: None,
        on_progress: Callable[[pb.Progress], None] = lambda _progress: None,
    ) -> dict[str, Any]:
        """Start a run and follow it to its end.

        Returns:
            The run record; for a dry run what was checked.

        Raises:
            PsiMatchError: the run failed or was refused, as the node says.
        """
        with self._translated():
            request = pb.RunRequest(scenario=scenario, engine=engine, dry_run=dry_run, agreement=agreement)
            for event in self._stub.Run(request):
                match event.WhichOneof("content"):
                    case "started":
                        on_started(event.started.run_id)
                    case "progress":
                        on_progress(event.progress)
                    case "failed":
                        raise _error(event.failed)
                    case "finished":
                        record: dict[str, Any] = json.loads(event.finished.record_json)
                        return record
        raise errors.TransportError("The node ended the call without an answer.", peer=self.party)

    def status(self, run_id: str = "") -> pb.StatusReply:
        """Return what the node has done and is doing.

        Raises:
            PsiMatchError: the node cannot be reached or refuses.
        """
        with self._translated():
            reply: pb.StatusReply = self._stub.Status(pb.StatusRequest(run_id=run_id), timeout=_CALL_TIMEOUT_S)
            return reply

    def result(self, run_id: str) -> bytes:
        """Return a run's result as the bytes of a Parquet file.

        Raises:
            PsiMatchError: there is none, or the node refuses.
        """
        with self._translated():
            return b"".join(part.content for part in self._stub.Result(pb.ResultRequest(run_id=run_id)))

    def log(self) -> dict[str, bytes]:
        """Return the audit log: name and content of each of its files, in order.

        Raises:
            PsiMatchError: the node cannot be reached or refuses.
        """
        files: dict[str, bytearray] = {}
        with self._translated():
            for part in self._stub.Log(pb.LogRequest()):
                files.setdefault(part.file, bytearray()).extend(part.content)
        return {name: bytes(content) for name, content in files.items()}

    def notify(self, run_id: str, kind: str = "", reason: str = "", bsn: Sequence[str] = ()) -> pb.NotifyReply:
        """Give notices about an earlier run, or without any offer those that the node keeps once more.

        Raises:
            PsiMatchError: the node cannot be reached or refuses.
        """
        with self._translated():
            request = pb.NotifyRequest(run_id=run_id, kind=kind, reason=reason, bsn=bsn)
            reply: pb.NotifyReply = self._stub.Notify(request)
            return reply

    def notices(self, run_id: str) -> bytes:
        """Return the notices that came in about a result as the bytes of a Parquet file.

        Raises:
            PsiMatchError: there is no such result, or the node refuses.
        """
        with self._translated():
            return b"".join(part.content for part in self._stub.Notices(pb.ResultRequest(run_id=run_id)))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        failure: PsiMatchError | None = None
        try:
            yield
        except grpc.RpcError as error:
            failure = refusal_in(error) or translate(error, self.party)
        if failure:
            raise failure


def finished_record(client: OperatorClient, run_id: str) -> dict[str, Any]:
    """Return a node's record of a run; a data party writes it a moment after the leader has its result.

    Raises:
        TransportError: the node has none after a while.
        PsiMatchError: the node cannot be reached or refuses.
    """
    deadline = time.monotonic() + _RECORD_WAIT_S
    while time.monotonic() < deadline:
        runs = client.status(run_id).runs
        if runs and runs[0].record_json:
            record: dict[str, Any] = json.loads(runs[0].record_json)
            return record
        time.sleep(0.02)
    raise errors.TransportError("The node has no finished record of the run.", peer=client.party)


def _error(failed: pb.Failed) -> PsiMatchError:
    kind = getattr(errors, failed.error, None)
    if not (isinstance(kind, type) and issubclass(kind, PsiMatchError)):
        kind = PsiMatchError
    return kind(failed.sentence, failed.hint, peer=failed.peer or None, step=failed.step or None)


def refusal_in(error: grpc.RpcError) -> PsiMatchError | None:
    """Return the node's own error in a refused call, if it sent one."""
    if not isinstance(error, grpc.Call):
        return None
    metadata = dict(error.trailing_metadata() or ())
    name = metadata.get(ERROR_KEY)
    if not isinstance(name, str):
        return None
    kind = getattr(errors, name, UsageError)
    return kind(error.details() or "", str(metadata.get(HINT_KEY, "")))
