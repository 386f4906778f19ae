"""What the target must hold, worked out from the source alone.

One frame an entity, a row a row of the legacy table, every value the text that PostgreSQL prints, or NULL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg

from tests.checker.database import read_frame
from tests.checker.entity import Entity, Missing, Reference
from tests.checker.identity import uuids

QUERIES = Path(__file__).parent / "expected"

LIVE, PARKED, DEAD, EXCLUDED = "live", "parked", "dead letter", "excluded"
_IS_LIVE = pl.col("fate") == LIVE

Frames = dict[str, pl.DataFrame]
# UUIDs by legacy key, by entity.
Born = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What becomes of the rows of one legacy table.

    Attributes:
        rows: legacy_key; fate (live, parked, dead letter, excluded); id, the UUID (of what joins: of the row that it
            joins, NULL where that is not there); the target columns.
    """

    rows: pl.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        """The target columns without the id."""
        return tuple(name for name in self.rows.columns if name not in {"legacy_key", "fate", "id"})

    @property
    def live(self) -> pl.DataFrame:
        """The rows that the target must hold, or what joins them."""
        return self.rows.filter(_IS_LIVE)

    def keys(self, fate: str) -> pl.Series:
        """The legacy keys of the rows with that fate."""
        return self.rows.filter(pl.col("fate") == fate)["legacy_key"]


def expect(
    source: psycopg.Connection,
    entities: Sequence[Entity],
    namespace: str,
    chosen: Mapping[str, pl.Series] | None = None,
    born: Born | None = None,
) -> dict[str, Expected]:
    """Work out what becomes of every row of the source.

    Args:
        source: A connection of `snapshot`.
        entities: All that refer to each other.
        namespace: The namespace of the pipeline.
        chosen: Of entities with `unique_by`, the legacy keys that the target let in; else the lowest key is expected.
        born: The UUIDs of rows that the target's applications made, as these know them.
    """
    frames = {}
    for entity in entities:
        rows = _fated(entity, read_frame(source, (QUERIES / f"{entity.name}.sql").read_bytes()))
        if entity.unique_by:
            rows = _one_of_each(entity, rows, (chosen or {}).get(entity.name))
        given = (born or {}).get(entity.name, {})
        frames[entity.name] = rows if entity.joins else _identified(entity, rows, namespace, given)
    _park_orphans(entities, frames)
    # All look at their parents' legacy keys and UUIDs; of what joins, the latter are replaced here.
    return {entity.name: Expected(rows=_resolved(entity, frames, namespace)) for entity in entities}


def _fated(entity: Entity, rows: pl.DataFrame) -> pl.DataFrame:
    """Turn what the query says of a row's fate into one word, and convert what it leaves to Python."""
    if rows["legacy_key"].null_count() or rows["legacy_key"].is_duplicated().any():
        message = f"{entity.name}: a legacy key is NULL, or there twice"
        raise ValueError(message)
    fate = (
        pl.when(pl.col("excluded") == "t")
        .then(pl.lit(EXCLUDED))
        .when(pl.col("dead").is_not_null())
        .then(pl.lit(DEAD))
        .otherwise(pl.lit(LIVE))
    )
    converted = (
        pl.Series(name, [convert(value) for value in rows[name]], dtype=pl.String)
        for name, convert in entity.conversions.items()
    )
    return rows.with_columns(fate.alias("fate"), *converted).drop("excluded", "dead")


def _identified(
    entity: Entity, rows: pl.DataFrame, namespace: str, given: Mapping[str, str]
) -> pl.DataFrame:
    keys = rows["legacy_key"]
    ids = zip(keys, uuids(namespace, entity.name, keys), strict=True)
    named = [given.get(key, computed) for key, computed in ids]
    return rows.with_columns(pl.Series("id", named, dtype=pl.String))


def _one_of_each(entity: Entity, rows: pl.DataFrame, chosen: pl.Series | None) -> pl.DataFrame:
    """Park all rows but one of those that have the same text in the column of the new unique key."""
    if chosen is not None:
        rows = rows.sort(~pl.col("legacy_key").is_in(chosen.implode()), "legacy_key")
    is_first = pl.struct("fate", entity.unique_by).is_first_distinct()
    waits = _IS_LIVE & pl.col(entity.unique_by).is_not_null() & ~is_first
    return rows.with_columns(_parked(waits)).drop(entity.unique_by)


def _park_orphans(entities: Sequence[Entity], frames: Frames) -> None:
    """Park the rows whose parents are not live, then the children of these, until there are no more."""
    found = True
    while found:
        found = False
        for entity in entities:
            rows = frames[entity.name]
            orphans = rows.select(orphan=_IS_LIVE & _lacks_parent(entity, frames))["orphan"]
            if orphans.any():
                frames[entity.name] = rows.with_columns(_parked(pl.lit(orphans)))
                found = True


def _lacks_parent(entity: Entity, frames: Frames) -> pl.Expr:
    """Whether a row waits for a parent that is not live."""
    return pl.any_horizontal(
        pl.lit(value=False),
        *(
            pl.col(column).is_not_null()
            & ~pl.col(column).is_in(_live(frames, reference)["legacy_key"].implode())
            for column, reference in entity.references.items()
            if reference.missing is Missing.PARK
        ),
    )


def _live(frames: Frames, reference: Reference) -> pl.DataFrame:
    return frames[reference.parent].filter(_IS_LIVE).select("legacy_key", "id")


def _parked(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.lit(PARKED)).otherwise(pl.col("fate")).alias("fate")


def _resolved(entity: Entity, frames: Frames, namespace: str) -> pl.DataFrame:
    """The rows with the parents' UUIDs instead of their legacy keys."""
    rows = frames[entity.name]
    for column, reference in entity.references.items():
        parents = _live(frames, reference)
        if reference.missing is Missing.KEEP:
            keys = rows[column].drop_nulls().unique()
            parents = pl.DataFrame(
                {"legacy_key": keys, "id": uuids(namespace, reference.parent, keys)}
            )
        parents = parents.rename({"legacy_key": column, "id": " parent"})
        rows = (
            rows.join(parents, on=column, how="left")
            .with_columns(pl.col(" parent").alias(column))
            .drop(" parent")
        )
    return rows
