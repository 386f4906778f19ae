"""Migrations that are switched."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.cutover import reverse
from ops.stack.state import Endpoints
from tests.integration.reverse.way import Files, Way, open_way

Opened = Callable[[Files], Way]


@pytest.fixture
def opened(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Iterator[Opened]:
    """Opens a migration in two databases of its own; nothing of its way back is left."""
    ways: list[Way] = []

    def open_(files: Files) -> Way:
        ways.append(open_way(tmp_path / f"way{len(ways)}", prefix, endpoints, files))
        return ways[-1]

    yield open_
    for way in ways:
        reverse.drop(way.migration, way.at)
