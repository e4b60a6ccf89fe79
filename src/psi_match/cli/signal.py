"""``psi-match signal withdraw / correct / retry / list``: what must be said about people after a run told of them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json, Keys, Language, NodeAddress, check_language
from psi_match.cli.private_file import write_private_file

if TYPE_CHECKING:
    from psi_match.wire.v1 import operator_pb2 as pb

app = typer.Typer(
    help="Objections, corrections and deletions after a run: tell the recipients, and see what came in.",
    no_args_is_help=True,
)
Run = Annotated[str, typer.Argument(metavar="RUN", help="The earlier run, as `psi-match run` printed it.")]
Numbers = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="File with one BSN of nine digits a line; without it they are read from stdin. A BSN is never an "
        "argument: it would stay in the shell's history and show in the list of processes.",
    ),
]
Why = Annotated[str, typer.Option("--reason", help="objection, correction or deletion; stays at your own node.")]


@app.command("withdraw")
def withdraw(
    run_id: Run,
    node: NodeAddress,
    keys: Keys,
    reason: Why,
    file: Numbers = None,
    language: Language = "nl",
    as_json: Json = False,
) -> None:
    """Tell recipients not to use rows about these people any more; their nodes take them out of the result."""
    missed = _give(node, keys, run_id, "withdraw", reason, file, language, as_json=as_json)
    if reason == "objection" and not as_json:
        typer.echo(
            "Note: future runs go on including these people unless you put them on the list of opt-outs."
            if language == "en"
            else "Let op: volgende runs nemen deze mensen weer mee, tenzij u ze op de lijst van afmeldingen zet."
        )
    _fail_on(missed, run_id)


@app.command("correct")
def correct(
    run_id: Run,
    node: NodeAddress,
    keys: Keys,
    reason: Why,
    file: Numbers = None,
    language: Language = "nl",
    as_json: Json = False,
) -> None:
    """Tell recipients to check rows about these people anew at the source before they use them."""
    _fail_on(_give(node, keys, run_id, "correct", reason, file, language, as_json=as_json), run_id)


@app.command("retry")
def retry(run_id: Run, node: NodeAddress, keys: Keys, language: Language = "nl", as_json: Json = False) -> None:
    """Offer all notices that your node keeps of a run to its recipients once more; twice does no harm."""
    _fail_on(_tell(node, keys, run_id, "", "", [], language, as_json=as_json), run_id)


@app.command("list")
def list_notices(
    run_id: Run,
    node: NodeAddress,
    keys: Keys,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write the rows to: .csv or .parquet. It will hold BSNs.")
    ] = None,
    language: Language = "nl",
    as_json: Json = False,
) -> None:
    """Show at a recipient which notices came in about its result; with --out about whom, for copies of the result."""
    from psi_match.cli.tables import number, print_table
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.node.operator_client import OperatorClient

    check_language(language)
    _check_out(out)
    with OperatorClient(node, Credentials.read(keys, OPERATOR)) as client:
        content = client.notices(run_id)
    import pandas as pd

    table = pd.read_parquet(io.BytesIO(content))
    counts = [
        ((str(kind), str(party), str(date)), len(rows))
        for (kind, party, date), rows in table.groupby(["kind", "party", "date"])
    ]
    if out:
        write_private_file(out, table.to_csv(index=False).encode() if out.suffix == ".csv" else content)
    if as_json:
        content_of = [
            {"kind": kind, "party": party, "date": date, "people": count} for (kind, party, date), count in counts
        ]
        sys.stdout.write(json.dumps(content_of, indent=2) + "\n")
        return
    headers = ("kind", "from", "date", "people") if language == "en" else ("soort", "van", "datum", "mensen")
    print_table(headers, [[*what, number(count)] for what, count in counts], numbers=(3,))
    if out:
        typer.echo(f"{len(table)} rows in {out}. It holds BSNs: keep it where only those who need it can read it.")


def _give(
    node: str, keys: Path, run_id: str, kind: str, reason: str, file: Path | None, language: str, *, as_json: bool
) -> list[str]:
    from psi_match.base.errors import UsageError
    from psi_match.domain.bsn import BsnKind
    from psi_match.node.notice_files import Reason
    from psi_match.node.notices import check_numbers

    check_language(language)
    if reason not in list(Reason):
        raise UsageError("A notice has no such reason.", f"Choose --reason {', '.join(Reason)}.")
    bsn = _lines(file)
    # The node checks them too, against the kind of its dataset; this keeps a wrong file from leaving this machine.
    check_numbers(bsn, tuple(BsnKind))
    return _tell(node, keys, run_id, kind, reason, bsn, language, as_json=as_json)


def _lines(file: Path | None) -> list[str]:
    """Return the lines of a file or of stdin."""
    from psi_match.base.errors import UsageError

    text: str | None
    try:
        content = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as cause:
        raise UsageError(f"Cannot read {file}: {cause.strerror}.", "Check --file.") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    # Raised outside of the handler: the library's error holds what it read.
    if text is None:
        raise UsageError("The numbers are not text.", "Write one BSN of nine digits a line.")
    return [line.strip() for line in text.strip().splitlines()]


def _tell(
    node: str,
    keys: Path,
    run_id: str,
    kind: str,
    reason: str,
    bsn: list[str],
    language: str,
    *,
    as_json: bool,
) -> list[str]:
    """Hand notices to the own node, and print how each recipient took them; return those that were not told."""
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.node.operator_client import OperatorClient

    check_language(language)
    with OperatorClient(node, Credentials.read(keys, OPERATOR)) as client:
        recipients = client.notify(run_id, kind, reason, bsn).recipients
    if as_json:
        told = [
            {"party": each.party, "told": each.told, "has_result": each.has_result, "sentence": each.sentence}
            for each in recipients
        ]
        sys.stdout.write(json.dumps({"run_id": run_id, "recipients": told}, indent=2) + "\n")
    else:
        for each in recipients:
            typer.echo(f"{each.party}: {_how(each, language)}")
    return [each.party for each in recipients if not each.told]


def _fail_on(missed: list[str], run_id: str) -> None:
    """Raise if a recipient was not told.

    Raises:
        TransportError: one was not.
    """
    from psi_match.base.errors import TransportError

    if missed:
        raise TransportError(
            f"Not told: {', '.join(missed)}. The notices are kept and offered again with the next one of this run.",
            f"Or try again: psi-match signal retry {run_id}",
        )


def _how(told: pb.RecipientTold, language: str) -> str:
    if not told.told:
        return ("not told: " if language == "en" else "niet verteld: ") + told.sentence
    if not told.has_result:
        return "has no result of this run any more" if language == "en" else "heeft de uitkomst van deze run niet meer"
    return "told" if language == "en" else "verteld"


def _check_out(out: Path | None) -> None:
    from psi_match.base.errors import UsageError

    if out and out.suffix not in {".csv", ".parquet"}:
        raise UsageError("Notices are written as .csv or .parquet.", "For example: --out notices.csv")
    if out and out.exists():
        raise UsageError(f"{out} exists already.", "Choose another name; such a file is never overwritten.")
