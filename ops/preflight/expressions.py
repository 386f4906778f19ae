"""The target itself reads every rule: each expression is planned over an empty row of the legacy table's types.

Nothing is kept: the control schema, whose functions the rules call, is made in a transaction that is rolled back.
Source: PostgreSQL manual, "EXPLAIN" (without ANALYZE nothing is executed).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from consumers.catalog import TargetTable
from consumers.conversion import Conversion, convert, ident, literal
from consumers.plan import EntityPlan, Parent, Surroundings, compile_plan
from consumers.transform import Transform
from ops.databases import Connection, first_line
from ops.preflight import types
from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Side, error, in_entity, warning
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.migration import Migration
from schemas.rules import Constant, Copy, Default, Python, Ref, Sql, Timezone, Values

_CONTROL_SQL = files("schemas.control").joinpath("0001.sql").read_bytes()
_HAS_CONTROL = "SELECT to_regnamespace('understudy') IS NOT NULL"
_CHECKS_SQL = """
    SELECT pg_catalog.pg_get_expr(k.conbin, k.conrelid)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
    WHERE k.contype = 'c' AND k.conrelid = %s AND a.attname = %s
"""
CAN_ASK_SINCE = 160_000  # pg_input_is_valid
_REFUSED_RIGHT = "42501"  # Said with the rights.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """One entity under examination."""

    connection: Connection
    migration: Migration
    entity: Entity
    source: SourceTable
    target: TargetTable
    plan: EntityPlan

    def finding(self, code: str, key: str, what: str, remedy: str) -> Finding:
        return error(Side.TARGET, code, in_entity(self.migration, self.entity, key), what, remedy)

    def complaint(self, statement: str) -> str | None:
        """What the target has against a statement."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(statement.encode())
        except psycopg.Error as problem:
            if problem.sqlstate == _REFUSED_RIGHT:
                return None
            hint = problem.diag.message_hint
            return first_line(problem) + (f" ({hint})" if hint else "")
        return None

    def is_true(self, expression: str) -> bool:
        row = self.connection.execute(f"SELECT {expression}".encode()).fetchone()
        return row is not None and bool(row[0])

    @property
    def stage(self) -> str:
        """An empty relation with the columns of the staging table."""
        columns = {column.name: column.base for column in self.source.table.columns}
        columns |= {derived.name: derived.type for derived in self.plan.derived} | {"__id": "uuid"}
        cells = ", ".join(
            f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in columns.items()
        )
        return f"(SELECT {cells}) AS s WHERE false"


def check(
    connection: Connection,
    migration: Migration,
    sources: dict[str, SourceTable],
    targets: dict[str, TargetTable],
) -> Iterator[Finding]:
    """What the target has against the rules of the entities that exist on both sides."""
    with connection.transaction(force_rollback=True):
        row = connection.execute(_HAS_CONTROL).fetchone()
        if row and not row[0]:
            connection.execute(_CONTROL_SQL)
        around = _surroundings(connection, migration)
        for name in sorted(sources.keys() & targets.keys()):
            entity, source, target = migration.entities[name], sources[name], targets[name]
            plan = compile_plan(entity, source.table, target, around)
            yield from _entity(
                _Probe(
                    connection=connection,
                    migration=migration,
                    entity=entity,
                    source=source,
                    target=target,
                    plan=plan,
                )
            )


def _surroundings(connection: Connection, migration: Migration) -> Surroundings:
    return Surroundings(
        namespace=migration.pipeline.namespace,
        parents={
            name: Parent(entity=name, place=entity.target.place, id_column=entity.id_column)
            for name, entity in migration.entities.items()
        },
        server_version=connection.info.server_version,
    )


def _entity(probe: _Probe) -> Iterator[Finding]:
    entity = probe.entity
    conditions = {"where": entity.where} if entity.where else {}
    conditions |= {f"expect.{name}": text for name, text in entity.expect.items()}
    for key, condition in conditions.items():
        problem = probe.complaint(f"EXPLAIN SELECT FROM {probe.stage} AND (\n{condition}\n)")
        if problem:
            yield probe.finding(
                "expression", key, f"the target refuses the condition: {problem}", _SQL_REMEDY
            )
    for written in probe.plan.written:
        yield from _column(probe, written.column, written.value)


_SQL_REMEDY = "Correct the expression; it sees the legacy row in its own types (enums and extension types as text)."


def _column(probe: _Probe, name: str, value: str) -> Iterator[Finding]:
    rule, key = probe.entity.columns[name], f"columns.{name}"
    match rule:
        case Copy() | Default():
            yield from _copy(probe, name, rule)
        case Sql():
            problem = _assigned(probe, name, value)
            if problem:
                yield probe.finding(
                    "expression", key, f"the target refuses the expression: {problem}", _SQL_REMEDY
                )
        case Ref(sql=str(text)):
            problem = probe.complaint(
                f"EXPLAIN SELECT CAST((\n{text}\n) AS text) FROM {probe.stage}"
            )
            if problem:
                yield probe.finding(
                    "expression", key, f"the target refuses the expression: {problem}", _SQL_REMEDY
                )
        case Timezone():
            yield from _timezone(probe, name, rule)
        case Python():
            yield from _python(probe, name, rule)
        case _:
            pass
    yield from _values(probe, name)


def _assigned(probe: _Probe, name: str, value: str) -> str | None:
    return probe.complaint(
        f"EXPLAIN INSERT INTO {probe.plan.table} ({ident(name)}) OVERRIDING SYSTEM VALUE SELECT {value} FROM {probe.stage}"
    )


def _copy(probe: _Probe, name: str, rule: Copy | Default) -> Iterator[Finding]:
    origin, column = probe.source.table.column(rule.source), probe.target.table.column(name)
    if origin is None or column is None:
        return
    # A text may hold the form of any type; whether it does is asked row by row.
    is_text = types.meet(origin.base, "text")
    problem = None if is_text else _assigned(probe, name, ident("s", origin.name))
    if problem:
        yield probe.finding(
            "type-mismatch",
            f"columns.{name}",
            f"{origin.name} is {origin.type} and column {name} of {probe.entity.target} is {column.type}: {problem}",
            "Write { sql = ... } with the conversion that is meant, or change the column's type.",
        )
    elif types.is_narrower(origin.base, column.type):
        yield warning(
            Side.TARGET,
            "type-narrower",
            in_entity(probe.migration, probe.entity, f"columns.{name}"),
            f"{origin.name} is {origin.type} and column {name} of {probe.entity.target} is {column.type}: "
            "values that do not fit become dead letters",
            f"ALTER TABLE {probe.entity.target} ALTER {name} TYPE {origin.base}.",
        )


def _timezone(probe: _Probe, name: str, rule: Timezone) -> Iterator[Finding]:
    origin, key = probe.source.table.column(rule.source), f"columns.{name}"
    problem = probe.complaint(f"SELECT now() AT TIME ZONE {literal(rule.timezone)}")
    if problem:
        yield probe.finding("timezone", key, problem, "Write a name such as Europe/Vienna.")
    if origin and origin.base.startswith("timestamp") and origin.base.endswith("with time zone"):
        yield probe.finding(
            "timezone",
            key,
            f"{origin.name} is {origin.type}: it knows its moment already",
            f'Copy it: {name} = "{origin.name}".',
        )


def _python(probe: _Probe, name: str, rule: Python) -> Iterator[Finding]:
    try:
        Transform(probe.plan, {}, probe.migration.folder)
    except Exception as problem:  # noqa: BLE001 - anything may come out of a module that we did not write
        detail = problem.detail if isinstance(problem, ConfigError) else type(problem).__name__
        yield error(
            Side.CONFIG,
            "python",
            in_entity(probe.migration, probe.entity, f"columns.{name}"),
            f"{rule.python} cannot be loaded: {detail}",
            "Write the function into that module of the migration folder.",
        )


def _values(probe: _Probe, name: str) -> Iterator[Finding]:
    """The values that a file spells out must be values of the column, and pass the checks on that column alone."""
    rule, column = probe.entity.columns[name], probe.target.table.column(name)
    match rule:
        case Values():
            spelled = list(dict.fromkeys(rule.values.values()))
        case Constant():
            spelled = [rule.constant]
        case Default():
            spelled = [rule.default]
        case _:
            spelled = []
    if column is None:
        return
    checks = probe.connection.execute(_CHECKS_SQL, (probe.target.table.oid, name)).fetchall()
    for value in spelled:
        conversion = convert(
            literal(str(value)),
            "text",
            column.type,
            can_ask=probe.connection.info.server_version >= CAN_ASK_SINCE,
        )
        if not _fits(probe, name, conversion, [str(row[0]) for row in checks]):
            yield probe.finding(
                "value-refused",
                f"columns.{name}",
                f"column {name} of {probe.entity.target} ({column.type}) does not take the value {value}",
                "Write a value that its type and its checks allow.",
            )


def _fits(probe: _Probe, name: str, conversion: Conversion, checks: list[str]) -> bool:
    if conversion.fault and probe.is_true(conversion.fault):
        return False
    if probe.complaint(f"SELECT {conversion.value}"):
        return False
    cell = f"(SELECT {conversion.value} AS {ident(name)}) AS t"
    return not any(
        probe.is_true(f"EXISTS (SELECT FROM {cell} WHERE NOT ({check}))") for check in checks
    )
