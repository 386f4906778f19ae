"""The mapping table and what waits, against what they must say."""

from dataclasses import dataclass

import polars as pl
import psycopg
from psycopg import sql

from tests.checker import expected as fates
from tests.checker.database import read_frame
from tests.checker.entity import Entity
from tests.checker.expected import Expected
from tests.checker.report import Problem

LIVE, DELETED, EXCLUDED, PARKED = "l", "d", "x", "p"
# By what becomes of the row; None: the source no longer has it. What waits may have come by before, but not be there.
_STATES = {
    None: [DELETED],
    fates.LIVE: [LIVE],
    fates.EXCLUDED: [EXCLUDED],
    fates.PARKED: [PARKED, DELETED, EXCLUDED],
    fates.DEAD: [PARKED, DELETED, EXCLUDED],
}
_MAPPINGS = sql.SQL(
    "SELECT source, legacy_key, id, state FROM understudy.migration_mappings WHERE entity = {}"
)
_PARKED = sql.SQL("SELECT source, legacy_key FROM understudy.parked WHERE entity = {}")
_DEAD = sql.SQL("SELECT source, legacy_key FROM understudy.dead_letters WHERE entity = {}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the control schema says of one entity.

    Attributes:
        mappings: source, legacy_key, id and state of every mapping.
        parked: Legacy keys that wait, with repetitions.
        dead: Legacy keys of dead letters, with repetitions.
    """

    mappings: pl.DataFrame
    parked: pl.Series
    dead: pl.Series

    @property
    def live(self) -> pl.DataFrame:
        """The mappings of rows that are in the target."""
        return self.mappings.filter(pl.col("state") == LIVE)

    @property
    def excluded(self) -> pl.Series:
        """Legacy keys that a rule left behind."""
        return self.mappings.filter(pl.col("state") == EXCLUDED)["legacy_key"]


def recorded(target: psycopg.Connection, entity: Entity) -> Recorded:
    """Read what the control schema says of an entity."""
    mappings, parked, dead = (
        read_frame(target, query.format(sql.Literal(entity.name)).as_bytes(target))
        for query in (_MAPPINGS, _PARKED, _DEAD)
    )
    return Recorded(mappings=mappings, parked=parked["legacy_key"], dead=dead["legacy_key"])


def check_mapping(
    entity: Entity, expected: Expected, said: Recorded, found: pl.DataFrame
) -> list[Problem]:
    """Whether the mapping is bijective, complete and computed from the legacy key.

    Args:
        entity: Whose mapping it is.
        expected: What must be there.
        said: What the control schema says.
        found: The target rows that are the entity's own, or that it may join.
    """
    wanted = expected.rows.select("legacy_key", "fate", pl.col("id").alias("id expected"))
    known = said.mappings.join(wanted, on="legacy_key", how="left")
    # What joins a row may do so after another one that is gone.
    ids = said.live["id"] if entity.joins else said.mappings["id"]
    faults = {
        "names another table": known.filter(pl.col("source") != entity.source)["legacy_key"],
        "id is not computed from the legacy key": known.filter(
            pl.col("id") != pl.col("id expected")
        )["legacy_key"],
        "the state is wrong": known.filter(~_state_fits())["legacy_key"],
        "no live mapping": _without(expected.keys(fates.LIVE), said.live["legacy_key"]),
        "live mapping without a target row": _without(said.live["id"], found["id"]),
        "one UUID, several mappings": _repeated(ids),
        "one legacy key, several mappings": _repeated(said.mappings["legacy_key"]),
    }
    if not entity.joins:
        faults["target row without a live mapping"] = _without(found["id"], said.live["id"])
    return [
        problem
        for detail, keys in faults.items()
        for problem in _problems(entity, "mapping", detail, keys)
    ]


def check_waiting(entity: Entity, expected: Expected, said: Recorded) -> list[Problem]:
    """Whether exactly those rows are recorded as parked, dead or excluded that must be."""
    problems = []
    for kind, found in (
        (fates.PARKED, said.parked),
        (fates.DEAD, said.dead),
        (fates.EXCLUDED, said.excluded),
    ):
        wanted = expected.keys(kind)
        problems += _problems(entity, kind, "not recorded", _without(wanted, found))
        problems += _problems(entity, kind, "recorded without cause", _without(found, wanted))
        problems += _problems(entity, kind, "recorded twice", _repeated(found))
    return problems


def unaccounted(entity: Entity, expected: Expected, said: Recorded, found: pl.DataFrame) -> int:
    """How many source rows are in no column of the account.

    Args:
        entity: Whose rows they are.
        expected: All rows of the source.
        said: What the control schema says.
        found: The target rows that are the entity's own, or that it may join.
    """
    arrived = said.live.join(found, on="id", how="semi") if entity.joins else found
    left = expected.rows.join(arrived, on="id", how="anti")
    for explained in (said.parked, said.dead, said.excluded):
        left = left.join(explained.to_frame(), on="legacy_key", how="anti")
    return left.height


def _state_fits() -> pl.Expr:
    """Whether the state of a mapping is one that becomes of such a row."""
    return pl.any_horizontal(
        pl.col("fate").eq_missing(fate) & pl.col("state").is_in(states)
        for fate, states in _STATES.items()
    )


def _without(keys: pl.Series, others: pl.Series) -> pl.Series:
    return keys.filter(~keys.is_in(others.implode()))


def _repeated(keys: pl.Series) -> pl.Series:
    return keys.filter(keys.is_duplicated()).unique()


def _problems(entity: Entity, kind: str, detail: str, keys: pl.Series) -> list[Problem]:
    return [Problem(kind=kind, entity=entity.name, key=key, detail=detail) for key in keys.sort()]
