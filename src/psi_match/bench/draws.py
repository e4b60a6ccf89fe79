"""Made-up rows for benches, and their answers by pandas and numpy: the plaintext that every run is compared with.

Equal sizes give equal rows, today and tomorrow, in any order of suites.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from psi_match.bench.inputs import CSV_COLUMN, PredicateInputs, PsiInputs, QuorumInputs, as_text
from psi_match.bench.sizes import Size
from psi_match.domain.bsn import format_bsn
from psi_match.node.local_nodes import LocalDataset
from psi_match.population.numbers import draw_numbers

_SEED = 7
VALUE_BITS = 62
"""Of the columns of the predicate."""


def draw_pair(size: Size) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Draw both parties' numbers: half of the smaller set is common."""
    common = min(size.rows, size.data_rows) // 2
    numbers = draw_numbers(size.rows + size.data_rows - common, np.random.default_rng(_SEED))
    return numbers[: size.rows], np.concatenate([numbers[size.rows - common : size.rows], numbers[size.rows :]])


def pair_answer(leader: NDArray[np.uint32], data_party: NDArray[np.uint32]) -> NDArray[np.str_]:
    """Return the intersection by pandas."""
    rows = pd.Series(format_bsn(leader))
    return as_text(rows[rows.isin(pd.Series(format_bsn(data_party)))])


def psi_inputs(size: Size, folder: Path) -> PsiInputs:
    """Draw a pair, and write it as CSV files into an empty folder."""
    sides = draw_pair(size)
    paths = []
    for name, numbers in zip(("leader", "data-party"), sides, strict=True):
        paths.append(folder / f"{name}.csv")
        write_numbers(numbers, paths[-1])
    return PsiInputs(paths[0], paths[1], pair_answer(*sides), size.rows, size.data_rows)


def predicate_inputs(rows: int, folder: Path) -> PredicateInputs:
    """Draw three columns, and write them and ``a + b < bound`` as ``.npy`` files into an empty folder."""
    rng = np.random.default_rng(_SEED)
    a, b = (rng.integers(0, 1 << (VALUE_BITS - 1), rows, dtype=np.uint64) for _ in range(2))
    bound = rng.integers(0, 1 << VALUE_BITS, rows, dtype=np.uint64)
    paths = {}
    for name, values in (("a", a), ("b", b), ("bound", bound), ("expected", a + b < bound)):
        paths[name] = folder / f"{name}.npy"
        np.save(paths[name], values)
    return PredicateInputs(paths["a"], paths["b"], paths["bound"], paths["expected"], rows)


def draw_many(parties: Sequence[str], rows: int) -> dict[str, NDArray[np.uint32]]:
    """Draw every party's numbers: about half of the people of any two parties are the same."""
    rng = np.random.default_rng(_SEED)
    everyone = draw_numbers(2 * rows, rng)
    return {party: everyone[rng.permutation(len(everyone))[:rows]] for party in parties}


def quorum_answer(sets: Mapping[str, NDArray[np.uint32]], threshold: int) -> NDArray[np.str_]:
    """Return by pandas who is in at least so many sets."""
    counts = pd.Series(np.concatenate(list(sets.values()))).value_counts()
    return as_text(format_bsn(counts.index[counts >= threshold].to_numpy(dtype=np.uint32)))


def quorum_inputs(sets: Mapping[str, NDArray[np.uint32]], threshold: int, folder: Path) -> QuorumInputs:
    """Write the parties' numbers as CSV files into an empty folder."""
    paths = {party: folder / f"{party}.csv" for party in sets}
    for party, path in paths.items():
        write_numbers(sets[party], path)
    return QuorumInputs(paths, threshold, quorum_answer(sets, threshold), len(next(iter(sets.values()))))


def write_numbers(numbers: NDArray[np.uint32], path: Path) -> None:
    """Write numbers as a CSV file of one column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({CSV_COLUMN: pa.array(format_bsn(numbers))})
    with path.open("wb") as file:
        file.write(f"{CSV_COLUMN}\n".encode())  # Arrow would put the name in quotes
        pa_csv.write_csv(table, file, pa_csv.WriteOptions(include_header=False, quoting_style="none"))


def write_table(table: Mapping[str, NDArray[np.generic]], path: Path) -> None:
    """Write a table of today as a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: pa.array(values) for name, values in table.items()}
    rows = len(next(iter(columns.values())))
    columns["peildatum"] = pa.repeat(pa.scalar(today(), pa.date32()), rows)
    pq.write_table(pa.table(columns), path)


def dataset_of(path: Path, columns: Mapping[str, str] | None = None) -> LocalDataset:
    """Return a file as a dataset: Parquet is kept in memory from the start, CSV is read anew at each run."""
    if path.suffix == ".csv":
        return LocalDataset(path, columns or {}, reference_date=today())
    return LocalDataset(path, columns or {}, preload=True)


def today() -> datetime.date:
    """Return the date of all rows: a node refuses old ones."""
    return datetime.datetime.now(datetime.UTC).date()
