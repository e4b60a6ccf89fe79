"""What commands print for people: run records, rehearsals, the demo's table, a scenario's disclosure table."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psi_match.bench.outcomes import Outcome
    from psi_match.scenario.join_model import AnyScenario, JoinScenario

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
            number(pair["data_size"] or record["sizes"].get("sets", {}).get(party, 0)),
            "-" if pair["matches"] is None else number(pair["matches"]),
            megabytes(pair["bytes_out"]),
            megabytes(pair["bytes_in"]),
        ]
        for party, pair in record["pairs"].items()
    ]
    print_table(headers, rows, numbers=(1, 2, 3, 4))
    if record["result_rows"] is None:
        text = (
            f"\n{number(record['rows_in'])} own rows went in; the result is not for this node.\n"
            if english
            else f"\n{number(record['rows_in'])} eigen rijen gingen erin; het resultaat is niet voor deze node.\n"
        )
        sys.stdout.write(text)
        return
    text = (
        f"\n{number(record['rows_in'])} own rows went in; the result, which only this node holds, has "
        f"{number(record['result_rows'])} rows.\nFetch it: psi-match result {record['run_id']} --out result.csv\n"
        if english
        else f"\n{number(record['rows_in'])} eigen rijen gingen erin; het resultaat, dat alleen deze node heeft, telt "
        f"{number(record['result_rows'])} rijen.\nHaal het op: psi-match result {record['run_id']} --out r.csv\n"
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


def print_disclosure(scenario: AnyScenario, language: str) -> None:
    """Print a scenario with its disclosure table."""
    from psi_match.domain.parties import display_name
    from psi_match.scenario.digest import digest
    from psi_match.scenario.join_model import JoinScenario
    from psi_match.scenario.tables import all_disclosures

    english = language == "en"
    lines = [
        scenario.title.in_language(language),
        "",
        ("Source:   " if english else "Bron:       ") + scenario.source.in_language(language),
        ("Purpose:  " if english else "Doel:       ") + scenario.purpose.in_language(language),
        ("Protocol: " if english else "Protocol:   ") + _protocol(scenario, english=english),
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
        for d in all_disclosures(scenario)
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
    if isinstance(scenario, JoinScenario):
        _print_joint(scenario, language)


def _protocol(scenario: AnyScenario, *, english: bool) -> str:
    from psi_match.domain.parties import display_name
    from psi_match.scenario.join_model import JoinScenario

    engines = f"{'engine' if len(scenario.engines) == 1 else 'engines'} {', '.join(scenario.engines)}"
    if not isinstance(scenario, JoinScenario):
        return f"{scenario.protocol}, {engines}"
    compute = ", ".join(map(display_name, scenario.compute))
    leaders = ", ".join(map(display_name, scenario.leaders))
    return (
        f"join, {engines}; leaders in turn: {leaders}; compute parties: {compute}"
        if english
        else f"join, {engines}; leiders om de beurt: {leaders}; rekenpartijen: {compute}"
    )


def _print_joint(scenario: JoinScenario, language: str) -> None:
    """Print what a joint scenario has beyond a pairwise one: constants, limits, collusion, cost."""
    from psi_match.domain.parties import display_name
    from psi_match.scenario.cost import ASSUMED_SIZE, costs
    from psi_match.scenario.joint_disclosure import collusion

    english = language == "en"
    if scenario.limits:
        sys.stdout.write(("\nLimits: " if english else "\nGrenzen: ") + scenario.limits.in_language(language) + "\n")
    word = "If two compute parties collude: " if english else "Als twee rekenpartijen samenspannen: "
    sys.stdout.write("\n" + word + collusion(scenario).in_language(language) + "\n\n")
    if scenario.constants:
        assumed = ("assumed", "") if english else ("aangenomen", "")
        rows = [
            [name, number(c.value), c.type, assumed[not c.assumed], c.source.in_language(language)]
            for name, c in scenario.constants.items()
        ]
        headers = (
            ("constant", "value", "unit", "", "source") if english else ("constante", "waarde", "eenheid", "", "bron")
        )
        print_table(headers, rows, numbers=(1,))
        sys.stdout.write("\n")
    rows = [
        [
            display_name(cost.leader),
            str(cost.joins),
            str(cost.and_gates),
            str(cost.depth),
            str(cost.match_gates),
            *(megabytes(b) for b in (cost.oprf_bytes, cost.store_bytes, cost.input_bytes, cost.gate_bytes)),
        ]
        for cost in costs(scenario)
    ]
    columns = (
        ("turn of", "joins", "ANDs a row", "depth", "ANDs a bin", "OPRF", "stores", "inputs", "gates")
        if english
        else ("beurt van", "joins", "AND's per rij", "diepte", "AND's per bak", "OPRF", "stores", "invoer", "poorten")
    )
    size = number(ASSUMED_SIZE)
    title = (
        f"Cost where every set has {size} rows (kkrt, ripple):"
        if english
        else f"Kosten als elk bestand {size} rijen heeft (kkrt, ripple):"
    )
    print_table(columns, rows, title=title, numbers=tuple(range(1, 9)))


_OUTCOMES = {
    "signalled": ("mensen bij ten minste {} schuldeisers", "people at {} creditors or more"),
    "households/asked": ("huishoudens waarnaar de SVB vraagt", "households that SVB asks about"),
    "households/found": ("huishoudens die de regel vindt", "households that the rule finds"),
    "households/income-only": ("huishoudens volgens alleen het inkomen", "households by income alone"),
    "households/income-only-beyond": ("waarvan met te veel vermogen", "of which with too many assets"),
    "clients": ("klanten onder het bedrag", "clients below the amount"),
}


def print_outcomes(populations: Sequence[Sequence[Outcome]], language: str) -> None:
    """Print what the headline scenarios find in one population or more, in proportion to the whole country."""
    english = language == "en"
    rows = []
    for same in zip(*populations, strict=True):
        what, _, k = same[0].what.partition("/")
        texts = _OUTCOMES.get(same[0].what) or _OUTCOMES[what]
        national = sorted(outcome.national for outcome in same)
        middle = national[len(national) // 2]
        spread = "" if len(national) == 1 else f"{number(national[0])} - {number(national[-1])}"
        found = ", ".join(number(outcome.found) for outcome in same)
        rows.append([same[0].scenario, texts[english].format(k), found, number(middle), spread])
    headers = (
        ("scenario", "what", "in the population", "whole country", "range")
        if english
        else ("scenario", "wat", "in de bevolking", "heel Nederland", "spreiding")
    )
    print_table(headers, rows, numbers=(3, 4))
    text = (
        "\nSynthetic people: the figures behind them are published totals and assumptions. See docs/population.md.\n"
        if english
        else "\nSynthetische mensen: erachter staan gepubliceerde totalen en aannames. Zie docs/population.md.\n"
    )
    sys.stdout.write(text)
