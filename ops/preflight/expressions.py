"""The target itself reads every rule: each is planned over an empty row of the legacy table's types.

Nothing is kept: the control schema, whose functions the rules call, is made in a transaction that is rolled back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from consumers import control, join_sql, judge_sql, statement
from consumers.catalog import TargetTable
from consumers.compilation import compile_plan
from consumers.conversion import ident, literal, unmodified
from consumers.plan import Parent, Surroundings, leaf
from consumers.transform import Transform
from ops.databases import Connection
from ops.preflight import spelled, types, words
from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Side, error, in_entity, warning
from ops.preflight.probe import Probe
from schemas.errors import ConfigError
from schemas.migration import Migration
from schemas.rules import Copy, Default, Python, Ref, Sql, Timezone
from schemas.table import Column

_LOCAL = "timestamp without time zone"
_MOMENT = "timestamp with time zone"
_OTHER_TYPE = "Write { sql = ... } with the conversion that is meant, or change the column's type."
_LOSES = (
    "Change the column's type, or write { sql = ... } with the conversion that is meant "
    "and an [expect] that what is left out is nothing."
)
_REMEDY = "Correct the expression; it sees the legacy row in its own types, enums and extension types as text."


def check(
    connection: Connection,
    migration: Migration,
    sources: dict[str, SourceTable],
    targets: dict[str, TargetTable],
) -> Iterator[Finding]:
    """What the target has against the rules of the entities that exist on both sides."""
    names = sorted(sources.keys() & targets.keys())
    with connection.transaction(force_rollback=True):
        provide_control(connection, migration, names)
        around = _surroundings(connection, migration)
        for name in names:
            entity, source, target = migration.entities[name], sources[name], targets[name]
            yield from _entity(
                Probe(
                    connection=connection,
                    migration=migration,
                    entity=entity,
                    source=source,
                    target=target,
                    plan=compile_plan(entity, source.table, target, around),
                )
            )


def provide_control(connection: Connection, migration: Migration, names: Sequence[str]) -> None:
    """Have the control schema as it will be.

    Args:
        connection: In a transaction that is rolled back.
        migration: All entity files.
        names: Of entities whose target tables exist.
    """
    control.migrate(connection)
    # Registering one that is there already would stop its workers for as long as this takes.
    control.register(
        connection,
        [migration.entities[name] for name in names if not _is_registered(connection, name)],
        migration.folder,
    )


def _is_registered(connection: Connection, entity: str) -> bool:
    query = "SELECT to_regclass(%s) IS NOT NULL"
    return connection.execute(query, (ident("understudy", leaf(entity)),)).fetchall() == [(True,)]


def _surroundings(connection: Connection, migration: Migration) -> Surroundings:
    return Surroundings(
        namespace=migration.pipeline.namespace,
        parents={name: Parent.of(entity) for name, entity in migration.entities.items()},
        server_version=connection.info.server_version,
    )


def _entity(probe: Probe) -> Iterator[Finding]:
    found = [*_conditions(probe)]
    for written in probe.plan.written:
        found += _column(probe, written.column, written.value)
    yield from found
    if not found:
        yield from _statement(probe)


def _conditions(probe: Probe) -> Iterator[Finding]:
    entity = probe.entity
    conditions = {"where": entity.where} if entity.where else {}
    conditions |= {f"expect.{name}": text for name, text in entity.expect.items()}
    conditions |= {
        f"columns.{name}.when": rule.when for name, rule in entity.refs.items() if rule.when
    }
    for key, condition in conditions.items():
        yield from _judged(probe, key, condition, probe.selected("", condition))


def _judged(probe: Probe, key: str, expression: str, problem: str | None) -> Iterator[Finding]:
    """An expression of the entity file, by what the target has against it."""
    place = in_entity(probe.migration, probe.entity, key)
    found = words.misread(probe, expression) if problem else words.replaced(probe, expression)
    means = f"{' and '.join(found)} is a word of SQL there, not the legacy column" if found else ""
    if problem or found:
        what = f"the target refuses the expression: {problem}" if problem else ""
        said = "; ".join(filter(None, (what, means)))
        remedy = words.remedy(found) if found else _REMEDY
        yield error(Side.CONFIG, "expression", place, said, remedy)


def _statement(probe: Probe) -> Iterator[Finding]:
    """The statements of the apply, as they will be: a name may be ambiguous in them alone."""
    plan = probe.plan
    writes = [
        judge_sql.look_up(plan, reference, reference.lookup)
        for reference in plan.references
        if reference.lookup
    ]
    if plan.entity.joined:
        writes += [join_sql.leave(plan), statement.win(plan), statement.update_winners(plan)]
    elif plan.has_secondary:
        writes += [
            statement.win(plan),
            statement.update_winners(plan),
            statement.insert_winners(plan),
        ]
    else:
        writes.append(statement.merge(plan, deletes=True))
    for write in writes:
        problem = probe.complaint(f"{statement.create_stage(plan)}; EXPLAIN {write}")
        if problem:
            what = f"the target refuses what the rules come to: {problem}"
            place = in_entity(probe.migration, probe.entity, "columns")
            remedy = 'Write s."..." for a legacy column whose name is ambiguous.'
            yield error(Side.CONFIG, "statement", place, what, remedy)
            return


def _column(probe: Probe, name: str, value: str) -> Iterator[Finding]:
    rule, key = probe.entity.columns[name], f"columns.{name}"
    match rule:
        case Copy() | Default():
            yield from _copy(probe, name, rule)
        case Timezone():
            yield from _timezone(probe, name, rule)
        case Python():
            yield from _python(probe, name, rule)
        case Sql():
            yield from _judged(probe, key, rule.sql, probe.assigned(name, value))
        case Ref(sql=str(text)):
            yield from _judged(probe, key, text, probe.selected(f"CAST((\n{text}\n) AS text)"))
        case _:
            pass
    yield from spelled.check(probe, name)


def _copy(probe: Probe, name: str, rule: Copy | Default) -> Iterator[Finding]:
    origin = probe.source.table.column(rule.source)
    if origin is not None:
        yield from _fit(probe, name, origin, ident("s", origin.name))
        yield from _zone(probe, name, origin)


def _zone(probe: Probe, name: str, origin: Column) -> Iterator[Finding]:
    """A local time that is copied into a moment."""
    column = probe.target.table.column(name)
    kinds = [unmodified(kind.base) for kind in (origin, column) if kind]
    if kinds == [_LOCAL, _MOMENT]:
        what = f"{origin.name} is a local time and column {name} of {probe.entity.target} a moment: it is read as UTC"
        remedy = f'Write {name} = {{ from = "{origin.name}", timezone = "..." }}.'
        place = in_entity(probe.migration, probe.entity, f"columns.{name}")
        yield warning(Side.TARGET, "timezone-assumed", place, what, remedy)


def _fit(probe: Probe, name: str, origin: Column, value: str) -> Iterator[Finding]:
    """Whether values of one column, or what is made of it, fit into a column of the target."""
    column = probe.target.table.column(name)
    if column is None:
        return
    key = f"columns.{name}"
    kinds = f"{origin.name} is {origin.type} and column {name} of {probe.entity.target} is {column.type}"
    # A text may hold the form of any type; whether it does is asked row by row.
    problem = None if types.meet(origin.base, "text") else probe.assigned(name, value)
    lost = types.lost(origin.base, column.base)
    if problem:
        yield probe.finding("type-mismatch", key, f"{kinds}: {problem}", _OTHER_TYPE)
    elif lost:
        yield probe.finding("type-loses", key, f"{kinds}: it has no place for the {lost}", _LOSES)
    elif types.is_narrower(origin.base, column.base):
        what = f"{kinds}: values that do not fit become dead letters"
        remedy = f"ALTER TABLE {probe.entity.target} ALTER {name} TYPE {origin.base}."
        place = in_entity(probe.migration, probe.entity, key)
        yield warning(Side.TARGET, "type-narrower", place, what, remedy)


def _timezone(probe: Probe, name: str, rule: Timezone) -> Iterator[Finding]:
    origin, key = probe.source.table.column(rule.source), f"columns.{name}"
    problem = probe.complaint(f"SELECT now() AT TIME ZONE {literal(rule.timezone)}")
    if problem:
        yield probe.finding("timezone", key, problem, "Write a name such as Europe/Vienna.")
    if origin and origin.base.startswith("timestamp") and origin.base.endswith(" with time zone"):
        what = f"{origin.name} is {origin.type}: it knows its moment already"
        yield probe.finding("timezone", key, what, f'Copy it: {name} = "{origin.name}".')
    elif origin:
        moment = replace(origin, type=_MOMENT, base=_MOMENT)
        yield from _fit(probe, name, moment, f"CAST(NULL AS {_MOMENT})")


def _python(probe: Probe, name: str, rule: Python) -> Iterator[Finding]:
    try:
        Transform(probe.plan, {}, probe.migration.folder)
    except Exception as problem:  # noqa: BLE001 - anything may come out of a module that we did not write
        detail = problem.detail if isinstance(problem, ConfigError) else type(problem).__name__
        place = in_entity(probe.migration, probe.entity, f"columns.{name}")
        what = f"{rule.python} cannot be loaded: {detail}"
        remedy = "Write the function into that module of the migration folder."
        yield error(Side.CONFIG, "python", place, what, remedy)
