"""People who are planted in a population, in pairs, each with a number and amounts that nobody else has.

They stand for every way to be in a match: to match at one recipient or several, to be filtered out, to be known to one
body only, to have opted out here or elsewhere, to be withdrawn afterwards, to be a partner. What must hold their number
or amount in the end is said here by hand: it does not come from what the nodes do.
"""

from __future__ import annotations

import datetime
import sqlite3
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from canary.search import Canary
from canary.spellings import of_amount, of_number

from psi_match.domain.bsn import BsnKind, format_bsn, is_of_kind

DATABASE_BODY = "cak"
"""Its arrears are in a SQLite file."""
FETCHED = {"cjib": "result.csv", "gemeente-a": "result.parquet"}
"""Recipients whose operators fetch a result, and into which file."""
WITHDRAWN_LIST = "operators/belastingdienst/withdrawn.txt"
WITHDRAWING_BODY = "belastingdienst"
_FIRST_NUMBER = 987_654_000
_FIRST_SHORT_NUMBER = 98_765_000
"""Written with a leading zero."""
_FIRST_AMOUNT = 61_803_399
_AMOUNT_STEP = 102_400
_ASSETS = 910_000_000
"""With an amount added they are still within the range of the scenario's column."""
_MEMORY_UNIT = 1024
"""Sizes of memory are multiples of it, canaries never: see ``canary.spellings``."""
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people of the same kind.

    Args:
        name: what kind.
        bodies: at which they are in arrears.
        municipality: where they live.
        reminded: whether they were reminded, which some bodies' local filters ask.
        opted_out_at: whom they asked to be left out.
        results: whose results must name them.
        withdrawn: about whom ``WITHDRAWING_BODY`` gives notice after the joint run.
        short: with numbers that begin with a zero.
    """

    name: str
    bodies: tuple[str, ...]
    municipality: int
    reminded: bool = True
    opted_out_at: str = ""
    results: tuple[str, ...] = ()
    withdrawn: bool = False
    short: bool = False


_A, _B, _ELSEWHERE = 363, 344, 599
_TWO = ("cjib", "belastingdienst")
DEBTORS = (
    Pair("match-at-two", _TWO, _A, results=("cjib", "gemeente-a")),
    Pair("match-at-three", ("cjib", "toeslagen", "cak"), _B, results=("cjib", "gemeente-b")),
    Pair("match-with-leading-zero", _TWO, _A, results=("cjib", "gemeente-a"), short=True),
    Pair("match-of-no-municipality", ("belastingdienst", "cak"), _ELSEWHERE),
    Pair("known-to-one", ("cak",), _A),
    Pair("known-to-leader-only", ("cjib",), _A),
    Pair("filtered-out", _TWO, _A, reminded=False, withdrawn=True),
    Pair("opted-out", _TWO, _A, opted_out_at="belastingdienst"),
    # In a pairwise run each body leaves out who opted out there; a joint run leaves them out for all.
    Pair("opted-out-elsewhere", _TWO, _A, opted_out_at="toeslagen", results=("cjib",)),
    Pair("withdrawn", _TWO, _A, results=("cjib",), withdrawn=True),
)
ENTITLED, WEALTHY, WRONG = "entitled-couple", "wealthy-people", "wrong-rows"
"""Households of AOW recipients, and rows that no dataset may hold."""


@dataclass(slots=True)
class _Drawn:
    """Numbers and amounts that are still free."""

    numbers: dict[bool, list[int]] = field(default_factory=dict)
    amounts: count[int] = field(default_factory=lambda: count(_FIRST_AMOUNT, _AMOUNT_STEP))

    def pair_of_numbers(self, *, short: bool = False) -> list[int]:
        """Return two numbers between which there is none that could be a person's."""
        first = _FIRST_SHORT_NUMBER if short else _FIRST_NUMBER
        if short not in self.numbers:
            block = np.arange(first, first + 1000, dtype=np.uint32)
            self.numbers[short] = block[is_of_kind(block, BsnKind.SYNTHETIC)].tolist()
        pair, self.numbers[short] = self.numbers[short][:_PAIR], self.numbers[short][_PAIR:]
        return pair

    def pair_of_amounts(self) -> list[int]:
        """Return two amounts."""
        return [next(self.amounts) for _ in range(_PAIR)]


Rows = list[dict[str, Any]]


class Planting:
    """Puts the people into the files of a population, and remembers where they must be found.

    Args:
        folder: that is searched; the population is in ``population``.
    """

    def __init__(self, folder: Path) -> None:
        self._population = folder / "population"
        self._drawn = _Drawn()
        self._rows: dict[str, Rows] = {}
        self.canaries: list[Canary] = []
        self.withdrawn: list[str] = []
        self.wrong: Rows = []
        for pair in DEBTORS:
            self._add_debtors(pair)
        self._add_entitled()
        self._add_wealthy()
        self._add_wrong()
        for file, rows in self._rows.items():
            _put_in_front(self._population / file, rows)
        _move_to_database(self._population / DATABASE_BODY)

    def spoil(self) -> None:
        """Put rows into two datasets that no dataset may hold: one in Parquet, one in the database."""
        _put_in_front(self._population / "toeslagen" / "arrears.parquet", self.wrong)
        with sqlite3.connect(self._population / DATABASE_BODY / "arrears.sqlite") as connection:
            for row in self.wrong:
                connection.execute(
                    f"INSERT INTO arrears ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # our own names  # noqa: S608
                    list(row.values()),
                )
        connection.close()

    def _add_debtors(self, pair: Pair) -> None:
        numbers = self._drawn.pair_of_numbers(short=pair.short)
        files = [_arrears(body) for body in pair.bodies] + ["population/truth.parquet"]
        for recipient in pair.results:
            files.append(f"nodes/{recipient}/state/runs/*/result.parquet")
            files += [f"operators/{recipient}/{FETCHED[recipient]}"] if recipient in FETCHED else []
        if pair.opted_out_at:
            files += [f"population/{pair.opted_out_at}/opt_outs.parquet", "population/truth_opt_outs.parquet"]
            texts = format_bsn(np.array(numbers, dtype=np.uint32)).tolist()
            self._add_rows(f"{pair.opted_out_at}/opt_outs.parquet", [{"bsn": text} for text in texts])
            self._add_rows("truth_opt_outs.parquet", [{"bsn": text, "party": pair.opted_out_at} for text in texts])
        if pair.withdrawn:
            files += [f"nodes/{WITHDRAWING_BODY}/state/runs/*/given-notices.parquet", WITHDRAWN_LIST]
            self.withdrawn += format_bsn(np.array(numbers, dtype=np.uint32)).tolist()
        if pair.name == "withdrawn":
            files.append("nodes/gemeente-a/state/runs/*/notices.parquet")
        self._add_numbers(pair.name, numbers, files)
        rows: Rows = [{"bsn": f"{number:09}", "municipality": pair.municipality} for number in numbers]
        truth: Rows = [dict(row) for row in rows]
        for body in pair.bodies:
            opens = self._add_amounts(f"{pair.name}/open at {body}", [_arrears(body), "population/truth.parquet"])
            instalments = self._add_amounts(
                f"{pair.name}/instalment at {body}", [_arrears(body), "population/truth.parquet"]
            )
            for place, (open_cents, instalment) in enumerate(zip(opens, instalments, strict=True)):
                claim = {
                    "open_cents": open_cents,
                    "oldest_claim_months": 12,
                    "reminder_sent": pair.reminded,
                    "instalment_cents": instalment,
                }
                self._add_rows(f"{body}/arrears.parquet", [rows[place] | claim])
                truth[place] |= {f"{body}_{name}": value for name, value in claim.items()} | {f"{body}_present": True}
        self._add_rows("truth.parquet", truth)

    def _add_entitled(self) -> None:
        """A couple that is entitled to a supplement; of the two only the one whose row it is stands in the result."""
        numbers = self._drawn.pair_of_numbers()
        files = ["population/svb/aow_households.parquet", "population/truth_households.parquet"]
        result = "nodes/svb/state/runs/*/result.parquet"
        self._add_numbers(ENTITLED, numbers, files, {0: [result], 1: ["population/belastingdienst/means.parquet"]})
        own, partner = (f"{number:09}" for number in numbers)
        self._add_household(own, partner, {"partner_assets_cents": 1000}, entitled=True)
        self._add_rows("belastingdienst/means.parquet", [{"bsn": partner, "assets_cents": 1000}])

    def _add_wealthy(self) -> None:
        """Two people of whom UWV and Belastingdienst know amounts, far too much for a supplement."""
        numbers = self._drawn.pair_of_numbers()
        households, income, means = "truth_households.parquet", "uwv/income.parquet", "belastingdienst/means.parquet"
        files = [f"population/{name}" for name in ("svb/aow_households.parquet", households, income, means)]
        self._add_numbers(WEALTHY, numbers, files)
        earned = self._add_amounts(f"{WEALTHY}/income", [f"population/{income}", f"population/{households}"])
        assets = [_ASSETS + amount for amount in self._drawn.pair_of_amounts()]
        self._add_amounts(f"{WEALTHY}/assets", [f"population/{means}", f"population/{households}"], assets)
        for number, own_income, own_assets in zip(numbers, earned, assets, strict=True):
            text = f"{number:09}"
            self._add_household(text, None, {"income_cents": own_income, "assets_cents": own_assets}, entitled=False)
            self._add_rows(income, [{"bsn": text, "income_cents": own_income}])
            self._add_rows(means, [{"bsn": text, "assets_cents": own_assets}])

    def _add_household(self, own: str, partner: str | None, amounts: dict[str, int], *, entitled: bool) -> None:
        row = {"bsn": own, "partner_bsn": partner, "aow_cents": 80_000, "has_partner": partner is not None}
        row |= {"lives_in_nl": True, "receives_aio": False, "candidate": True}
        self._add_rows("svb/aow_households.parquet", [row])
        self._add_rows("truth_households.parquet", [row | {"entitled": entitled} | amounts])

    def _add_wrong(self) -> None:
        """Numbers that fail every check, and an amount that cannot be owed."""
        block = np.arange(_FIRST_NUMBER + 1000, _FIRST_NUMBER + 2000, dtype=np.uint32)
        fits = np.logical_or.reduce([is_of_kind(block, kind) for kind in BsnKind])
        files = [_arrears("toeslagen"), _arrears(DATABASE_BODY)]
        numbers = block[~fits][:_PAIR].tolist()
        self._add_numbers(WRONG, numbers, files)
        amounts = self._add_amounts(f"{WRONG}/open", files)
        for number, amount in zip(numbers, amounts, strict=True):
            self.wrong.append({"bsn": f"{number:09}", "open_cents": -amount, "reminder_sent": True})

    def _add_numbers(
        self, name: str, numbers: list[int], files: list[str], more: dict[int, list[str]] | None = None
    ) -> None:
        for place, number in enumerate(numbers):
            assert number % _MEMORY_UNIT
            must = (*files, *(more or {}).get(place, ()))
            spellings = of_number(number, numbers[(place + 1) % _PAIR])
            self.canaries.append(Canary(f"number/{name}/{place}", spellings, must))

    def _add_amounts(self, name: str, files: list[str], amounts: list[int] | None = None) -> list[int]:
        amounts = amounts or self._drawn.pair_of_amounts()
        for place, amount in enumerate(amounts):
            assert amount % _MEMORY_UNIT
            spellings = of_amount(amount, amounts[(place + 1) % _PAIR])
            self.canaries.append(Canary(f"amount/{name}/{place}", spellings, tuple(files)))
        return amounts

    def _add_rows(self, file: str, rows: Rows) -> None:
        self._rows.setdefault(file, []).extend(rows)


def _arrears(body: str) -> str:
    return f"population/{body}/arrears.{'sqlite' if body == DATABASE_BODY else 'parquet'}"


def _put_in_front(path: Path, rows: Rows) -> None:
    """Put rows before those of a file: what they do not say is zero, false or nothing; the date is the file's."""
    table = pq.read_table(path)
    nothing: dict[str, Any] = {}
    for column in table.schema:
        if column.name == "peildatum":
            nothing[column.name] = table[column.name][0]
        elif column.name != "partner_bsn":
            nothing[column.name] = False if pa.types.is_boolean(column.type) else 0
    front = pa.Table.from_pylist(
        [{name: (nothing | row).get(name) for name in table.column_names} for row in rows], table.schema
    )
    pq.write_table(pa.concat_tables([front, table]), path)


def _move_to_database(folder: Path) -> None:
    """Turn a body's arrears into a table of a SQLite file."""
    parquet = folder / "arrears.parquet"
    table = pq.read_table(parquet)
    with sqlite3.connect(folder / "arrears.sqlite") as connection:
        connection.execute(f"CREATE TABLE arrears ({', '.join(table.column_names)})")
        marks = ", ".join("?" * len(table.column_names))
        rows = ([str(v) if isinstance(v, datetime.date) else v for v in row.values()] for row in table.to_pylist())
        connection.executemany(f"INSERT INTO arrears VALUES ({marks})", rows)  # only marks  # noqa: S608
    connection.close()
    parquet.unlink()
