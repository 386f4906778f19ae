"""What keeps rows of the target from going back: found before the cutover, column by column."""

from collections.abc import Iterator

import psycopg

from consumers.conversion import ident
from consumers.reverse import statement
from consumers.reverse.compilation import compile_all
from consumers.reverse.plan import Back, Refusal, TableBack
from ops.cutover.reverse_wiring import captured_tables
from ops.databases import Connection, first_line
from ops.preflight.findings import (
    Finding,
    Severity,
    Side,
    error,
    failed,
    in_entity,
    in_pipeline,
    warning,
)
from producers import catalog
from schemas.errors import UnderstudyError
from schemas.migration import Migration

# Triggers that fire for what the way back writes; our own fence lets it through.
_TRIGGERS = """
    SELECT t.tgname::text FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = to_regclass(%s) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
        AND NOT starts_with(t.tgname::text, 'understudy')
    ORDER BY 1"""

# Foreign keys that do not follow a changed key, by some of its columns; whether they let go of it and lose it.
_HOLDING = """
    SELECT format('%%s of %%s', c.conname, c.conrelid::regclass), c.confupdtype IN ('n', 'd')
    FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confupdtype <> 'c' AND c.confrelid = to_regclass(%s)
        AND EXISTS (SELECT FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = c.confrelid AND a.attnum = ANY (c.confkey) AND a.attname = ANY (%s))
    ORDER BY 1"""


def refusals(migration: Migration, source: Connection, target: Connection) -> list[Finding]:
    """What has no way back, and what the operator should know of it.

    Args:
        migration: As its files say now.
        source: A session with the legacy database; what is made there is rolled back.
        target: A session with the new one.

    Returns:
        Errors keep the cutover from being taken back; without any there is a way back.
    """
    found = list(_captured(migration, target))
    try:
        tables, refused = compile_all(migration, source, target)
    except UnderstudyError as problem:
        return [
            *found,
            failed(Side.CONFIG, "no-way-back", in_pipeline(migration, "pipeline"), problem),
        ]
    found += [_finding(migration, refusal) for refusal in refused]
    refusing = {refusal.entity for refusal in refused}
    for table in tables:
        if refusing.isdisjoint(back.name for back in table.entities):
            found += _kept_back(migration, table)
            found += _renamed(migration, source, table)
    if not any(finding.severity is Severity.ERROR for finding in found):
        for table in tables:
            found += _tried(migration, source, table)
    return [*found, *_triggers(migration, source)]


def _finding(migration: Migration, refusal: Refusal) -> Finding:
    place = in_entity(migration, migration.entities[refusal.entity], refusal.key)
    return error(Side.CONFIG, "no-way-back", place, refusal.what, refusal.remedy)


def _kept_back(migration: Migration, table: TableBack) -> Iterator[Finding]:
    """What the way back leaves out because the files say so: it stops nothing now, and somebody should know."""
    for back, column in table.one_way():
        yield warning(
            Side.CONFIG,
            "way-back-leaves-out",
            in_entity(migration, back.entity, f"columns.{column}"),
            f"what is written to {table.label}.{column} after the switch does not go back: no legacy column has it, "
            "and after a rollback it is again what the rule makes",
            "Nothing where nobody writes it. Else have a legacy column take it: [inverse.columns].",
        )
    if not table.takes_new:
        yield warning(
            Side.CONFIG,
            "way-back-stops",
            in_entity(migration, table.entities[0].entity, "inverse.new_rows"),
            f"a row that is born in {table.label} after the switch stops the way back, and all that comes after it",
            "Have nobody add one, or enter it by hand on the legacy side; "
            "or write new_rows = true, and lead its columns back.",
        )


def _renamed(migration: Migration, source: Connection, table: TableBack) -> Iterator[Finding]:
    """Foreign keys that hold a legacy key fast that rows of the target may change."""
    for back in table.entities:
        changing = [c.name for c, way in zip(back.key, back.key_ways, strict=True) if way]
        place = ident(*back.entity.source.place)
        found = source.execute(_HOLDING, [place, changing]).fetchall()
        for effect, is_lost in (("stops the way back", False), ("loses their reference", True)):
            keys = [str(name) for name, loses in found if loses is is_lost]
            if not keys:
                continue
            yield warning(
                Side.SOURCE,
                "way-back-key",
                in_entity(migration, back.entity, "source"),
                f"a key of {back.entity.source} that is changed on the target after the switch {effect} "
                f"where rows refer to it: {', '.join(keys)} without ON UPDATE CASCADE",
                "Nothing where nobody changes such a key. Else add these foreign keys again with ON UPDATE CASCADE.",
            )


def _captured(migration: Migration, target: Connection) -> Iterator[Finding]:
    """Whether the target's tables can be captured."""
    place = in_pipeline(migration, "target.dsn")
    try:
        catalog.check_server(target)
    except UnderstudyError as problem:
        yield failed(Side.TARGET, "target-not-captured", place, problem)
    for table in captured_tables(migration):
        entity = next(e for e in migration.entities.values() if e.target.place == table.place)
        at = in_entity(migration, entity, "target")
        try:
            found = catalog.read_table(target, table)
        except UnderstudyError as problem:
            yield failed(Side.TARGET, "target-not-captured", at, problem)
            continue
        if entity.id_column not in found.key:
            yield error(
                Side.TARGET,
                "target-not-captured",
                at,
                f"the primary key of {table.label} lacks {entity.id_column}, so a delete does not say of which row",
                f"Make {entity.id_column} a column of the primary key.",
            )


def _tried(migration: Migration, source: Connection, table: TableBack) -> Iterator[Finding]:
    """Whether the legacy server takes the statements, over no rows."""
    for back in table.entities:
        for query in _statements(table, back):
            try:
                with source.transaction(force_rollback=True):
                    source.execute(statement.create_stage(table).encode())
                    raw = psycopg.RawCursor(source)
                    raw.execute(f"EXPLAIN {query}".encode(), (0, 0) if "$1" in query else ())
            except psycopg.Error as problem:
                what = f"the legacy database does not take the way back: {first_line(problem)}"
                place = in_entity(migration, back.entity, "inverse")
                remedy = (
                    "Correct [inverse] or the inverse of a rule, or grant the role what it lacks."
                )
                yield error(Side.CONFIG, "way-back-fails", place, what, remedy)
                break


def _statements(table: TableBack, back: Back) -> Iterator[str]:
    yield statement.insert(table, back)
    yield statement.update(table, back, frozenset())
    yield statement.delete(table, back)
    yield from filter(None, (statement.faults(table, back), statement.excluded(table, back)))


def _triggers(migration: Migration, source: Connection) -> Iterator[Finding]:
    """Triggers see the rows a second time: what they would write, the target has written already."""
    for entity in migration.entities.values():
        name = ident(*entity.source.place)
        for (trigger,) in source.execute(_TRIGGERS, [name]).fetchall():
            yield warning(
                Side.SOURCE,
                "way-back-triggers",
                in_entity(migration, entity, "source"),
                f"the trigger {trigger} of {entity.source} fires for what the way back writes",
                "Have it do nothing where current_setting('understudy.fence', true) = 'off', or disable it.",
            )
