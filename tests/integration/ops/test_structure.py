"""What must hold of the target as a whole: each check holds, and then, with one fault, does not."""

import psycopg
import pytest

from consumers import control
from ops import databases, wiring
from ops.cutover import integrity
from ops.cutover.gate import Gate
from ops.preflight import catalogs
from ops.proof import reconciling, structure
from tests.shop import Shop

SOUND = """
CREATE FUNCTION uuid_of(int) RETURNS uuid LANGUAGE sql RETURN lpad(CAST($1 AS text), 32, '0')::uuid;
ALTER TABLE shop.orders ADD number serial, ADD position int GENERATED ALWAYS AS IDENTITY;
INSERT INTO shop.customers (id, name, created_at) VALUES (uuid_of(1), 'Ada', now()), (uuid_of(2), 'Bob', now());
INSERT INTO shop.orders VALUES (uuid_of(1), uuid_of(1), 'open', 1, NULL), (uuid_of(2), uuid_of(1), 'open', 1, NULL);
INSERT INTO understudy.migration_mappings
    (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
SELECT 1, 'orders', 'public.orders', key, id, state::"char", 1, 1, 1, 1
FROM (VALUES ('1', uuid_of(1), 'l'), ('2', uuid_of(2), 'l'), ('3', uuid_of(2), 'd')) AS m (key, id, state);
INSERT INTO understudy.identity_overrides VALUES ('orders', 'public.orders', '2', uuid_of(2), 'born here')
"""
# A fault, the check that counts it, how often, and what it says.
FAULTS = (
    (
        (
            "SET session_replication_role = replica;"
            " INSERT INTO shop.orders VALUES (gen_random_uuid(), gen_random_uuid(), 'open', 1, NULL)"
        ),
        "orphans",
        1,
        "orders_customer_id_fkey of shop.orders",
    ),
    (
        (
            "ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey;"
            " INSERT INTO shop.orders VALUES (uuid_of(1), uuid_of(1), 'open', 1, NULL)"
        ),
        "ids",
        1,
        "1 in shop.orders",
    ),
    (
        (
            "DELETE FROM understudy.identity_overrides;"
            " UPDATE understudy.migration_mappings SET id = uuid_of(1) WHERE state = 'l'"
        ),
        "mapping",
        2,
        "several keys have one UUID: 2 in orders",
    ),
    (
        "UPDATE understudy.identity_overrides SET id = uuid_of(1)",
        "mapping",
        1,
        "keys do not have the UUID of their override: 1 in orders",
    ),
    (
        "SELECT setval('shop.orders_number_seq', 1)",
        "sequences",
        1,
        "shop.orders_number_seq is at 1, shop.orders.number at 2",
    ),
)


@pytest.fixture
def shop(empty_shop: Shop, target_database: str) -> Shop:
    shop = empty_shop
    migration = wiring.read(shop.folder)
    with psycopg.connect(target_database, autocommit=True) as connection:
        control.migrate(connection)
        control.register(connection, list(migration.entities.values()), shop.folder)
        connection.execute(SOUND.encode())
    return shop


def looked_at(shop: Shop) -> dict[str, Gate]:
    migration = wiring.read(shop.folder)
    with databases.target(shop.target_dsn, "test") as target:
        tables = catalogs.target_tables(target, migration)
        shared = {name: reconciling.sharing(target, migration, name) for name in tables}
        return {gate.name: gate for gate in structure.look(target, migration, tables, shared)}


def test_a_sound_target_passes_every_check(shop: Shop) -> None:
    found = looked_at(shop)
    assert {name: (gate.met, gate.count) for name, gate in found.items()} == dict.fromkeys(
        ("orphans", "ids", "mapping", "sequences"), (True, 0)
    )
    assert "in 2 of them by an index" in found["ids"].says


@pytest.mark.parametrize(("statement", "name", "count", "says"), FAULTS)
def test_each_fault_is_counted_by_its_check_alone_with_a_remedy(
    shop: Shop, statement: str, name: str, count: int, says: str
) -> None:
    shop.target(statement)
    unmet = [gate for gate in looked_at(shop).values() if not gate.met]
    assert [(gate.name, gate.count) for gate in unmet] == [(name, count)]
    assert says in unmet[0].says
    assert unmet[0].remedy


def test_a_sequence_of_a_column_that_a_rule_writes_is_the_cutovers_to_set(shop: Shop) -> None:
    shop.edit("entities/orders.toml", 'code        = "code"', 'code = "code"\nnumber = "cents"')
    shop.target("SELECT setval('shop.orders_number_seq', 1)")
    assert looked_at(shop)["sequences"].met


def test_ids_without_an_index_are_counted_and_are_unique(shop: Shop) -> None:
    shop.target("ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey")
    gate = looked_at(shop)["ids"]
    assert (gate.met, gate.says) == (True, "unique in 2 tables, in 1 of them by an index")


def test_references_that_may_point_to_nothing_are_no_orphans_and_are_not_hidden(shop: Shop) -> None:
    shop.target("ALTER TABLE shop.orders DROP CONSTRAINT orders_customer_id_fkey")
    shop.edit("entities/orders.toml", 'missing = "park"', 'missing = "keep"')
    with databases.target(shop.target_dsn, "test") as target:
        gate = integrity.orphans(target, wiring.read(shop.folder))
    assert gate.says == "none, by 0 foreign keys; not asked of 1 reference by missing = keep"
    assert gate.evidence["kept"] == ["shop.orders.customer_id"]
