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
    "partition": "int",
    "offset": "bigint",
    "reason": "text",
    "waits_for": "text",
    "waits_id": "uuid",
    "sqlstate": "text",
    "error": "text",
    "constraint_name": "text",
    "column_name": "text",
}
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
CREATE_STAGE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS set_aside ("
    + ", ".join(
        f'"{name}" {"text" if kind == "text[]" else kind}' for name, kind in _COLUMNS.items()
    )
    + ") ON COMMIT DELETE ROWS"
)
_SAVE = f"""
INSERT INTO understudy.waiting AS w (generation, entity, source, topic, {_NAMES})
SELECT 1, %s, %s, %s, {_NAMES.replace('"unavailable"', 'CAST("unavailable" AS text[])')} FROM pg_temp.set_aside
ON CONFLICT (generation, entity, source, legacy_key) DO UPDATE SET
    {", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS if name != "legacy_key")},
    attempts = w.attempts + 1, tried_at = now()"""
_FETCH = """
SELECT legacy_key, epoch, commit_lsn, ordinal, first_epoch, first_lsn, first_ordinal, deleted, CAST(image AS text), unavailable, partition, "offset"
FROM understudy.waiting WHERE generation = 1 AND entity = %s AND source = %s AND legacy_key = ANY(%s)"""
_FETCHED = {
    "__key": pl.String,
    "__epoch": pl.Int32,
    "__lsn": pl.Int64,
    "__ordinal": pl.Int64,
    "__first_epoch": pl.Int64,
    "__first_lsn": pl.Int64,
    "__first_ordinal": pl.Int64,
    "__deleted": pl.Boolean,
    "__image": pl.String,
    "__unavailable": pl.List(pl.String),
    "__partition": pl.Int32,
    "__offset": pl.Int64,
}


def exists(cursor: Cursor, plan: EntityPlan) -> bool:
    """Whether anything waits for a key of this entity."""
    query = "SELECT EXISTS (SELECT FROM understudy.waiting WHERE generation = 1 AND entity = %s)"
    return bool(cursor.execute(query, [plan.name]).fetchall()[0][0])


def fetch(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> pl.DataFrame:
    """The merged images of some keys, as a layer for overlay.py (without the legacy columns: they are in `__image`)."""
    rows = cursor.execute(_FETCH, [plan.name, str(plan.entity.source), list(keys)]).fetchall()
    return pl.DataFrame(rows, schema=_FETCHED, orient="row")


def save(cursor: Cursor, plan: EntityPlan, rows: pl.DataFrame, reasons: Sequence[Reason]) -> None:
    """Set rows aside.

    Args:
        rows: As overlay.py yields them, with `__id`.
        reasons: One per row, in the same order.
    """
    if rows.is_empty():
        return
    why = pl.DataFrame(
        {
            "reason": [reason.why.value for reason in reasons],
            "waits_for": [reason.waits_for for reason in reasons],
            "waits_id": [reason.waits_id for reason in reasons],
            "sqlstate": [reason.sqlstate for reason in reasons],
            "error": [reason.error for reason in reasons],
            "constraint_name": [reason.constraint for reason in reasons],
            "column_name": [reason.column for reason in reasons],
        },
        schema=dict.fromkeys(
            (
                "reason",
                "waits_for",
                "waits_id",
                "sqlstate",
                "error",
                "constraint_name",
                "column_name",
            ),
            pl.String,
        ),
    )
    image = pl.Series("image", images.encode(rows, plan.legacy.columns))
    unavailable = [
        None if names is None else _array(names) for names in rows["__unavailable"].to_list()
    ]
    frame = pl.concat(
        [
            rows.select(
                "__key",
                "__id",
                "__epoch",
                "__lsn",
                "__ordinal",
                *FIRST,
                (pl.col("__op") == "d").alias("deleted"),
            ),
            pl.DataFrame([image, pl.Series("unavailable", unavailable, dtype=pl.String)]),
            rows.select("__partition", "__offset"),
            why,
        ],
        how="horizontal",
    )
    cursor.execute(CREATE_STAGE)
    staging.copy_into(
        cursor, "pg_temp.set_aside", [f'"{name}"' for name in _COLUMNS], staging.copy_text(frame)
    )
    cursor.execute(_SAVE, [plan.name, str(plan.entity.source), None])
    cursor.execute("DELETE FROM pg_temp.set_aside")


def _array(names: Sequence[str]) -> str:
    """An array literal of PostgreSQL."""
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    return "{" + ",".join(f'"{name}"' for name in quoted) + "}"


def forget(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> None:
    """What waited for these keys has been applied, or is stale."""
    if keys:
        query = "DELETE FROM understudy.waiting WHERE generation = 1 AND entity = %s AND source = %s AND legacy_key = ANY(%s)"
        cursor.execute(query, [plan.name, str(plan.entity.source), list(keys)])
