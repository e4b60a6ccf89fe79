"""``psi-match audit fetch / verify / show / compare / head``: what a node has done, and whether its log was changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json, Language, NodeAddress, check_language

if TYPE_CHECKING:
    from psi_match.governance.audit.chain import PlacedLine
    from psi_match.governance.audit.events import FieldValue
    from psi_match.governance.audit.findings import Finding

app = typer.Typer(help="Audit logs: fetch, show, verify and compare them.", no_args_is_help=True)
Log = Annotated[Path, typer.Argument(help="Folder of an audit log, or one file of it.")]
_DIGEST = 64
_SHORT = 12
"""Hexadecimal digits of a digest, and how many of them people see; --json shows all."""


@app.command("fetch")
def fetch(
    node: NodeAddress,
    keys: Annotated[
        Path,
        typer.Option(
            "--keys",
            help="Folder with ca.pem, auditor.pem and auditor.key.",
            envvar="PSI_MATCH_KEYS",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="New folder that receives the log.")],
) -> None:
    """Fetch the audit log of your own body's node, as its auditor. The log says so too."""
    from psi_match.base.errors import UsageError
    from psi_match.node.certificates import AUDITOR, Credentials
    from psi_match.node.operator_client import OperatorClient

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not an empty folder.", "Choose a new folder for --out.")
    with OperatorClient(node, Credentials.read(keys, AUDITOR)) as client:
        files = client.log()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / Path(name).name).write_bytes(content)
    except OSError as cause:
        raise UsageError(f"Cannot write in {out}: {cause.strerror}.", "Choose another --out.") from None
    lines = sum(content.count(b"\n") for content in files.values())
    typer.echo(f"{lines} lines in {out}. Check them with `psi-match audit verify {out}`.")


@app.command("verify")
def verify(
    path: Log,
    signers_file: Annotated[
        Path | None, typer.Option("--signers", help="signers.toml: which key speaks for which party.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="A head of this log that a peer exported, or a peer's log; may be repeated."),
    ] = None,
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Find every change, deletion, move and splice; with --against also what was cut off or rewritten.

    Without --signers it is not checked whose keys sign the log; without --against its last lines may be gone.
    """
    from psi_match.governance.audit.witnesses import verify_log
    from psi_match.governance.signing import Signers

    check_language(language)
    found = verify_log(path, Signers.read(signers_file) if signers_file else None, against or ())
    files, lines = len(found.walk.openings), len(found.walk.digests)
    if as_json:
        _print_json(
            {
                "party": found.walk.party,
                "files": [
                    {"name": name, "log": opening.log, "public_key": opening.public_key.hex()}
                    for name, opening in found.walk.openings.items()
                ],
                "lines": lines,
                "heads": found.heads,
                "findings": [finding.as_content() for finding in found.findings],
                "notes": [note.as_content() for note in found.notes],
            }
        )
    else:
        _print_findings(found.findings, found.notes, language)
        english, party = language == "en", found.walk.party or "?"
        if found.findings:
            verdict = "not in order" if english else "niet in orde"
        else:
            verdict = "in order" if english else "in orde"
        text = (
            f"lines {lines}, files {files}, heads of peers {found.heads}"
            if english
            else f"regels {lines}, bestanden {files}, koppen van anderen {found.heads}"
        )
        typer.echo(f"{party}: {verdict} ({text}).")
    _fail_on(found.findings, f"the audit log at {path}")


@app.command("show")
def show(
    path: Log,
    run: Annotated[str, typer.Option("--run", help="Only this run.")] = "",
    language: Language = "nl",
    as_json: Json = False,
) -> None:
    """Show the signed lines of a log. To know whether any are missing, use verify."""
    from psi_match.cli.tables import print_table
    from psi_match.governance.audit.chain import LogWalk
    from psi_match.governance.audit.events import EVENTS

    check_language(language)
    walk = LogWalk(path)
    lines = (placed for placed in walk if not run or placed.line.fields.get("run") == run)
    if as_json:
        _print_json([_content(placed) for placed in lines])
    else:
        rows = [
            [
                placed.where,
                placed.line.time,
                EVENTS[placed.line.event].title.in_language(language),
                _details(placed),
            ]
            for placed in lines
        ]
        headers = (
            ("line", "time", "event", "details") if language == "en" else ("regel", "tijd", "wat", "bijzonderheden")
        )
        print_table(headers, rows)
    _fail_on(walk.findings, f"the audit log at {path}", "See what is wrong: `psi-match audit verify`.")


@app.command("compare")
def compare(
    path_a: Annotated[Path, typer.Argument(metavar="A", help="Audit log of one party: folder or file.")],
    path_b: Annotated[Path, typer.Argument(metavar="B", help="Audit log of another party.")],
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Compare what two parties' logs say of the runs that both took part in."""
    from psi_match.base.errors import UsageError
    from psi_match.governance.audit.compare import compare_logs

    check_language(language)
    found = compare_logs(path_a, path_b)
    a, b = found.a.party, found.b.party
    if a and a == b:
        raise UsageError(f"Both logs are those of {a}.", "Give the logs of two parties.")
    if as_json:
        _print_json(
            {
                "logs": [
                    {"party": walk.party, "findings": [finding.as_content() for finding in walk.findings]}
                    for walk in (found.a, found.b)
                ],
                "runs": found.runs,
                "differences": [finding.as_content() for finding in found.differences],
                "notes": [note.as_content() for note in found.notes],
            }
        )
    else:
        for walk in (found.a, found.b):
            for finding in walk.findings:
                typer.echo(f"{walk.party} {finding.as_text(language)}")
        _print_findings(found.differences, found.notes, language)
        word = "differences" if language == "en" else "verschillen"
        typer.echo(f"{a or '?'}, {b or '?'}: runs {found.runs}, {word} {len(found.differences)}.")
    _fail_on((*found.a.findings, *found.b.findings, *found.differences), "the two audit logs")


@app.command("head")
def head(
    path: Log,
    party: Annotated[str, typer.Option("--of", help="Whose head: the party id of a peer.")],
) -> None:
    """Print the newest head of a peer's log that this log saw, for `verify --against` on the peer's log."""
    from psi_match.base.errors import UsageError
    from psi_match.governance.audit.chain import LogWalk
    from psi_match.governance.audit.witnesses import seen_heads

    walk = LogWalk(path)
    newest = None
    for seen in seen_heads(walk, "", party):
        newest = seen.head
    if newest is None:
        raise UsageError("This log holds no head of that party.", "The two take part in a run together first.")
    sys.stdout.write(newest.as_json())


def _print_json(content: object) -> None:
    sys.stdout.write(json.dumps(content, indent=2, sort_keys=True) + "\n")


def _print_findings(findings: Sequence[Finding], notes: Sequence[Finding], language: str) -> None:
    for finding in findings:
        typer.echo(finding.as_text(language))
    for note in notes:
        typer.echo(("Note: " if language == "en" else "NB: ") + note.as_text(language))


def _fail_on(findings: Sequence[Finding], what: str, hint: str = "") -> None:
    """Raise if there are findings.

    Raises:
        AuditFailure: there are.
    """
    from psi_match.base.errors import AuditFailure

    if findings:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        raise AuditFailure(f"{count} found in {what}.", hint or "Compare with the heads and logs of peers.")


def _content(placed: PlacedLine) -> dict[str, object]:
    line = placed.line
    return {
        "where": placed.where,
        "sequence": line.sequence,
        "time": line.time,
        "event": line.event,
        "fields": line.fields,
        "digest": line.digest,
    }


def _details(placed: PlacedLine) -> str:
    """Return a line's fields for people, in the order in which the event declares them."""
    from psi_match.governance.audit.events import EVENTS

    event, fields = EVENTS[placed.line.event], placed.line.fields
    return ", ".join(f"{name} {_short(fields[name])}" for name in (*event.fields, *event.optional) if name in fields)


def _short(value: FieldValue) -> str:
    if isinstance(value, dict):
        return " ".join(f"{party}={number}" for party, number in value.items()) or "-"
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, str) and len(value) >= _DIGEST and " " not in value:
        return f"{value[:_SHORT]}…"
    return str(value).lower() if isinstance(value, bool) else str(value)
