"""A target of its own for each test of the apply."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.apply.migrated import Migrated, connect


@pytest.fixture
def migrated(target_database: str, tmp_path: Path) -> Iterator[Migrated]:
    """An empty target; the test makes its tables and entities."""
    with connect(target_database) as connection:
        connection.execute("CREATE SCHEMA legacy")
        connection.execute("CREATE SCHEMA app")
        yield Migrated(connection=connection, folder=tmp_path)
