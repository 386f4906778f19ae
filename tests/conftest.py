"""Fixtures by concern, and what holds for every test."""

import os
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.fix_stack", "tests.fix_postgres", "tests.fix_kafka", "tests.fix_pipeline"]

# The default suite tries the same examples each time, so that it fails only for a change; --full looks for new ones.
# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile(
    "understudy",
    deadline=None,
    derandomize="UNDERSTUDY_TEST_FULL" not in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("understudy")


# Begun early they end while the others still have something to do, and no file is split between two processes.
LONGEST = ("test_servers.py", "test_walk.py", "test_demo.py", "test_rebuild.py")


def _turn(item: pytest.Item) -> int:
    name = Path(item.path).name
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in a folder below is marked as such; long ones run with --full; what takes longest comes first."""
    items.sort(key=_turn)
    skip = pytest.mark.skip(reason="runs with --full")
    for item in items:
        if item.get_closest_marker("long") and "UNDERSTUDY_TEST_FULL" not in os.environ:
            item.add_marker(skip)
        for folder in ("integration", "acceptance", "browser"):
            if folder in Path(item.path).parts:
                item.add_marker(folder)
