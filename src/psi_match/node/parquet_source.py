"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from psi_match.domain.dataset import DatasetSpec
from psi_match.node.reading import attempt, check_columns
from psi_match.node.source_config import ParquetSource

_BATCH_ROWS = 1 << 17


def read_parquet(spec: DatasetSpec, source: ParquetSource) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet file.

    Raises:
        DataError: the file cannot be read.
    """
    hint = "Check the path, and that it is a Parquet file."
    # Opened by Python first, which tells what is wrong with a path; Arrow does not tell a folder from a damaged file.
    attempt(lambda: source.path.open("rb").close(), f"Cannot read {source.path}.", hint)
    # Without read-ahead and threads of its own: half the memory, and not slower beside the checks.
    file = attempt(lambda: pq.ParquetFile(source.path, pre_buffer=False), f"Cannot read {source.path}.", hint)
    with file:
        names = list(file.schema_arrow.names)
        check_columns(spec, str(source.path), names)
        yield pa.table({name: pa.array([], file.schema_arrow.field(name).type) for name in spec.source_columns})
        batches = file.iter_batches(_BATCH_ROWS, columns=spec.source_columns, use_threads=False)
        while True:
            batch = attempt(lambda: _next_valid(batches), f"{source.path} is damaged.", hint)
            if batch is None:
                return
            yield pa.Table.from_batches([batch])


def _next_valid(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    """Return the next batch, if there is one; what its type calls text must be UTF-8, which Parquet does not see to."""
    batch = next(batches, None)
    if batch is not None:
        batch.validate(full=True)
    return batch
