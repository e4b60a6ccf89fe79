"""``psi-match status``: what a node has done and is doing."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from psi_match.cli.options import Json, Keys, NodeAddress


def status(
    node: NodeAddress,
    keys: Keys,
    run_id: Annotated[str, typer.Option("--run", help="Only this run.")] = "",
    as_json: Json = False,
) -> None:
    """List the runs of your own node: the newest thousand."""
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.node.operator_client import OperatorClient

    with OperatorClient(node, Credentials.read(keys, OPERATOR)) as client:
        reply = client.status(run_id)
    if as_json:
        runs = [json.loads(run.record_json) if run.record_json else {"run_id": run.run_id} for run in reply.runs]
        sys.stdout.write(json.dumps({"party": reply.party, "live": reply.live_sessions, "runs": runs}, indent=2) + "\n")
        return
    typer.echo(f"{reply.party}, psi-match {reply.software_version}: {reply.live_sessions} of {reply.max_sessions} live")
    for run in reply.runs:
        typer.echo(f"{run.run_id}  {run.state:9} {run.role:11} {run.scenario}")
