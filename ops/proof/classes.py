"""What became of each legacy row, as the target's control schema and the target's table say it. Pure SQL building."""

from enum import Enum

from psycopg import sql

from consumers.plan import leaf
from schemas.entity import Entity


class Class(Enum):
    """What became of a row."""

    TARGET = "target"
    MERGED = "merged"
    DEAD_LETTER = "dead letter"
    PARKED = "parked"
    EXCLUDED = "excluded"
    HELD = "deleted, but rows refer to it still"
    LOST = "mapped, but not in the target"
    GONE = "deleted, or moved to another key"


# A row that waits is what it waits as, whatever older version of it is in the target.
_CLASSES = sql.SQL("""
    SELECT coalesce(m.legacy_key, w.legacy_key),
        CASE
            WHEN w.deleted THEN 'deleted, but rows refer to it still'
            WHEN w.reason = 'rule' THEN 'dead letter'
            WHEN w.reason IS NOT NULL THEN 'parked'
            WHEN m.state = 'x' THEN 'excluded'
            WHEN m.state = 'l' AND t.id IS NULL THEN 'mapped, but not in the target'
            WHEN m.state = 'l' THEN {present}
            ELSE 'deleted, or moved to another key'
        END,
        CASE
            WHEN w.reason IS NOT NULL AND px.id IS NOT NULL THEN 'its row of ' || w.waits_for || ' is excluded'
            WHEN w.reason = 'rule' THEN concat_ws(': ', coalesce(w.column_name, w.constraint_name), w.error)
            WHEN w.reason = 'parent' THEN 'no row of ' || w.waits_for
            WHEN w.reason = 'watermark' THEN 'its row of ' || w.waits_for || ' may still come'
            WHEN w.reason = 'unique' THEN coalesce(w.constraint_name, w.waits_for) || ': another row has its value'
            WHEN w.reason = 'children' THEN 'rows of ' || w.waits_for || ' refer to it'
            WHEN w.reason = 'base' THEN 'its earlier version is missing'
            WHEN m.state = 'x' THEN 'given up: ' || a.why
        END,
        m.repaired
    FROM (
        SELECT legacy_key, id, state, repaired FROM {mapping} WHERE generation = 1 AND source = {source}
    ) m
    FULL JOIN (
        SELECT legacy_key, reason, deleted, waits_for, waits_id, error, column_name, constraint_name
        FROM understudy.waiting
        WHERE generation = understudy.generation(entity) AND entity = {entity} AND source = {source}
    ) w USING (legacy_key)
    LEFT JOIN (SELECT {id} AS id FROM {target}) t ON t.id = m.id
    LEFT JOIN understudy.migration_mappings px
        ON px.generation = 1 AND px.entity = w.waits_for AND px.id = w.waits_id AND px.state = 'x'
    LEFT JOIN (
        SELECT key, max(detail ->> 'why') AS why
        FROM understudy.audit_log, jsonb_array_elements_text(detail -> 'keys') AS key
        WHERE action = 'discard' AND subject = {entity}
        GROUP BY key
    ) a ON a.key = m.legacy_key AND m.state = 'x'""")


def classes(entity: Entity) -> sql.Composed:
    """One row for each legacy key that an entity has ever had.

    Returns:
        Columns: legacy key, value of `Class`, the reason (NULL for rows in the target and by the rule of exclusion),
        whether the row found a reference by an alternative key.
    """
    present = Class.MERGED if entity.joined else Class.TARGET
    return _CLASSES.format(
        present=sql.Literal(present.value),
        mapping=sql.Identifier("understudy", leaf(entity.name)),
        source=sql.Literal(str(entity.source)),
        entity=sql.Literal(entity.name),
        id=sql.Identifier(entity.id_column),
        target=sql.Identifier(*entity.target.place),
    )
