"""Rows of both sides as numbers: equal where the rows are, and another one for the smallest difference."""

from typing import Any

import pytest
from psycopg import sql

from consumers.conversion import is_alike
from consumers.plain import Plain
from ops.proof import prints, source_rows
from ops.proof.prints import Prints
from schemas.errors import SourceError
from tests.integration.apply.migrated import Migrated
from tests.type_zoo import SETUP_SQL, ZOO

# Without the types that are somebody's own: they may be others of the same name. A server may have no XML.
KINDS = [(kind, values) for kind, values in ZOO if kind != "xml" and "public." not in kind]
THINGS: dict[str, Any] = {
    "columns": {
        "id": {"uuid": True},
        "label": "name",
        "price": "price",
        "is_old": "is_old",
        "data": "data",
        "parent": {"ref": "things", "from": "parent_id", "missing": "keep"},
    }
}


def plain_of(migrated: Migrated, name: str) -> Plain:
    plain = Plain.of(migrated.appliers[name].stage)
    assert plain is not None
    return plain


def differing(migrated: Migrated, name: str) -> list[str]:
    """Legacy keys whose numbers the target does not have."""
    plain, connection, found, keys = plain_of(migrated, name), migrated.connection, Prints(), []
    legacy = migrated.appliers[name].stage.plan.legacy
    for stretch in source_rows.all_rows(connection, legacy):
        for block, expected in prints.of_source(plain, connection, stretch):
            keys.append(block)
            found.expected.append(expected)
    for stretch in source_rows.all_rows(connection, prints.target_table(plain)):
        found.found.extend(prints.of_target(plain, connection, stretch))
    return found.differing(keys)


@pytest.fixture
def things(migrated: Migrated) -> Migrated:
    """Nine rows in the source, and just what they should be in the target."""
    legacy = "name text, price numeric(12,2), is_old boolean, data bytea"
    migrated.table("things", f"id int PRIMARY KEY, {legacy}, parent_id int", "")
    migrated.connection.execute(
        "ALTER TABLE app.things ADD id uuid PRIMARY KEY, ADD label text, ADD price numeric(12,2),"
        " ADD is_old boolean, ADD data bytea, ADD parent uuid, ADD note text"
    )
    migrated.migrate({"things": THINGS})
    for n in range(1, 10):
        row = (f"name {n}", n, bool(n % 2), bytes([n]))
        migrated.connection.execute(
            "INSERT INTO legacy.things VALUES (%s, %s, %s, %s, %s, %s)", [n, *row, n % 3 + 1]
        )
        ids = (migrated.id("things", str(n)), migrated.id("things", str(n % 3 + 1)))
        migrated.connection.execute(
            "INSERT INTO app.things VALUES (%s, %s, %s, %s, %s, %s, 'ours')", [ids[0], *row, ids[1]]
        )
    return migrated


def test_an_error_of_the_source_is_the_sources(things: Migrated) -> None:
    legacy = things.appliers["things"].stage.plan.legacy
    (stretch,) = source_rows.all_rows(things.connection, legacy)
    things.connection.execute("ALTER TABLE legacy.things DROP COLUMN name")
    with pytest.raises(SourceError, match="name"):
        list(source_rows.blocks(things.connection, stretch))


def test_rows_are_read_as_they_are(things: Migrated) -> None:
    texts = [
        *next(values for kind, values in ZOO if kind == "text"),
        None,
        "a,b\n(c)",
        '""',
        "\\\\",
    ]
    for n, text in enumerate(texts, 100):
        things.connection.execute("INSERT INTO legacy.things (id, name) VALUES (%s, %s)", [n, text])
    legacy = things.appliers["things"].stage.plan.legacy
    (stretch,) = source_rows.all_rows(things.connection, legacy)
    for rows_max in (1, 7, 20_000):
        blocks = list(source_rows.printed(things.connection, stretch, rows_max))
        read = [row for block in blocks for row in block.select("id", "name").rows()]
        assert [(int(n), text) for n, text in read if int(n) >= 100] == list(enumerate(texts, 100))


def test_a_table_that_keeps_values_elsewhere_is_read_row_by_row_any_other_by_its_pages(
    migrated: Migrated,
) -> None:
    columns = "id int PRIMARY KEY, page int, lines text, ctids text"
    migrated.table("taken", columns, "id uuid PRIMARY KEY")
    migrated.migrate({"taken": {"columns": {"id": {"uuid": True}}}})
    connection, legacy = migrated.connection, migrated.appliers["taken"].stage.plan.legacy
    connection.execute("""
        INSERT INTO legacy.taken SELECT n, -n, CASE n % 3 WHEN 0 THEN 'a' || chr(10) || '",' WHEN 1 THEN '' END,
            repeat('x', 100) FROM generate_series(1, 5000) n;
        DELETE FROM legacy.taken WHERE id BETWEEN 500 AND 3000""")

    def read() -> list[tuple[Any, ...]]:
        (stretch,) = source_rows.all_rows(connection, legacy)
        assert bool(stretch.pages) is by_pages
        return [row for rows in source_rows.blocks(connection, stretch) for row in rows.rows()]

    by_pages = True
    rows = "SELECT * FROM legacy.taken"
    assert sorted(read()) == sorted(migrated.rows(rows))
    connection.execute("ALTER TABLE legacy.taken ALTER lines SET STORAGE EXTERNAL")
    connection.execute("UPDATE legacy.taken SET lines = repeat('y', 10000) WHERE id = 7")
    by_pages = False
    assert sorted(read(), key=str) == sorted(migrated.rows(rows), key=str)


def test_equal_rows_have_equal_numbers(things: Migrated) -> None:
    assert differing(things, "things") == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE app.things SET label = 'name_7' WHERE price = 7",
        "UPDATE app.things SET price = price + 0.01 WHERE price = 7",
        "UPDATE app.things SET data = '\\x08' WHERE price = 7",
        "UPDATE app.things SET is_old = NOT is_old WHERE price = 7",
        "UPDATE app.things SET parent = (SELECT id FROM app.things WHERE price = 9) WHERE price = 7",
        "UPDATE app.things SET label = NULL WHERE price = 7",
        "UPDATE app.things SET id = gen_random_uuid() WHERE price = 7",
        "DELETE FROM app.things WHERE price = 7",
        "UPDATE legacy.things SET name = '' WHERE id = 7",
    ],
)
def test_one_difference_is_found_in_its_row_alone(things: Migrated, change: str) -> None:
    things.connection.execute(change.encode())
    assert differing(things, "things") == ["7"]


def test_two_columns_that_change_places_are_found(things: Migrated) -> None:
    things.connection.execute("UPDATE app.things SET label = 'x', data = NULL WHERE price = 7")
    things.connection.execute("UPDATE legacy.things SET name = NULL, data = 'x' WHERE id = 7")
    assert differing(things, "things") == ["7"]


def test_null_is_not_the_empty_text(things: Migrated) -> None:
    things.connection.execute("UPDATE app.things SET label = '' WHERE price = 7")
    things.connection.execute("UPDATE legacy.things SET name = NULL WHERE id = 7")
    assert differing(things, "things") == ["7"]


def test_a_column_that_no_rule_writes_is_not_looked_at(things: Migrated) -> None:
    things.connection.execute("UPDATE app.things SET note = 'theirs'")
    assert differing(things, "things") == []


@pytest.mark.parametrize("kind_of", ["the same", "text", "numeric", "bigint"])
def test_every_type_is_equal_on_both_sides(migrated: Migrated, kind_of: str) -> None:
    kinds = [
        (kind, values, kind if kind_of == "the same" else kind_of)
        for kind, values in KINDS
        if kind_of == "the same" or is_alike(kind, kind_of)
    ]
    migrated.connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    migrated.connection.execute("SET search_path = public")
    migrated.connection.execute(SETUP_SQL.encode())
    names = [f"c{n}" for n in range(len(kinds))]
    legacy, target = (
        ", ".join(f"{name} {kind[side]}" for name, kind in zip(names, kinds, strict=True))
        for side in (0, 2)
    )
    migrated.table("zoo", f"id int PRIMARY KEY, {legacy}", f"id uuid PRIMARY KEY, {target}")
    cast = ", ".join(f"CAST({n} AS {kind})" for n, (_, _, kind) in zip(names, kinds, strict=True))
    for n in range(max(len(values) for _, values, _ in kinds)):
        row = [values[n] if n < len(values) else None for _, values, _ in kinds]
        literals = sql.SQL(", ").join(map(sql.Literal, row))
        insert = sql.SQL("INSERT INTO legacy.zoo VALUES ({}, {})")
        migrated.connection.execute(insert.format(n, literals))
        copied = f"INSERT INTO app.zoo SELECT %s, {cast} FROM legacy.zoo WHERE id = %s"  # noqa: S608
        migrated.connection.execute(copied.encode(), [migrated.id("zoo", str(n)), n])
    migrated.connection.execute("SET search_path = ''")
    rules: dict[str, Any] = {name: name for name in names}
    migrated.migrate({"zoo": {"columns": {"id": {"uuid": True}} | rules}})
    assert differing(migrated, "zoo") == []


@pytest.mark.parametrize(
    "document",
    [
        {"where": "price > 0"},
        {"expect": {"price": "price > 0"}},
        {"columns": THINGS["columns"] | {"price": {"sql": "price * 2"}}},
        {"columns": THINGS["columns"] | {"price": {"constant": 1}}},
        {"columns": THINGS["columns"] | {"label": "is_old"}},
        {"columns": THINGS["columns"] | {"label": {"from": "name", "values": {"a": "b"}}}},
    ],
)
def test_what_only_the_target_can_tell_has_no_numbers(
    things: Migrated, document: dict[str, Any]
) -> None:
    things.migrate({"things": THINGS | document})
    assert Plain.of(things.appliers["things"].stage) is None
