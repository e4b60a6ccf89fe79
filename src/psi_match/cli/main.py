"""The command ``psi-match``: one sub-command per file of this package.

Imports of kernels, tables and gRPC happen inside the commands, so that ``--help``, ``scenario`` and ``keys`` start at
once.
"""

from __future__ import annotations

import sys

import typer

from psi_match.base.errors import InternalError, PsiMatchError
from psi_match.cli import (
    agreement,
    attack,
    audit,
    bench,
    demo,
    doctor,
    dossier,
    keys,
    node,
    page,
    population,
    report,
    result,
    run,
    scenario,
    signal,
    status,
)

app = typer.Typer(
    help="Match citizens between public bodies on BSN, and learn only what was agreed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.add_typer(population.app, name="population")
app.add_typer(node.app, name="node")
app.command("run")(run.run)
app.command("result")(result.result)
app.command("report")(report.report)
app.command("status")(status.status)
app.add_typer(scenario.app, name="scenario")
app.add_typer(signal.app, name="signal")
app.add_typer(keys.app, name="keys")
app.add_typer(agreement.app, name="agreement")
app.add_typer(attack.app, name="attack")
app.add_typer(audit.app, name="audit")
app.add_typer(bench.app, name="bench")
app.add_typer(page.app, name="page")
app.command("dossier")(dossier.dossier)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; every error is one sentence with a hint on stderr, and a documented exit code."""
    try:
        app(standalone_mode=True)
    except PsiMatchError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    except Exception as error:  # a traceback could hold a value  # noqa: BLE001
        _fail(InternalError(f"A defect of psi-match: {type(error).__name__}.", "Please report it."))


def _fail(error: PsiMatchError) -> None:
    sys.stderr.write(f"Error: {error}\n")
    if error.hint:
        sys.stderr.write(f"Hint: {error.hint}\n")
    sys.exit(error.exit_code)
