"""Asking the target what it has against an expression, without executing or keeping anything.

Source: PostgreSQL manual, "EXPLAIN" (without ANALYZE a statement is planned, not executed).
"""

from dataclasses import dataclass

import psycopg

from consumers.catalog import TargetTable
from consumers.conversion import ident
from consumers.plan import EntityPlan
from ops.databases import Connection, first_line
from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Side, error, in_entity
from schemas.entity import Entity
from schemas.migration import Migration

_REFUSED_RIGHT = "42501"  # Said with the rights.


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One entity under examination, in a transaction that is rolled back."""

    connection: Connection
    migration: Migration
    entity: Entity
    source: SourceTable
    target: TargetTable
    plan: EntityPlan

    def finding(self, code: str, key: str, what: str, remedy: str) -> Finding:
        """An error about a key of the entity's file."""
        return error(Side.TARGET, code, in_entity(self.migration, self.entity, key), what, remedy)

    def complaint(self, statement: str) -> str | None:
        """What the target has against a statement, and its hint."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(statement.encode())
        except psycopg.Error as problem:
            if problem.sqlstate == _REFUSED_RIGHT:
                return None
            hint = problem.diag.message_hint
            return first_line(problem) + (f" ({hint})" if hint else "")
        return None

    def selected(self, expression: str, condition: str = "true") -> str | None:
        """What it has against an expression over the legacy row, or a condition."""
        return self.complaint(
            f"EXPLAIN SELECT {expression} {self._from_nothing} AND (\n{condition}\n)"
        )

    def assigned(self, column: str, expression: str) -> str | None:
        """What it has against writing an expression over the legacy row into a column."""
        place = f"{self.plan.table} ({ident(column)})"
        return self.complaint(
            f"EXPLAIN INSERT INTO {place} OVERRIDING SYSTEM VALUE SELECT {expression} {self._from_nothing}"
        )

    def is_true(self, expression: str) -> bool:
        """Whether an expression without columns is true."""
        row = self.connection.execute(f"SELECT {expression}".encode()).fetchone()
        return row is not None and bool(row[0])

    @property
    def _from_nothing(self) -> str:
        """No row, with the columns of the staging table under its alias."""
        columns = {column.name: column.base for column in self.source.table.columns}
        columns |= {derived.name: derived.type for derived in self.plan.derived} | {"__id": "uuid"}
        cells = ", ".join(
            f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in columns.items()
        )
        return f"FROM (SELECT {cells}) AS s WHERE false"
