"""What waits for a key: parked rows and dead letters, one merged image each.

A newer version replaces it, a newer partial one merges into it (overlay.py); it leaves when the key is applied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import polars as pl
import psycopg

from consumers import images, staging
from consumers.overlay import FIRST
from consumers.plan import EntityPlan

Cursor = psycopg.Cursor[tuple[object, ...]]


class Why(Enum):
    """What a row waits for."""

    BASE = "base"
    WATERMARK = "watermark"
    PARENT = "parent"
    CHILDREN = "children"
    UNIQUE = "unique"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a row is set aside.

    Attributes:
        why: The kind; RULE makes it a dead letter, everything else parks it.
        waits_for: Entity, table or constraint.
        waits_id: UUID of the parent or of the holder of a unique value.
        sqlstate, error, constraint, column: Of a dead letter; the error is our sentence and holds no value of the row.
    """

    why: Why
    waits_for: str | None = None
    waits_id: str | None = None
    sqlstate: str | None = None
    error: str | None = None
    constraint: str | None = None
    column: str | None = None

    @property
    def misses_parent(self) -> bool:
        """Whether the parent is known to be absent; by `missing` it is parked or a dead letter."""
        return self.why is Why.PARENT or (self.why is Why.RULE and self.waits_id is not None)


_COLUMNS = {
    "legacy_key": "text",
    "id": "uuid",
    "epoch": "int",
    "commit_lsn": "bigint",
    "ordinal": "bigint",
    "first_epoch": "int",
    "first_lsn": "bigint",
    "first_ordinal": "bigint",
    "deleted": "boolean",
    "image": "json",
    "unavailable": "text[]",
    "moved_to": "text[]",
    "partition": "int",
    "offset": "bigint",
    "schema_id": "bigint",
    "reason": "text",
    "waits_for": "text",
    "waits_id": "uuid",
    "sqlstate": "text",
    "error": "text",
    "constraint_name": "text",
    "column_name": "text",
}
# The last of them, of a reason.
_WHY = dict.fromkeys(list(_COLUMNS)[-7:], pl.String())
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_TYPED = ", ".join(f'"{n}" {"text" if kind == "text[]" else kind}' for n, kind in _COLUMNS.items())
CREATE_STAGE = f"CREATE TEMPORARY TABLE IF NOT EXISTS set_aside ({_TYPED})"
_ARRAYS = [name for name, kind in _COLUMNS.items() if kind == "text[]"]
_VALUES = ", ".join(
    f'CAST("{name}" AS text[])' if name in _ARRAYS else f'"{name}"' for name in _COLUMNS
)
_CHANGES = ", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS if name != "legacy_key")
# An entity reads one topic.
_TOPIC = """(
    SELECT min(topic) FROM understudy.checkpoints
    WHERE generation = understudy.generation(entity) AND entity = %(entity)s)"""
_SAVE = f"""
INSERT INTO understudy.waiting AS w (generation, entity, source, topic, spec_version, {_NAMES})
SELECT understudy.generation(%(entity)s), %(entity)s, %(source)s, {_TOPIC}, %(spec_version)s, {_VALUES}
FROM pg_temp.set_aside
ON CONFLICT (generation, entity, source, legacy_key) DO UPDATE SET
    {_CHANGES}, spec_version = excluded.spec_version, attempts = w.attempts + 1, tried_at = now()"""
_FOR_KEYS = "WHERE generation = understudy.generation(entity) AND entity = %s AND source = %s AND legacy_key = ANY(%s)"
_FETCH = f"""
SELECT legacy_key, epoch, commit_lsn, ordinal, first_epoch, first_lsn, first_ordinal, deleted,
    CAST(image AS text), unavailable, moved_to, partition, "offset", schema_id
FROM understudy.waiting {_FOR_KEYS}"""
_FORGET = f"DELETE FROM understudy.waiting {_FOR_KEYS}"
_FETCHED = {
    "__key": pl.String(),
    "__epoch": pl.Int32(),
    "__lsn": pl.Int64(),
    "__ordinal": pl.Int64(),
    "__first_epoch": pl.Int64(),
    "__first_lsn": pl.Int64(),
    "__first_ordinal": pl.Int64(),
    "__deleted": pl.Boolean(),
    "__image": pl.String(),
    "__unavailable": pl.List(pl.String),
    "__moved_to": pl.List(pl.String),
    "__partition": pl.Int32(),
    "__offset": pl.Int64(),
    "__schema": pl.Int64(),
}


def exists(cursor: Cursor, plan: EntityPlan) -> bool:
    """Whether anything waits for a key of this entity."""
    query = """
        SELECT EXISTS (SELECT FROM understudy.waiting
            WHERE generation = understudy.generation(entity) AND entity = %s)"""
    return bool(cursor.execute(query, [plan.name]).fetchall()[0][0])


def fetch(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> pl.DataFrame:
    """The merged images of some keys, as a layer for overlay.py (without the legacy columns: they are in `__image`)."""
    rows = cursor.execute(_FETCH, [plan.name, str(plan.entity.source), list(keys)]).fetchall()
    return pl.DataFrame(rows, schema=_FETCHED, orient="row")


def save(cursor: Cursor, plan: EntityPlan, rows: pl.DataFrame, reasons: Sequence[Reason]) -> None:
    """Set rows aside.

    Args:
        cursor: Inside the transaction.
        plan: Of the entity.
        rows: As overlay.py yields them, with `__id`.
        reasons: One per row, in the same order.
    """
    if rows.is_empty():
        return
    stored = _stored(plan, rows, reasons)
    staging.copy_into(cursor, "pg_temp.set_aside", staging.lines_of(stored))
    entity = {"entity": plan.name, "source": str(plan.entity.source)}
    cursor.execute(_SAVE, entity | {"spec_version": plan.spec_version})
    cursor.execute("DELETE FROM pg_temp.set_aside")


def _stored(plan: EntityPlan, rows: pl.DataFrame, reasons: Sequence[Reason]) -> pl.DataFrame:
    """The rows of `_COLUMNS`, in its order."""
    event = ("__key", "__id", "__epoch", "__lsn", "__ordinal", *FIRST)
    head = rows.select(*event, (pl.col("__op") == "d").alias("deleted"))
    image = images.encode(rows, plan.legacy.columns).alias("image")
    arrays = [_arrays(rows[f"__{name}"]).alias(name) for name in _ARRAYS]
    place = rows.select("__partition", "__offset", "__schema")
    whys = pl.DataFrame([_why(reason) for reason in reasons], schema=_WHY, orient="row")
    stored = pl.concat([head, pl.DataFrame([image, *arrays]), place, whys], how="horizontal")
    return stored.rename(dict(zip(stored.columns, _COLUMNS, strict=True)))


def _why(reason: Reason) -> tuple[str | None, ...]:
    """A reason in the order of `_WHY`."""
    return (
        reason.why.value,
        reason.waits_for,
        reason.waits_id,
        reason.sqlstate,
        reason.error,
        reason.constraint,
        reason.column,
    )


def _arrays(lists: pl.Series) -> pl.Series:
    return pl.Series([texts and _array(texts) for texts in lists.to_list()], dtype=pl.String)


def _array(names: Sequence[str]) -> str:
    """An array literal of PostgreSQL."""
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    return "{" + ",".join(f'"{name}"' for name in quoted) + "}"


def forget(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> None:
    """What waited for these keys has been applied, or is stale."""
    if keys:
        cursor.execute(_FORGET, [plan.name, str(plan.entity.source), list(keys)])
