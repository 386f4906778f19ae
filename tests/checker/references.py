"""Whether the target's foreign keys hold, asked row by row.

A constraint that was suspended while rows were loaded looks valid and need not be.
"""

import psycopg
from psycopg import sql

from tests.checker.database import Row, read, scalar
from tests.checker.report import Problem

_FOREIGN_KEYS = """
    SELECT c.conname, c.convalidated, ns.nspname, child.relname, np.nspname, parent.relname,
           (SELECT string_agg(a.attname, E'\\x1f' ORDER BY k.position)
            FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, position)
            JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum),
           (SELECT string_agg(a.attname, E'\\x1f' ORDER BY k.position)
            FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, position)
            JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.attnum)
    FROM pg_constraint AS c
    JOIN pg_class AS child ON child.oid = c.conrelid
    JOIN pg_namespace AS ns ON ns.oid = child.relnamespace
    JOIN pg_class AS parent ON parent.oid = c.confrelid
    JOIN pg_namespace AS np ON np.oid = parent.relnamespace
    WHERE c.contype = 'f' AND ns.nspname = %s
    ORDER BY child.relname, c.conname
"""


def check_references(target: psycopg.Connection, schema: str) -> list[Problem]:
    """Constraints of a schema that are not validated, or that rows break."""
    problems = []
    for constraint in read(target, _FOREIGN_KEYS, (schema,)).rows:
        name, validated, _, table, *_ = constraint
        place = {"entity": table or "", "column": name or ""}
        if validated != "t":
            problems.append(Problem(kind="foreign key", **place, detail="not validated"))
        orphans = int(scalar(target, _orphans(constraint)))
        if orphans:
            problems.append(
                Problem(kind="orphan", **place, detail=f"{orphans} rows without a parent")
            )
    return problems


def _orphans(constraint: Row) -> sql.Composed:
    """Build the count of child rows whose whole foreign key is there and whose parent is not."""
    _, _, child_schema, child, parent_schema, parent, columns, parent_columns = (
        value or "" for value in constraint
    )
    names = [sql.Identifier("child", name) for name in columns.split("\x1f")]
    parents = [sql.Identifier("parent", name) for name in parent_columns.split("\x1f")]
    present = [sql.SQL("{} IS NOT NULL").format(name) for name in names]
    equal = [sql.SQL("{} = {}").format(*pair) for pair in zip(names, parents, strict=True)]
    return sql.SQL(
        "SELECT count(*) FROM {} AS child WHERE {}"
        " AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})"
    ).format(
        sql.Identifier(child_schema, child),
        sql.SQL(" AND ").join(present),
        sql.Identifier(parent_schema, parent),
        sql.SQL(" AND ").join(equal),
    )
