"""One server for all tests of this folder: making it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.postgres import PASSWORDS, Server, postgres


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    with postgres(PASSWORDS) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Server:
    """Empty databases."""
    for database in ("cjib", "belastingdienst", "gemeente_a"):
        tables = running_server.admin(
            "SELECT string_agg(quote_ident(tablename), ',') FROM pg_tables WHERE schemaname = 'public'", database
        )
        if tables:
            running_server.admin(f"DROP TABLE {tables} CASCADE", database)
    return running_server
