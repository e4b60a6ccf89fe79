"""Where a node's rows come from: CSV as bodies export it, Parquet, or a database. All are read in batches.

Every failure becomes one sentence that names the file or table and, where known, the row; what a library says may hold
a value or a password, so it is never passed on, not even as the context of an error.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from psi_match.domain.dataset import Dataset, DatasetBuilder, DatasetSpec
from psi_match.node.csv_source import read_csv
from psi_match.node.parquet_source import read_parquet
from psi_match.node.reading import attempt
from psi_match.node.source_config import CsvSource, ParquetSource, SourceConfig, SqlSource

__all__ = ["CsvSource", "ParquetSource", "SourceConfig", "SqlSource", "fingerprint", "load", "read_batches"]


def load(spec: DatasetSpec, source: SourceConfig) -> Dataset:
    """Read, check and convert a dataset.

    Raises:
        DataError: it cannot be read, or holds what its declaration does not allow.
    """
    builder = DatasetBuilder(spec)
    for batch in read_batches(spec, source):
        builder.add(batch)
    return builder.finish()


def fingerprint(source: SourceConfig) -> object:
    """Return something that changes when a file changes; a database is never taken as unchanged."""
    if isinstance(source, SqlSource):
        return object()
    status = attempt(source.path.stat, f"Cannot read {source.path}.", "Check the path and the permissions.")
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def read_batches(spec: DatasetSpec, source: SourceConfig) -> Iterator[pa.Table]:
    """Yield the rows of a source as Arrow tables with the columns that the dataset needs; at least one table.

    Raises:
        DataError: the source cannot be read.
    """
    match source:
        case CsvSource():
            yield from read_csv(spec, source)
        case ParquetSource():
            yield from read_parquet(spec, source)
        case SqlSource():
            # SQLAlchemy alone takes a fifth of a second to import, and most nodes have files.
            from psi_match.node.sql_source import read_sql

            yield from read_sql(spec, source)
