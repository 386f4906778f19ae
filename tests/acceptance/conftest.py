"""What the commands are tried on."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops.stack.state import Endpoints
from tests.shop import Shop, open_shop


@pytest.fixture
def empty_shop(
    tmp_path: Path, source_database: str, target_database: str, prefix: str, stack: Endpoints
) -> Shop:
    """A migration folder, and its tables without rows."""
    at = replace(stack, source_dsn=source_database, target_dsn=target_database)
    return open_shop(tmp_path, prefix, at)
