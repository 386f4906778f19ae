"""Gates that need no pipeline, on real servers: each is met, and then is not."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from ops import wiring
from ops.cutover import gates, integrity
from ops.cutover.gate import Gate
from ops.cutover.gates import Sight
from ops.cutover.order import Order, sight
from tests.shop import Shop

ORPHAN = """
SET session_replication_role = replica;
INSERT INTO shop.orders VALUES (gen_random_uuid(), gen_random_uuid(), 'open', 1, NULL)"""


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    return empty_shop


@contextmanager
def seen(shop: Shop) -> Iterator[Sight]:
    migration = wiring.read(shop.folder)
    order = Order(
        migration=migration,
        at=wiring.endpoints(migration),
        say=print,
        timeout_s=10,
        max_lag_s=10,
        accepted={},
        because=None,
    )
    with sight(order) as found:
        yield found


def of_target(shop: Shop) -> dict[str, Gate]:
    with seen(shop) as found:
        return {gate.name: gate for gate in integrity.look(found.target, found.migration)}


def fence_gate(shop: Shop, section: str) -> Gate:
    file = shop.folder / "understudy.toml"
    head = file.read_text().partition("[cutover]")[0]
    file.write_text(f"{head}[cutover]\n{section}\n")
    with seen(shop) as found:
        return next(gates._fence_rights(found))


def test_a_sound_target_meets_its_gates(shop: Shop) -> None:
    assert {name: gate.met for name, gate in of_target(shop).items()} == {
        "constraints": True,
        "triggers": True,
        "orphans": True,
    }
    with seen(shop) as found:
        assert [gate.met for gate in gates._way_back(found)] == [True]
        assert gates._prepared(found).met


def test_an_orphan_is_counted_though_its_constraint_looks_valid(shop: Shop) -> None:
    shop.target(ORPHAN)
    found = of_target(shop)
    assert (found["orphans"].met, found["orphans"].count) == (False, 1)
    assert "orders_customer_id_fkey of shop.orders" in found["orphans"].says
    assert found["constraints"].met


def test_a_constraint_that_was_never_validated_and_a_trigger_that_is_off_are_named(
    shop: Shop,
) -> None:
    shop.target("ALTER TABLE shop.orders ADD CONSTRAINT paid CHECK (total > 0) NOT VALID")
    shop.target("ALTER TABLE shop.customers DISABLE TRIGGER ALL")
    found = of_target(shop)
    assert (found["constraints"].count, found["triggers"].met) == (1, False)
    assert "paid of shop.orders" in found["constraints"].says
    assert "of shop.customers" in found["triggers"].says


def test_a_target_table_without_a_primary_key_has_no_way_back(shop: Shop) -> None:
    shop.target("ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey")
    with seen(shop) as found:
        (gate,) = gates._way_back(found)
    assert not gate.met
    assert "shop.orders" in gate.says


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ('writers = ["nobody_of_this_name"]', "roles do not exist"),
        ('writers = ["postgres"]', "our own role is one of the writers"),
        ("tables_refuse = false", "it would shut nobody out"),
    ],
)
def test_a_fence_that_shuts_out_the_wrong_ones_or_nobody_is_no_fence(
    shop: Shop, section: str, says: str
) -> None:
    gate = fence_gate(shop, section)
    assert not gate.met
    assert says in gate.says
    assert fence_gate(shop, "").met


def test_a_role_that_owns_nothing_may_not_close_the_fence(shop: Shop, prefix: str) -> None:
    role = sql.Identifier(f"{prefix}_guest")
    with psycopg.connect(shop.source_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        try:
            shop.edit("understudy.toml", "postgres@", f"{prefix}_guest@")
            shop.edit(
                "understudy.toml",
                f"{prefix}_guest@{target_place(shop)}",
                f"postgres@{target_place(shop)}",
            )
            gate = fence_gate(shop, 'writers = ["postgres"]')
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))
    assert "the role may not alter roles" in gate.says
    assert "tables belong to other roles" in gate.says


def target_place(shop: Shop) -> str:
    return shop.target_dsn.partition("@")[2]
