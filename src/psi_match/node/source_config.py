"""Where rows are, as a node's config says it. No password ever comes back in an error or a repr."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class _Source(BaseModel):
    # A URL may hold a password, which must not come back in the error about another key.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CsvSource(_Source):
    """A CSV file.

    Args:
        path: the file.
        delimiter: ``auto`` takes the one that stands most often in the header line, without looking at any row.
        encoding: ``utf-8`` (a byte order mark is skipped) or ``windows-1252``.
    """

    kind: Literal["csv"]
    path: Path
    delimiter: Literal["auto", ";", ",", "\t", "|"] = "auto"
    encoding: Literal["utf-8", "windows-1252"] = "utf-8"

    def relative_to(self, base: Path) -> Self:
        """Return the source with its path counted from a folder."""
        return self.model_copy(update={"path": base / self.path})


class ParquetSource(_Source):
    """A Parquet file."""

    kind: Literal["parquet"]
    path: Path

    def relative_to(self, base: Path) -> Self:
        """Return the source with its path counted from a folder."""
        return self.model_copy(update={"path": base / self.path})


class DatabaseLogin(_Source):
    """How to get into a database.

    Args:
        url: SQLAlchemy URL; or
        url_file: a file that holds it, so that a password need not stand in the config.
        password_file: a file that holds the password alone; it may end with a newline. The URL has none then.
    """

    url: SecretStr | None = None
    url_file: Path | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _one_url_and_one_password(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("must have either url or url_file")
        if self.url and self.password_file and has_password(self.url.get_secret_value()):
            raise ValueError("must have no password in url beside password_file")
        return self

    def relative_to(self, base: Path) -> Self:
        """Return the login with its files counted from a folder."""
        files = {"url_file": self.url_file, "password_file": self.password_file}
        return self.model_copy(update={name: base / path for name, path in files.items() if path})


def has_password(url: str) -> bool:
    """Tell whether a URL has a password in it; what is no URL has none."""
    try:
        return urlsplit(url).password is not None
    except ValueError:
        # Not a URL at all: said when it is used.
        return False


class SqlSource(DatabaseLogin):
    """A table or query of a database.

    Args:
        table: name of a table or view; or
        query: one SELECT.
    """

    kind: Literal["sql"]
    table: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("must have either table or query")
        return self


SourceConfig = Annotated[CsvSource | ParquetSource | SqlSource, Field(discriminator="kind")]
