"""``psi-match result RUN``: the leader's operator fetches a result from the leader's own node."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Keys, NodeAddress
from psi_match.cli.private_file import write_private_file


def result(
    run_id: Annotated[str, typer.Argument(help="The run, as `psi-match run` printed it.")],
    node: NodeAddress,
    keys: Keys,
    out: Annotated[Path, typer.Option("--out", help="File to write: .csv or .parquet. It will hold BSNs.")],
) -> None:
    """Fetch a result into a file that only you can read."""
    from psi_match.base.errors import UsageError
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.node.operator_client import OperatorClient

    if out.suffix not in {".csv", ".parquet"}:
        raise UsageError("A result is written as .csv or .parquet.", "For example: --out result.csv")
    if out.exists():
        raise UsageError(f"{out} exists already.", "Choose another name; a result is never overwritten.")
    with OperatorClient(node, Credentials.read(keys, OPERATOR)) as client:
        content = client.result(run_id)
    import pandas as pd

    table = pd.read_parquet(io.BytesIO(content))
    if out.suffix == ".csv":
        content = table.to_csv(index=False).encode()
    write_private_file(out, content)
    typer.echo(f"{len(table)} rows in {out}. It holds BSNs: keep it where only those who need it can read it.")
