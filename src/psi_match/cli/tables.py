"""What commands print for people: run records, rehearsals, the demo's table, a scenario's disclosure table."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psi_match.scenario.model import Scenario

_MB = 1_000_000
_SIGNS = {"at_least": ">=", "at_most": "<=", "equals": "="}


def print_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", numbers: Sequence[int] = ()
) -> None:
    """Print a table; ``numbers`` are the columns that align right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    if title:
        sys.stdout.write(title + "\n\n")
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for index, header in enumerate(headers):
        right = index in numbers
        table.add_column(header, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 140
    Console(width=width, highlight=False, markup=False).print(table)


def megabytes(count: int) -> str:
    """Return bytes as megabytes, or as bytes where there are few."""
    return f"{count / _MB:.2f} MB" if count >= _MB / 100 else f"{count} B"


def number(count: int) -> str:
    """Return a count with thin groups, the same in Dutch and English text."""
    return f"{count:,}".replace(",", " ")


def print_record(record: dict[str, Any], language: str) -> None:
    """Print what a run's record says."""
    english = language == "en"
    done = "finished" if english else "klaar"
    sys.stdout.write(f"{record['scenario']} ({record['engine']}): {done}, {record['wall_s']:.2f} s\n")
    sys.stdout.write(f"run {record['run_id']}\n\n")
    headers = (
        ("peer", "public size", "matches", "bytes out", "bytes in")
        if english
        else ("tegenpartij", "openbare omvang", "overeenkomsten", "bytes uit", "bytes in")
    )
    rows = [
        [
            party,
            number(pair["data_size"]),
            number(pair["matches"]),
            megabytes(pair["bytes_out"]),
            megabytes(pair["bytes_in"]),
        ]
        for party, pair in record["pairs"].items()
    ]
    print_table(headers, rows, numbers=(1, 2, 3, 4))
    text = (
        f"\n{number(record['rows_in'])} own rows went in; {number(record['result_rows'])} of them are in the result, "
        f"which only this node holds.\nFetch it: psi-match result {record['run_id']} --out result.csv\n"
        if english
        else f"\n{number(record['rows_in'])} eigen rijen gingen erin; {number(record['result_rows'])} daarvan staan in "
        f"het resultaat, dat alleen deze node heeft.\nHaal het op: psi-match result {record['run_id']} --out r.csv\n"
    )
    sys.stdout.write(text)


def print_rehearsal(checked: dict[str, Any], language: str) -> None:
    """Print what a dry run checked."""
    english = language == "en"
    rows = [
        ["rows loaded" if english else "rijen ingelezen", number(checked["rows_loaded"])],
        ["rows rejected" if english else "rijen geweigerd", number(checked["rows_rejected"])],
        ["rows after the filter" if english else "rijen na het filter", number(checked["rows_in"])],
        ["public size" if english else "openbare omvang", number(checked["public_size"])],
        ["reference date" if english else "peildatum", checked["reference_date"]],
        *([party, f"psi-match {version}"] for party, version in checked["peers"].items()),
    ]
    title = "Dry run: all checks passed, nothing was sent." if english else "Proefrun: alles in orde, niets verzonden."
    print_table(("", ""), rows, title=title)


def print_disclosure(scenario: Scenario, language: str) -> None:
    """Print a scenario with its disclosure table."""
    from psi_match.domain.parties import display_name
    from psi_match.scenario.digest import digest
    from psi_match.scenario.disclosure import disclosures

    english = language == "en"
    lines = [
        scenario.title.in_language(language),
        "",
        ("Source:   " if english else "Bron:       ") + scenario.source.in_language(language),
        ("Purpose:  " if english else "Doel:       ") + scenario.purpose.in_language(language),
        f"Protocol: {scenario.protocol}, engines {', '.join(scenario.engines)}"
        if english
        else f"Protocol:   {scenario.protocol}, engines {', '.join(scenario.engines)}",
        ("Digest:   " if english else "Digest:     ") + digest(scenario).hex(),
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    headers = (
        ("party", "puts in", "learns", "does not learn")
        if english
        else ("partij", "brengt in", "komt te weten", "komt niet te weten")
    )
    rows = [
        [display_name(d.party), *(text.in_language(language) for text in (d.puts_in, d.learns, d.does_not_learn))]
        for d in disclosures(scenario)
    ]
    print_table(headers, rows)
    sys.stdout.write(
        ("\nAssumptions: " if english else "\nAannames: ") + scenario.assumptions.in_language(language) + "\n"
    )
    filters = [(party.id, party) for party in scenario.parties if party.where]
    for party_id, party in filters:
        conditions = ", ".join(
            f"{c.column} {_SIGNS[c.operator]} {json.dumps(c.value, default=str)}" for c in party.where
        )
        word = "local filter" if english else "lokaal filter"
        sys.stdout.write(f"{display_name(party_id)}: {word}: {conditions}\n")
