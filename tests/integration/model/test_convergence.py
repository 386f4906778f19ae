"""Whatever the order, duplication and interleaving, the target ends as the source through the rules.

Hypothesis drives every choice of tests/model: what the source commits, what the producer makes of it, and how consumers
come to read it. A counterexample is printed as short as it could be made.
"""

import os
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.integration.model.conftest import Targets
from tests.integration.model.design import Design
from tests.model.scenario import CHAIN, FAMILY, TREE, Shape, scenario
from tests.model.search import Recorded, draw, wrong

IS_FULL = "UNDERSTUDY_TEST_FULL" in os.environ
FULL_FACTOR = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where histories are tried.

    Attributes:
        examples: How many, in the default suite.
        bounds: What is not left to chance in the scenario.
        design: Of the target.
    """

    name: str
    examples: int
    shape: Shape = FAMILY
    bounds: dict[str, Any] = field(default_factory=dict)
    design: dict[str, Any] = field(default_factory=dict)


SETTINGS = (
    Setting(name="two related tables", examples=12),
    Setting(
        name="no unique key but the UUID",
        examples=6,
        bounds={"unique": False, "missing": "park"},
        design={"unique": ""},
    ),
    Setting(name="three levels", examples=4, shape=CHAIN, bounds={"missing": "park"}),
    Setting(name="a table that refers to itself", examples=5, shape=TREE),
    Setting(
        name="unique values that cannot be NULL",
        examples=5,
        bounds={"unique": True, "dense": True, "missing": "park"},
        design={"unique": "NOT NULL UNIQUE"},
    ),
    Setting(
        name="a deferrable unique key",
        examples=5,
        bounds={"unique": True, "dense": True, "missing": "null"},
        design={"unique": "UNIQUE DEFERRABLE"},
    ),
    Setting(
        name="values that the target refuses",
        examples=6,
        bounds={"bad": 0.2, "unique": True, "missing": "park"},
        design={"refused_by": "target"},
    ),
    Setting(
        name="missing parents are dead letters",
        examples=5,
        bounds={"missing": "dead-letter", "source_fk": False},
    ),
    Setting(
        name="missing parents get stubs",
        examples=5,
        bounds={"missing": "stub", "unique": False},
        design={"unique": ""},
    ),
)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_history_ends_in_the_same_target(targets: Targets, setting: Setting) -> None:
    phases = (Phase.generate, Phase.shrink) if not IS_FULL else tuple(Phase)

    @settings(
        max_examples=setting.examples * (FULL_FACTOR if IS_FULL else 1),
        phases=phases,
        suppress_health_check=list(HealthCheck),  # A history is long, and takes its time.
    )
    @given(st.randoms(use_true_random=False))
    def converges(rng: Random) -> None:
        bounds = replace(scenario(rng), shape=setting.shape, **setting.bounds)
        case = draw(rng, bounds)
        design = Design(missing=bounds.missing, shape=setting.shape, **setting.design)
        target = Recorded(targets.empty(design))
        found = wrong(rng, case, target)
        note("\n".join([str(case), "the consumers:", *target.steps]))
        assert not found, "\n".join(found)

    converges()
