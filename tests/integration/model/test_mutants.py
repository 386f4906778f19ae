"""The search finds what goes wrong when one rule of the design is switched off.

The model, without the rule, says which histories need it: those are played on the real apply, first as it is, then with
the rule switched off.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from random import Random

import psycopg
import pytest

from tests.integration.model.conftest import Targets
from tests.integration.model.design import Design
from tests.integration.model.mutants import MUTANTS, Mutant
from tests.model.scenario import RULES, scenario
from tests.model.search import draw, wrong
from tests.model.target import ModelTarget

IS_FULL = "UNDERSTUDY_TEST_FULL" in os.environ
# Histories that the model looks through, and those of them that are tried on the target.
HISTORIES_MAX = 6_000
TRIES_MAX = 5


def test_every_rule_has_a_mutant() -> None:
    assert {mutant.rule for mutant in MUTANTS} == set(RULES)


@pytest.mark.parametrize(
    "mutant",
    [mutant for mutant in MUTANTS if IS_FULL or mutant.is_quick],
    ids=lambda mutant: mutant.rule,
)
def test_a_history_goes_wrong_without_the_rule(
    targets: Targets,
    mutant: Mutant,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for rule in mutant.policy:
        next(other for other in MUTANTS if other.rule == rule).switch_off(monkeypatch)
    found = None
    for seed in islice(telling_seeds(mutant), TRIES_MAX):
        assert not played(mutant, seed, mutant.rules_before, targets), "wrong with the rule, too"
        with monkeypatch.context() as patch:
            mutant.switch_off(patch)
            if played(mutant, seed, mutant.rules_after, targets):
                found = found or seed + 1
        if found and not IS_FULL:
            break
    assert found, f"no history needs the rule: {RULES[mutant.rule]}"
    record_property("histories", found)


def telling_seeds(mutant: Mutant) -> Iterator[int]:
    """Seeds of the histories that the model gets right with the rule, and wrong without it."""
    for seed in range(HISTORIES_MAX):
        if played(mutant, seed, mutant.rules_after) and not played(
            mutant, seed, mutant.rules_before
        ):
            yield seed


def played(
    mutant: Mutant, seed: int, rules: frozenset[str], targets: Targets | None = None
) -> list[str]:
    """What is wrong with a history: on the model, or on a real target."""
    rng = Random(seed)  # noqa: S311 - no secret
    bounds = replace(scenario(rng), shape=mutant.shape, rules=rules, **mutant.bounds)
    case = draw(rng, bounds)
    if targets is None:
        return wrong(rng, case, ModelTarget(bounds))
    design = Design(missing=bounds.missing, shape=mutant.shape, **mutant.design)
    try:
        return wrong(rng, case, targets.empty(design))
    except psycopg.Error as error:
        return [type(error).__name__]
