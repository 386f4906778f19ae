"""The layers that overlay.py lays over one another: read from the target, beside a batch of events.

Only keys that need it are looked up: those with a partial event, those that something waits for, those to be woken. The
others, and so nearly all rows of a backfill, are settled by the fence alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import psycopg

from consumers import images, mapping, waiting
from consumers.overlay import FIRST, META, Layer, lay_over
from consumers.plan import EntityPlan

Cursor = psycopg.Cursor[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest versions.

    Attributes:
        rows: One per key that is not known to be stale; `__unavailable` names what it lacks.
        waited: The keys for which something waited before.
        as_read: Whether they are the events of the batch, all of them and nothing else.
    """

    rows: pl.DataFrame
    waited: tuple[str, ...]
    as_read: bool


def newest(cursor: Cursor, plan: EntityPlan, events: pl.DataFrame, wake: Sequence[str]) -> Newest:
    """Find the newest version of each key of a batch.

    Args:
        cursor: Inside the transaction, under its locks.
        plan: Of the entity.
        events: What counts of a batch.
        wake: Keys that are tried again.
    """
    waiters = _waiters(cursor, plan, [*events["__key"].unique().to_list(), *wake])
    partial = events.filter(pl.col("__unavailable").is_not_null())["__key"]
    special = {*waiters["__key"].to_list(), *partial.to_list(), *wake}
    if not special:
        return Newest(rows=_complete(events), waited=(), as_read=True)
    chosen = pl.col("__key").is_in(list(special))
    mapped = mapping.fetch(cursor, plan, sorted(special))
    layers = [_mapped(mapped), _batch(events.filter(chosen)), _waiting(plan, waiters)]
    folded = lay_over(pl.concat(layers, how="diagonal_relaxed"), plan.legacy.columns)
    plain = _complete(events.filter(~chosen))
    parts = (plain, folded, _owed(mapped, wake, folded))
    rows = pl.concat([part.select(plain.columns) for part in parts], how="vertical_relaxed")
    return Newest(rows=rows, waited=tuple(waiters["__key"].to_list()), as_read=False)


def _waiters(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> pl.DataFrame:
    return waiting.fetch(cursor, plan, keys if waiting.exists(cursor, plan) else ())


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(0, dtype=pl.Int64).alias(name) for name in FIRST)


def _mapped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(Layer.MAPPING.value).alias("__layer"))


def _batch(events: pl.DataFrame) -> pl.DataFrame:
    """The insert of a key change has no base but what is newer than itself."""
    moved = (pl.col("__op") == "c") & pl.col("__unavailable").is_not_null()
    own = zip(FIRST, ("__epoch", "__lsn", "__ordinal"), strict=True)
    firsts = (
        pl.when(moved).then(pl.col(part).cast(pl.Int64)).otherwise(0).alias(name)
        for name, part in own
    )
    return events.with_columns(*firsts, pl.lit(Layer.BATCH.value).alias("__layer"))


def _waiting(plan: EntityPlan, waiters: pl.DataFrame) -> pl.DataFrame:
    op = pl.when(pl.col("__deleted")).then(pl.lit("d")).otherwise(pl.lit("u")).alias("__op")
    layer = waiters.with_columns(op, pl.lit(Layer.WAITING.value).alias("__layer"))
    image = images.decode(waiters["__image"], plan.legacy.columns)
    return pl.concat([layer.drop("__deleted", "__image"), image], how="horizontal")


def _owed(mapped: pl.DataFrame, wake: Sequence[str], folded: pl.DataFrame) -> pl.DataFrame:
    """Rows that owe a reference, or are to be written again, as they stand in the mapping: at an equal event id."""
    woken = pl.col("__key").is_in(list(wake)) & ~pl.col("__key").is_in(folded["__key"].to_list())
    known = pl.col("__state").is_in(["l", "x"]) & (
        pl.col("__op") != "d"
    )  # Without its image it cannot be.
    rows = mapped.filter(woken & pl.col("__owed") & known)
    absent = ("__unavailable", "__moved_to", "__schema")
    return _complete(rows).with_columns(
        pl.lit(None, dtype=META[name]).alias(name) for name in absent
    )
