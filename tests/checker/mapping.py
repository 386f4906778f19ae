"""The mapping table and what waits, against what they must say."""

from collections import Counter
from dataclasses import dataclass

import psycopg

from tests.checker.database import read
from tests.checker.entity import Entity
from tests.checker.expected import Expected
from tests.checker.report import Problem

LIVE, DELETED, EXCLUDED, PARKED = "l", "d", "x", "p"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the control schema says of one entity.

    Attributes:
        mappings: (source, legacy key, id, state) of every mapping.
        parked: Legacy keys that wait, with repetitions.
        dead: Legacy keys of dead letters, with repetitions.
    """

    mappings: list[tuple[str, str, str, str]]
    parked: list[str]
    dead: list[str]

    @property
    def excluded(self) -> set[str]:
        """Legacy keys that a rule left behind."""
        return {key for _, key, _, state in self.mappings if state == EXCLUDED}


def recorded(target: psycopg.Connection, entity: Entity) -> Recorded:
    """Read what the control schema says of an entity."""
    mappings = read(
        target,
        "SELECT source, legacy_key, id, state FROM understudy.migration_mappings WHERE entity = %s",
        (entity.name,),
    )
    parked = read(
        target, "SELECT legacy_key FROM understudy.parked WHERE entity = %s", (entity.name,)
    )
    dead = read(
        target, "SELECT legacy_key FROM understudy.dead_letters WHERE entity = %s", (entity.name,)
    )
    return Recorded(
        mappings=[(a or "", b or "", c or "", d or "") for a, b, c, d in mappings.rows],
        parked=[row[0] or "" for row in parked.rows],
        dead=[row[0] or "" for row in dead.rows],
    )


def check_mapping(
    entity: Entity, expected: Expected, said: Recorded, target_ids: set[str]
) -> list[Problem]:
    """Whether the mapping is bijective, complete and computed from the legacy key."""
    problems = [
        problem
        for source, key, identity, state in said.mappings
        for problem in _check_one(entity, expected, (source, key, identity, state))
    ]
    live = {key: identity for _, key, identity, state in said.mappings if state == LIVE}
    problems += _set_problems(
        entity, "mapping", "no live mapping", expected.live.keys() - live.keys()
    )
    problems += _set_problems(
        entity, "mapping", "target row without a live mapping", target_ids - set(live.values())
    )
    problems += _set_problems(
        entity, "mapping", "live mapping without a target row", set(live.values()) - target_ids
    )
    problems += _repeated(entity, "one UUID, several mappings", [m[2] for m in said.mappings])
    problems += _repeated(entity, "one legacy key, several mappings", [m[1] for m in said.mappings])
    return problems


def check_waiting(entity: Entity, expected: Expected, said: Recorded) -> list[Problem]:
    """Whether exactly those rows are recorded as parked, dead or excluded that must be."""
    pairs = (
        ("parked", expected.parked, said.parked),
        ("dead letter", set(expected.dead), said.dead),
        ("excluded", expected.excluded, sorted(said.excluded)),
    )
    problems = []
    for kind, wanted, found in pairs:
        problems += _set_problems(entity, kind, "not recorded", wanted - set(found))
        problems += _set_problems(entity, kind, "recorded without cause", set(found) - wanted)
        problems += _repeated(entity, f"recorded twice as {kind}", found)
    return problems


def unaccounted(expected: Expected, said: Recorded, target_ids: set[str]) -> set[str]:
    """Legacy keys of source rows that are in no column of the account."""
    explained = {*said.parked, *said.dead, *said.excluded}
    return {
        key
        for key, identity in expected.ids.items()
        if identity not in target_ids and key not in explained
    }


def _check_one(
    entity: Entity, expected: Expected, mapping: tuple[str, str, str, str]
) -> list[Problem]:
    source, key, identity, state = mapping
    faults = []
    if source != entity.source:
        faults.append("names another table")
    if key in expected.ids and identity != expected.ids[key]:
        faults.append("id is not computed from the legacy key")
    if state not in _allowed_states(expected, key):
        faults.append(f"state {state!r} is wrong")
    return [Problem(kind="mapping", entity=entity.name, key=key, detail=fault) for fault in faults]


def _allowed_states(expected: Expected, key: str) -> str:
    if key in expected.live:
        return LIVE
    if key in expected.excluded:
        return EXCLUDED
    # What waits may have come by before, in any form but live.
    return PARKED + DELETED + EXCLUDED if key in expected.ids else DELETED


def _set_problems(
    entity: Entity, kind: str, detail: str, keys: set[str] | frozenset[str]
) -> list[Problem]:
    return [Problem(kind=kind, entity=entity.name, key=key, detail=detail) for key in sorted(keys)]


def _repeated(entity: Entity, detail: str, values: list[str]) -> list[Problem]:
    twice = [value for value, count in Counter(values).items() if count > 1]
    return _set_problems(entity, "mapping", detail, set(twice))
