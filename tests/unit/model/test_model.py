"""The rules, in memory, bring every history to the state of its source."""

from dataclasses import replace
from random import Random

import pytest

from tests.model.scenario import ALL_RULES, CHAIN, FAMILY, TREE, Shape, scenario
from tests.model.search import draw, wrong
from tests.model.target import ModelTarget

HISTORIES = 150


def play(seed: int, shape: Shape, rules: frozenset[str] = ALL_RULES) -> list[str]:
    rng = Random(seed)  # noqa: S311 - no secret
    bounds = replace(scenario(rng), shape=shape, rules=rules)
    return wrong(rng, draw(rng, bounds), ModelTarget(bounds))


@pytest.mark.parametrize("shape", [FAMILY, CHAIN, TREE], ids=["two", "three levels", "a tree"])
def test_the_rules_converge(shape: Shape) -> None:
    for seed in range(HISTORIES):
        found = play(seed, shape)
        assert not found, (seed, found)


@pytest.mark.parametrize("rule", ["fence", "tombs", "base", "order", "where", "truncate"])
def test_without_a_rule_they_do_not(rule: str) -> None:
    assert any(play(seed, FAMILY, ALL_RULES - {rule}) for seed in range(HISTORIES))
