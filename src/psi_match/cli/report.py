"""``psi-match report``: the evidence report of a run, as one HTML file or as PDF."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Language, check_language

_SUFFIXES = (".html", ".pdf")


def report(
    dossier: Annotated[
        Path, typer.Argument(help="Dossier of a run: its folder or dossier.json; or a record written by `run --out`.")
    ],
    out: Annotated[Path, typer.Option("--out", help="File to write: NAME.html or NAME.pdf.")],
    agreement: Annotated[
        Path | None,
        typer.Option("--agreement", help="Agreement of the run, NAME.toml: fills legal basis, columns and term."),
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option("--scenarios", help="Folder of scenario files; default: those that come along.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
    language: Language = "nl",
) -> None:
    """Write the evidence report of a run: a page for a minister, an annex for a data protection officer.

    What the dossier does not have is said to be missing at its place; the report comes out all the same.
    """
    from psi_match.base.errors import UsageError

    check_language(language)
    suffix = out.suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError("A report is HTML or PDF.", "End --out in .html or .pdf.")
    if out.exists() and not force:
        raise UsageError(f"{out} exists already.", "Choose another --out, or replace it with --force.")

    try:
        from psi_match.report.build import build_report
        from psi_match.report.html import as_html
        from psi_match.report.pdf import as_pdf
    except ImportError as cause:
        raise _not_installed(cause) from None
    from psi_match.governance.agreement_files import read_agreement
    from psi_match.node.dossier import Dossier

    content = Dossier.read(dossier)
    text = read_agreement(agreement) if agreement else None
    try:
        built = build_report(content, language, scenarios=scenarios, agreement=text)
        rendered = as_pdf(built) if suffix == ".pdf" else as_html(built).encode()
    except ImportError as cause:
        raise _not_installed(cause) from None
    _write(out, rendered)
    sys.stdout.write(f"{out}: {len(rendered) / 1000:,.0f} kB\n")


def _not_installed(cause: ImportError) -> Exception:
    from psi_match.base.errors import ConfigError

    return ConfigError(
        f"Reports need the package {cause.name or 'that is missing'}.", "Install it: pip install 'psi-match[report]'"
    )


def _write(out: Path, content: bytes) -> None:
    """Write the file under its name when it is complete, or not at all."""
    from psi_match.base.errors import UsageError

    part = out.with_name(f".{out.name}.part")
    try:
        part.write_bytes(content)
        part.replace(out)
    except OSError as cause:
        part.unlink(missing_ok=True)
        raise UsageError(f"Cannot write {out}: {cause.strerror}.", "Choose another --out.") from None
