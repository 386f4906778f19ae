"""Consumers that run at once, each on a connection of its own, leave the same target as one after the other."""

import os
from dataclasses import replace
from random import Random

import pytest

from tests.integration.model.conftest import Targets
from tests.integration.model.design import Design
from tests.integration.model.race import Race
from tests.model.faults import faults
from tests.model.play import SWEEPS_MAX
from tests.model.scenario import FAMILY, TREE, Shape, scenario
from tests.model.search import draw

RACES = 30 if "UNDERSTUDY_TEST_FULL" in os.environ else 3


@pytest.mark.parametrize(
    ("shape", "unique"),
    [(FAMILY, "UNIQUE"), (TREE, "UNIQUE"), (FAMILY, "NOT NULL UNIQUE")],
    ids=["two tables", "a tree", "unique values that cannot be NULL"],
)
@pytest.mark.parametrize("seed", range(RACES))
def test_consumers_at_once_end_in_the_same_target(
    targets: Targets, seed: int, shape: Shape, unique: str
) -> None:
    rng = Random(seed)  # noqa: S311 - no secret
    keys = (1, 2, 3, 4, 5, 6)
    bounds = replace(scenario(rng), shape=shape, transactions=20, keys=keys)
    bounds = replace(bounds, unique=True, dense=True)
    case = draw(rng, bounds)
    target = targets.empty(Design(missing=bounds.missing, shape=shape, unique=unique))
    Race(bounds, case.feed, target).run(seed)
    for table in shape.tables:
        for event_id, name in case.feed.truncations:
            if name == table:
                target.truncate(table, event_id)
        target.mark(table, bounds.horizon)
    for _ in range(SWEEPS_MAX):
        target.sweep()
    found = faults(bounds, case.log, target.states())
    assert not found, "\n".join([*found, str(case)])
