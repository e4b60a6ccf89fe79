"""Exports as bodies really deliver them: a population's files as Dutch CSV, with faults in them and a list of these.

Amounts become euros with a decimal comma, dates day-month-year, booleans *ja* and *nee*. Then some rows get a fault, at
most one each, or come twice. ``injected.csv`` lists every fault with its row and with what validation should make of
it, so that validation can be scored. It holds no number of a person.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd

from psi_match.base.errors import UsageError
from psi_match.domain.columns import ColumnSpec, ColumnType
from psi_match.population.files import ARREARS_NAME, CLIENTS_NAME, HOUSEHOLDS_NAME, INCOME_NAME, MEANS_NAME
from psi_match.population.people import PARTIES
from psi_match.population.streams import stream

INJECTED_NAME = "injected.csv"
EXPORTS = (ARREARS_NAME, HOUSEHOLDS_NAME, INCOME_NAME, MEANS_NAME, CLIENTS_NAME)
"""The files that are exported; lists of BSNs alone are not."""
DATE_COLUMN = "peildatum"
_SEPARATOR = ";"
_PATIENCE = 500
"""Rows that are tried for one fault before a file counts as not lending itself to it."""


class Expected(StrEnum):
    """What validation of one file should make of a fault."""

    REJECTED = "rejected"
    MENDED = "mended"
    """Read as what was meant."""
    UNSEEN = "unseen"
    """No single file can tell."""


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault.

    Args:
        file: ``PARTY/NAME.csv``.
        row: 1 is the first row after the header; blank lines do not count.
        line: of the file; 1 is the header.
        kind: name of the fault.
        expected: what validation should make of it.
    """

    file: str
    row: int
    line: int
    kind: str
    expected: Expected


_Change = Callable[[dict[str, str], np.random.Generator], dict[str, str] | None]


@dataclass(frozen=True, slots=True)
class _Fault:
    """One kind of fault.

    Args:
        expected: what validation should make of it.
        change: makes a faulty row of a good one; None where the row does not lend itself to it.
        again: the faulty row comes as a further row at the end, and the good one stays.
    """

    expected: Expected
    change: _Change
    again: bool = False


def _set(column: str, text: str) -> _Change:
    return lambda row, _rng: row | {column: text} if column in row else None


def _zero_lost(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str] | None:
    bsn = row["bsn"]
    return row | {"bsn": bsn[1:]} if bsn[0] == "0" and bsn[1] != "0" else None


def _digit_wrong(row: dict[str, str], rng: np.random.Generator) -> dict[str, str]:
    """Change the last digit but one, which counts twice, by one or two: it leaves remainder 3, 5, 8 or 10, never 0."""
    digit = int(row["bsn"][7])
    by = int(rng.integers(1, 3)) * (1 if digit < 5 else -1)
    return row | {"bsn": f"{row['bsn'][:7]}{digit + by}{row['bsn'][8]}"}


def _digit_missing(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str]:
    return row | {"bsn": row["bsn"][:7]}


def _letter(row: dict[str, str], rng: np.random.Generator) -> dict[str, str]:
    place = int(rng.integers(9))
    return row | {"bsn": f"{row['bsn'][:place]}O{row['bsn'][place + 1 :]}"}


def _spaces(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str]:
    return row | {"bsn": f" {row['bsn']}  "}


def _amount(row: dict[str, str]) -> str | None:
    return next((column for column in row if column.endswith("_euros")), None)


def _amount_garbled(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str] | None:
    column = _amount(row)
    return row | {column: row[column].replace(",", ",,")} if column else None


def _amount_with_point(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str] | None:
    column = _amount(row)
    return row | {column: row[column].replace(",", ".")} if column else None


def _mutated(row: dict[str, str], rng: np.random.Generator) -> dict[str, str] | None:
    column = _amount(row)
    return row | {column: f"{int(rng.integers(1, 5000))},{int(rng.integers(100)):02}"} if column else None


def _moved(row: dict[str, str], rng: np.random.Generator) -> dict[str, str] | None:
    if "municipality" not in row:
        return None
    return row | {"municipality": str(int(row["municipality"]) % 1900 + int(rng.integers(1, 50)))}


def _partner_of_nobody(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str] | None:
    """Name another partner, of the same kind: one more in the first digit, which counts 9, and in the eighth (2)."""
    partner = row.get("partner_bsn", "")
    if not partner or "9" in (partner[0], partner[7]):
        return None
    return row | {"partner_bsn": f"{int(partner[0]) + 1}{partner[1:7]}{int(partner[7]) + 1}{partner[8]}"}


def _own_partner(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str] | None:
    return row | {"partner_bsn": row["bsn"]} if row.get("partner_bsn") else None


def _as_it_is(row: dict[str, str], _rng: np.random.Generator) -> dict[str, str]:
    return dict(row)


FAULTS: dict[str, _Fault] = {
    "zero-lost": _Fault(Expected.MENDED, _zero_lost),
    "spaces-around": _Fault(Expected.MENDED, _spaces),
    "decimal-point": _Fault(Expected.MENDED, _amount_with_point),
    "digit-wrong": _Fault(Expected.REJECTED, _digit_wrong),
    "digits-missing": _Fault(Expected.REJECTED, _digit_missing),
    "letter": _Fault(Expected.REJECTED, _letter),
    "empty": _Fault(Expected.REJECTED, _set("bsn", "")),
    "amount-garbled": _Fault(Expected.REJECTED, _amount_garbled),
    "date-impossible": _Fault(Expected.REJECTED, _set(DATE_COLUMN, "31-02-2026")),
    "own-partner": _Fault(Expected.REJECTED, _own_partner),
    "partner-of-nobody": _Fault(Expected.UNSEEN, _partner_of_nobody),
    "twice": _Fault(Expected.REJECTED, _as_it_is, again=True),
    "late-mutation": _Fault(Expected.REJECTED, _mutated, again=True),
    "moved": _Fault(Expected.REJECTED, _moved, again=True),
}
"""Every kind of fault. Blank lines come on top; they are mended by definition."""
BLANK = "blank-line"


def make_dirty(folder: Path, out: Path, seed: int, share: float) -> list[Injected]:
    """Export a population with faults.

    Args:
        folder: the population's.
        out: new or empty folder; receives ``PARTY/NAME.csv`` and ``injected.csv``.
        seed: equal seeds give equal faults.
        share: of the rows of a file that get a fault, over all kinds together; at least one of each kind that the
            file lends itself to.

    Returns:
        Every fault.

    Raises:
        UsageError: there is no population, the folder is in use or cannot be written, or the share is out of range.
    """
    if not 0 < share <= 0.5:  # Beyond half of the rows there is little left to export.
        raise UsageError("A share of faults lies above 0 and is at most 0.5.", "Choose another --share.")
    exports = list(_exports(folder))
    if not exports:
        raise UsageError(f"{folder} holds no population.", "Make one with `psi-match population generate`.")
    injected: list[Injected] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise UsageError(f"{out} is not an empty folder.", "Choose a new folder for --out.")
        for path in exports:
            name = f"{path.parent.name}/{path.stem}.csv"
            lines, faults = _dirtied(pd.read_parquet(path), name, share, stream(seed, f"dirty/{name}"))
            (out / path.parent.name).mkdir(mode=0o700, exist_ok=True)
            _write(out / name, lines)
            injected += faults
        header = _SEPARATOR.join(field.name for field in fields(Injected))
        _write(out / INJECTED_NAME, [header, *(_SEPARATOR.join(map(str, astuple(fault))) for fault in injected)])
    except OSError as cause:
        raise UsageError(
            f"Cannot write in {out}: {cause.strerror or 'refused'}.", "Check the folder's owner and space."
        ) from None
    return injected


def read_injected(out: Path) -> list[Injected]:
    """Read the list of faults.

    Raises:
        UsageError: there is none.
    """
    try:
        with (out / INJECTED_NAME).open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter=_SEPARATOR))
        return [
            Injected(row["file"], int(row["row"]), int(row["line"]), row["kind"], Expected(row["expected"]))
            for row in rows
        ]
    except (OSError, KeyError, ValueError):
        raise UsageError(f"{out} holds no dirty exports.", "Make them with `psi-match population dirty`.") from None


def columns_of(header: list[str]) -> list[ColumnSpec]:
    """Return how a node would declare the columns of an export, the BSN and the reference date apart."""
    return [
        ColumnSpec(name=name.replace("_euros", "_cents"), source=name, type=_type(name))
        for name in header
        if name not in ("bsn", DATE_COLUMN)
    ]


def _type(name: str) -> ColumnType:
    if name.endswith("_euros"):
        return ColumnType.EUROS
    if name == "partner_bsn":
        return ColumnType.BSN
    return ColumnType.INTEGER if name in _WHOLE_NUMBERS else ColumnType.BOOLEAN


_WHOLE_NUMBERS = ("oldest_claim_months", "municipality", "household_type")


def _exports(folder: Path) -> Iterator[Path]:
    for party in PARTIES:
        for name in EXPORTS:
            if (folder / party / name).is_file():
                yield folder / party / name


def _dirtied(
    table: pd.DataFrame, file: str, share: float, rng: np.random.Generator
) -> tuple[list[str], list[Injected]]:
    """Return the lines of an export, the header first, and its faults."""
    texts = _texts(table)
    header = list(texts)
    rows = list(zip(*texts.values(), strict=True))
    places = rng.permutation(len(rows)).tolist()
    each = max(1, round(share * len(rows) / (len(FAULTS) + 1)))
    changed: dict[int, tuple[str, _Fault]] = {}
    further: list[tuple[str, tuple[str, ...]]] = []
    for kind, fault in FAULTS.items():
        found = 0
        passed = []
        while places and found < each:
            place = places.pop()
            faulty = fault.change(dict(zip(header, rows[place], strict=True)), rng)
            if faulty is None:
                passed.append(place)
                if len(passed) > _PATIENCE:
                    break
                continue
            found += 1
            if fault.again:
                further.append((kind, tuple(faulty.values())))
            else:
                rows[place] = tuple(faulty.values())
                changed[place] = (kind, fault)
        places = passed + places
    blanks = set(places[:each])
    lines, injected = [_SEPARATOR.join(header)], []
    for number, row in enumerate([*rows, *(row for _, row in further)], start=1):
        if number - 1 in blanks:
            lines.append("")
            injected.append(Injected(file, number, len(lines), BLANK, Expected.MENDED))
        lines.append(_SEPARATOR.join(row))
        if number - 1 in changed:
            kind, fault = changed[number - 1]
            injected.append(Injected(file, number, len(lines), kind, fault.expected))
        elif number > len(rows):
            kind = further[number - 1 - len(rows)][0]
            injected.append(Injected(file, number, len(lines), kind, FAULTS[kind].expected))
    return lines, injected


def _texts(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return every column as a body would export it."""
    texts = {}
    for name, column in ((str(name), table[name]) for name in table):
        if name.endswith("_cents"):
            cents = column.to_numpy()
            texts[name.replace("_cents", "_euros")] = [f"{cent // 100},{cent % 100:02}" for cent in cents.tolist()]
        elif name == DATE_COLUMN:
            texts[name] = pd.to_datetime(column).dt.strftime("%d-%m-%Y").tolist()
        elif column.dtype == bool:
            texts[name] = np.where(column, "ja", "nee").tolist()
        else:
            texts[name] = column.fillna("").astype(str).tolist()
    return texts


def _write(path: Path, lines: list[str]) -> None:
    """Write a new file, mode 0600 from the start, with the line ends of Windows."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", newline="") as file:
        file.writelines(f"{line}\r\n" for line in lines)
