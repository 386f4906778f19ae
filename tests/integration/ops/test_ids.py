"""Old ids as applications and partners ask for them: views, id_of, and who may."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from ops import ids, wiring
from ops.replay import tables
from ops.replay.shadow import Shadow
from tests.integration.ops.conftest import Ended, register
from tests.shop import Shop

Command = Callable[..., Ended]
LINES = """
source = "public.lines"
target = "shop.lines"
[columns]
id = { uuid = true }
"""
# Live, deleted, parked, excluded; 5 moved to 6, which moved to 7; 8 and 9 moved to each other's places and are gone.
MAPPED = """
INSERT INTO understudy.migration_mappings
    (generation, entity, source, legacy_key, id, state, moved_to, epoch, commit_lsn, ordinal, spec_version, original)
SELECT 1, 'orders', 'public.orders', key, lpad(key, 32, '0')::uuid, state::"char", moved_to, 1, 1, 1, 1,
    '{"secret": 1}'::json
FROM (VALUES ('1', 'l', NULL), ('2', 'd', NULL), ('3', 'p', NULL), ('4', 'x', NULL), ('5', 'd', '6'), ('6', 'd', '7'),
    ('7', 'l', NULL), ('8', 'd', '9'), ('9', 'd', '8')) AS known (key, state, moved_to)
UNION ALL
SELECT 1, 'lines', 'public.lines', '["' || n || '","a\\"b"]', lpad(n::text, 32, '0')::uuid, 'l', NULL, 1, 1, 1, 1, NULL
FROM generate_series(1, 2) n"""
MANY = """
INSERT INTO understudy.migration_mappings
    (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
SELECT 1, 'orders', 'public.orders', n::text, gen_random_uuid(), 'l', 1, 1, 1, 1 FROM generate_series(100, 20000) n;
INSERT INTO understudy.migration_mappings
    (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
SELECT 1, 'lines', 'public.lines', '["' || n || '","z"]', gen_random_uuid(), 'l', 1, 1, 1, 1
FROM generate_series(100, 20000) n;
ANALYZE understudy.migration_mappings_orders, understudy.migration_mappings_lines"""

FOUND = "EXPLAIN SELECT target_id FROM understudy.ids_{} WHERE {}"


def uuid(number: int) -> UUID:
    return UUID(str(number).rjust(32, "0"))


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """With lines, whose key has two columns; all of it as a worker has left it."""
    empty_shop.source("CREATE TABLE lines (n bigint, part varchar(9), PRIMARY KEY (n, part))")
    empty_shop.target("CREATE TABLE shop.lines (id uuid PRIMARY KEY)")
    (empty_shop.folder / "entities" / "lines.toml").write_text(LINES)
    register(empty_shop)
    empty_shop.target(MAPPED)
    return empty_shop


@pytest.fixture
def partner(shop: Shop) -> Iterator[str]:
    """A role of the target that may nothing."""
    name = f"partner_{shop.pipeline}"
    shop.target(f'CREATE ROLE "{name}"')
    yield name
    shop.target(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


def answers(shop: Shop, role: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(shop.target_dsn) as connection:
        connection.execute(f'SET ROLE "{role}"'.encode())
        return connection.execute(query.encode(), values or None).fetchall()


def test_a_partner_finds_rows_that_are_there_and_those_whose_key_has_moved(
    shop: Shop, understudy: Command, partner: str
) -> None:
    shop.target("""
        INSERT INTO understudy.identity_overrides VALUES
            ('orders', 'public.orders', '10', lpad('77', 32, '0')::uuid, 'born on the target')""")
    assert understudy("ids", shop.folder, "--grant", partner).code == 0
    asked = "SELECT understudy.id_of('orders', n::text) FROM generate_series(1, 11) n"
    found = [row[0] for row in answers(shop, partner, asked)]
    moved, gone = uuid(7), None
    assert found == [uuid(1), gone, gone, gone, moved, moved, moved, gone, gone, uuid(77), gone]
    view = "SELECT id, target_id FROM understudy.ids_orders ORDER BY id"
    assert answers(shop, partner, view) == [(1, uuid(1)), (7, uuid(7))]
    lines = "SELECT * FROM understudy.ids_lines WHERE n = 2 AND part = 'a\"b'"
    assert answers(shop, partner, lines) == [(2, 'a"b', uuid(2))]
    by_key = """SELECT understudy.id_of('lines', '["1","a\\"b"]')"""
    assert answers(shop, partner, by_key) == [(uuid(1),)]


def test_who_was_granted_nothing_sees_nothing_and_a_partner_no_originals(
    shop: Shop, understudy: Command, partner: str
) -> None:
    assert understudy("ids", shop.folder).code == 0
    for query in ("SELECT FROM understudy.ids_orders", "SELECT understudy.id_of('orders', '1')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            answers(shop, partner, query)
    assert understudy("ids", shop.folder, "--grant", partner).code == 0
    for table in ("migration_mappings", "migration_mappings_orders", "waiting"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            answers(shop, partner, f"SELECT FROM understudy.{table}")
    with pytest.raises(psycopg.errors.UndefinedObject, match="no entity order"):
        answers(shop, partner, "SELECT understudy.id_of('order', '1')")


def test_rows_are_found_by_an_index_also_after_a_rebuild(shop: Shop, understudy: Command) -> None:
    shop.target(MANY)
    ended = understudy("ids", shop.folder)
    assert [line.split()[-1] for line in ended.out.splitlines()[1:]] == ["yes"] * 3
    for view, where in (("orders", "id = 4711"), ("lines", "n = 4711 AND part = 'z'")):
        plan = shop.read(FOUND.format(view, where))
        assert ids.index_of(view) in "".join(line for (line,) in plan)
    with psycopg.connect(shop.target_dsn, autocommit=True) as target:
        query = """SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'migration_mappings_orders'"""
        before = target.execute(query).fetchall()[0]
        for _ in range(10):  # The first five are planned for their values.
            target.execute("SELECT understudy.id_of('orders', '4711')")
        target.execute("SELECT pg_stat_force_next_flush()")
        target.execute("SELECT 1")
        after = target.execute(query).fetchall()[0]
    assert (after[0] - before[0], after[1] - before[1] >= 10) == (0, True)
    migration = wiring.read(shop.folder)
    shadow = Shadow(
        live=migration, at=wiring.endpoints(migration), schema="next", entities=("lines", "orders")
    )
    with psycopg.connect(shop.target_dsn, autocommit=True) as target:
        tables.create(target, shadow, shadow.migration(target))
    indexed = (
        "SELECT tablename FROM pg_indexes WHERE schemaname = 'next' AND indexname LIKE '%typed'"
    )
    assert len(shop.read(indexed)) == 2


def test_a_key_whose_text_depends_on_settings_is_found_by_id_of_alone(
    shop: Shop, understudy: Command
) -> None:
    shop.source("DROP TABLE lines; CREATE TABLE lines (day date PRIMARY KEY)")
    shop.target("""DELETE FROM understudy.migration_mappings WHERE entity = 'lines';
        INSERT INTO understudy.migration_mappings
            (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
        VALUES (1, 'lines', 'public.lines', '2020-02-29', gen_random_uuid(), 'l', 1, 1, 1, 1)""")
    ended = understudy("ids", shop.folder)
    assert [line.split()[-2:] for line in ended.out.splitlines()[1:]] == [
        ["id", "yes"], ["day", "no"], ["id", "yes"],
    ]  # fmt: skip
    same = """SELECT understudy.id_of('lines', '2020-02-29') = target_id
        FROM understudy.ids_lines WHERE day = '2020-02-29'"""
    assert shop.read(same) == [(True,)]


def test_drop_lists_the_views_and_who_reads_them_and_takes_them_away(
    shop: Shop, understudy: Command
) -> None:
    assert understudy("ids", shop.folder).code == 0
    shop.target("CREATE VIEW shop.old AS SELECT * FROM understudy.ids_orders")
    listed = understudy("drop", shop.folder, "--dry-run").out
    assert "view understudy.ids_lines, which" in listed
    assert "view shop.old, which" in listed
    assert understudy("drop", shop.folder, "--confirm", shop.pipeline).code == 0
    assert shop.read("SELECT to_regclass('shop.old'), to_regnamespace('understudy')") == [
        (None, None)
    ]


def test_a_view_follows_a_key_that_has_another_column(shop: Shop, understudy: Command) -> None:
    assert understudy("ids", shop.folder).code == 0
    shop.target("DELETE FROM understudy.migration_mappings WHERE entity = 'lines'")
    shop.source("DROP TABLE lines; CREATE TABLE lines (code text PRIMARY KEY)")
    assert understudy("ids", shop.folder).code == 0
    assert shop.read("SELECT code, target_id FROM understudy.ids_lines") == []


def test_a_role_that_does_not_exist_is_named(shop: Shop, understudy: Command) -> None:
    ended = understudy("ids", shop.folder, "--grant", "nobody-here")
    assert ended.code == 6
    assert "role=nobody-here" in ended.err
