"""Account, verification, trace and discard on a shop that stands still: its target is written by hand."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from consumers import control
from ops import databases, letters, wiring
from ops.letters import Chosen
from ops.proof import accounting, exact_point
from ops.proof import verify as verifying
from ops.proof.exact_point import ExactPoint, begin, require_unmoved
from ops.proof.hold import Hold
from ops.proof.storing import Storing
from ops.proof.verification import EntityVerification, Verification
from ops.proof.verified import Since
from ops.proof.verify import Options
from schemas.errors import NotReadyError
from schemas.table import CATALOG_SQL, tables_of
from tests.integration.ops.conftest import Ended, register
from tests.integration.ops.still import IMAGE, MAP, at_rest, mapped, order, row_id
from tests.shop import Shop

Command = Callable[..., Ended]
LOCK_TIMEOUT_MS = 50
STRANGER = UUID("00000000-0000-0000-0000-000000000001")
WAIT = """
INSERT INTO understudy.waiting
    (entity, source, legacy_key, id, epoch, commit_lsn, ordinal, deleted, image, reason, error)
VALUES ('orders', 'public.orders', %s, %s, 1, 1, 0, false, %s, 'rule', 'no reason')"""


def verified(
    shop: Shop, understudy: Command, *words: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Exit code, what is found of the orders, and what is wrong with each of their keys."""
    ended = understudy("verify", shop.folder, "--output", "json", *words)
    entities = {e["entity"]: e for e in ended.document["entities"]}
    faults = {d["key"]: d["kind"] for e in entities.values() for d in e["differences"]}
    return ended.code, entities, faults


def totals(shop: Shop, understudy: Command) -> list[dict[str, Any]]:
    document = understudy("account", shop.folder, "--output", "json").document
    return next(e["totals"] for e in document["entities"] if e["entity"] == "orders")


@pytest.mark.parametrize("command", ["account", "verify"])
def test_a_table_that_is_truncated_while_it_is_looked_at_is_said_so(
    command: str, still: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(still, 1)

    @contextmanager
    def interrupted(*place: Any, **how: Any) -> Iterator[ExactPoint]:
        with at_rest(*place, **how) as point:
            still.source("TRUNCATE orders")
            yield point

    monkeypatch.setattr(
        accounting if command == "account" else verifying, "exact_point", interrupted
    )
    ended = understudy(command, still.folder)
    assert (ended.code, ended.out) == (7, "")
    assert "a legacy table was truncated or rewritten while it was looked at" in ended.err
    assert "table=public.orders" in ended.err


def test_a_legacy_table_is_locked_no_longer_than_its_account_takes(
    still: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def watched(*place: Any, **how: Any) -> Iterator[ExactPoint]:
        with at_rest(*place, **how) as point:
            yield point
            locks = "SELECT FROM pg_locks WHERE relation = ANY ('{public.customers,public.orders}'::regclass[])"
            assert point.source.execute(locks).fetchall() == []

    monkeypatch.setattr(accounting, "exact_point", watched)
    assert "next: understudy verify" in understudy("account", still.folder).out


def test_a_legacy_table_is_locked_no_longer_than_its_verification_takes(
    still: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, seen = Storing.keep, list[tuple[str, list[Any]]]()

    def watched(self: Storing, head: Verification, entity: EntityVerification) -> None:
        keep(self, head, entity)
        locks = "SELECT FROM pg_locks WHERE relation = %s::regclass"
        with psycopg.connect(still.source_dsn) as monitor:
            seen.append(
                (entity.entity, monitor.execute(locks, [f"public.{entity.entity}"]).fetchall())
            )

    monkeypatch.setattr(verifying, "exact_point", at_rest)
    monkeypatch.setattr(Storing, "keep", watched)
    assert "next: understudy cutover plan" in understudy("verify", still.folder).out
    assert sorted(seen) == [("customers", []), ("orders", [])]


def await_waiting(dsn: str, done: Future[Any]) -> None:
    """Wait until a session has waited for a lock longer than the commands of this test do otherwise."""
    waits = "SELECT FROM pg_locks WHERE waitstart < clock_timestamp() - 3 * %s * interval '1 ms'"
    with psycopg.connect(dsn, autocommit=True) as monitor:
        while not monitor.execute(waits, [LOCK_TIMEOUT_MS]).fetchall():
            assert not done.done(), done.result()


def test_who_truncates_a_legacy_table_for_long_is_waited_for(
    still: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_TIMEOUT_MS", LOCK_TIMEOUT_MS)
    with psycopg.connect(still.source_dsn) as writer, ThreadPoolExecutor() as pool:
        writer.execute("LOCK TABLE customers")
        accounted = pool.submit(understudy, "account", still.folder, "--entity", "customers")
        await_waiting(still.source_dsn, accounted)
        writer.rollback()
        assert accounted.result().code == 0


def test_a_worker_that_obeys_a_truncate_is_waited_for(
    still: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_TIMEOUT_MS", LOCK_TIMEOUT_MS)
    migration = wiring.read(still.folder)
    refused: list[str] = []
    with (
        databases.target(still.target_dsn, "test") as control_session,
        psycopg.connect(still.target_dsn) as worker,
        ThreadPoolExecutor() as pool,
    ):
        control.register_partitions(control_session, ["orders"], "orders", "", 1)
        sessions = exact_point._Sessions(control_session, control_session)
        taking = exact_point._Taking(
            migration, wiring.endpoints(migration), ["orders"], sessions, 10
        )
        hold = Hold(control_session, ["orders"])

        def here() -> object:
            try:
                return hold.here()
            except psycopg.errors.LockNotAvailable:
                refused.append("once more")
                raise

        worker.execute("SELECT FROM understudy.checkpoints FOR UPDATE")
        held = pool.submit(taking._patiently, here)
        while not refused:
            assert not held.done(), held.result()
        worker.rollback()
        assert held.result() == {("orders", 0): 0}


def test_a_partition_that_is_truncated_is_noticed_too(source_database: str) -> None:
    with (
        databases.source(source_database, "test") as here,
        databases.source(source_database, "test") as other,
    ):
        other.execute("CREATE TABLE public.t (id int PRIMARY KEY) PARTITION BY RANGE (id)")
        other.execute("CREATE TABLE public.t1 PARTITION OF public.t FOR VALUES FROM (1) TO (9)")
        places = {"schemas": ["public"], "tables": ["t"]}
        tables = list(tables_of(other.execute(CATALOG_SQL, places).fetchall()).values())
        begin(here)
        other.execute("TRUNCATE public.t1")
        with pytest.raises(NotReadyError, match=r"table=public\.t1"):
            require_unmoved(here, tables)


def test_numbers_that_are_none_agree_and_arrays_of_numbers_are_not_added_up(
    still: Shop, understudy: Command
) -> None:
    still.source("ALTER TABLE orders ALTER cents TYPE numeric, ADD parts numeric[]")
    still.target("ALTER TABLE shop.orders ALTER total TYPE numeric, ADD parts numeric[]")
    still.edit("entities/orders.toml", "[columns]", '[columns]\nparts = "parts"')
    order(still, 1, total="NaN")
    still.source("UPDATE orders SET cents = 'NaN'")
    found = totals(still, understudy)
    assert [(t["column"], t["source"], t["agrees"]) for t in found] == [("total", "NaN", True)]
    still.target("UPDATE shop.orders SET total = 1")
    assert [t["agrees"] for t in totals(still, understudy)] == [False]


def test_totals_are_not_told_apart_by_a_parent_that_some_rows_still_lack(
    still: Shop, understudy: Command
) -> None:
    still.target("ALTER TABLE shop.orders ALTER customer_id DROP NOT NULL")
    still.edit("entities/orders.toml", '"park"', '"null"')
    still.edit("entities/orders.toml", "where", 'totals_by = ["customer_id"]\nwhere')
    order(still, 1)
    assert [t["problem"] for t in totals(still, understudy)] == ["", ""]
    still.source("UPDATE orders SET customer_id = 2")
    still.target("UPDATE shop.orders SET customer_id = NULL")
    with psycopg.connect(still.target_dsn) as target:
        owing = "UPDATE understudy.migration_mappings SET owed = %s WHERE entity = 'orders'"
        target.execute(owing, [[row_id("customers", 2)]])
    whole, apart = totals(still, understudy)
    assert (whole["agrees"], apart["agrees"]) == (True, True)
    assert (whole["problem"], apart["problem"]) == ("", "1 row is without a parent for now")


def test_a_row_that_differs_is_told_by_the_image_that_it_was_made_from(
    still: Shop, understudy: Command
) -> None:
    order(still, 1, total="2")
    order(still, 2, total="2", original=IMAGE.replace("100", "200"))
    order(still, 3, total="2", original=IMAGE.replace(',"code":null', ""))
    order(still, 4, total="2", original="")
    code, _, faults = verified(still, understudy)
    assert code == 8
    assert faults == {
        "1": "written on the target by somebody else",
        "2": "a change of the source was never applied",
        "3": "different",
        "4": "different",
    }


def test_a_stub_is_no_fault_and_no_legacy_key_that_waits(still: Shop, understudy: Command) -> None:
    still.target(
        "ALTER TABLE shop.customers ALTER name DROP NOT NULL, ALTER created_at DROP NOT NULL"
    )
    still.edit("entities/orders.toml", '"park"', '"stub"')
    still.edit("entities/customers.toml", "[columns]", 'where = "id < 5"\n[columns]')
    # One of a parent that nobody knows, and one of a parent that the rules exclude.
    still.source("INSERT INTO customers VALUES (5, 'Eve', NULL, '2020-02-02 12:00')")
    with psycopg.connect(still.target_dsn) as target:
        target.execute(
            "INSERT INTO shop.customers VALUES (%s), (%s)", [STRANGER, row_id("customers", 5)]
        )
    mapped(still, "customers", 5)
    still.target(
        "UPDATE understudy.migration_mappings SET state = 'x', spec_version = 2 WHERE legacy_key = '5'"
    )
    code, entities, faults = verified(still, understudy)
    assert (code, faults) == (0, {})
    assert entities["customers"]["found"]["stands for a parent that has not come"] >= 2
    assert still.read("SELECT DISTINCT waiting FROM understudy.verified_entities") == [([],)]


@pytest.mark.parametrize("entity", ["orders", "returns"])
def test_rows_of_a_union_that_are_nobodys_are_found_whichever_entity_is_named(
    entity: str, still: Shop, understudy: Command
) -> None:
    still.edit("entities/orders.toml", "where", 'merge = "union"\nwhere')
    rules = (still.folder / "entities" / "orders.toml").read_text()
    (still.folder / "entities" / "returns.toml").write_text(
        rules.replace("public.orders", "public.returns")
    )
    still.source("CREATE TABLE returns (LIKE orders INCLUDING ALL)")
    register(still)
    values = [STRANGER, row_id("customers", 1)]
    with psycopg.connect(still.target_dsn) as target:
        target.execute("INSERT INTO shop.orders VALUES (%s, %s, 'open', 1)", values)
    code, _, faults = verified(still, understudy, "--entity", entity)
    assert (code, faults) == (8, {str(STRANGER): "in the target, but not in the source"})


@pytest.mark.parametrize(("continues", "scope"), [(False, "sample"), (True, "changed")])
def test_what_was_looked_at_since_a_time_is_nothing_to_go_on_from(
    continues: bool,  # noqa: FBT001 - a parameter of the test
    scope: str,
    still: Shop,
) -> None:
    order(still, 1)
    migration = wiring.read(still.folder)
    options = Options(since={"orders": Since(offsets={}, waiting=("1",))}, continues=continues)
    at = wiring.endpoints(migration)
    found = verifying.take(migration, at, ["orders"], print, timeout_s=1, options=options)
    assert (found.rows, found.scope) == (1, scope)


@pytest.mark.parametrize(
    ("lost", "scopes"), [(False, ["all", "changed"]), (True, ["all", "sample"])]
)
def test_a_repair_that_mends_only_a_part_is_nothing_to_go_on_from(
    lost: bool,  # noqa: FBT001 - a parameter of the test
    scopes: list[str],
    still: Shop,
    understudy: Command,
) -> None:
    order(still, 1, total="2")
    if lost:
        order(still, 2, original=IMAGE.replace("100", "200"), total="2")
    ended = understudy("verify", still.folder, "--repair")
    assert ended.code == (8 if lost else 0)
    kept = still.read("SELECT scope FROM understudy.verifications ORDER BY id")
    assert [scope for (scope,) in kept] == scopes


NO_TIMES = ("2999-01-01", "1960-01-01T00:00", "yesterday")


@pytest.mark.parametrize("time", NO_TIMES)
def test_a_time_that_is_none_or_not_in_the_past_is_refused(
    time: str, shop: Shop, understudy: Command
) -> None:
    ended = understudy("verify", shop.folder, "--since", time)
    assert (ended.code, ended.out) == (2, "")
    assert time in ended.err


def test_more_rows_than_anybody_has_are_no_sample(shop: Shop, understudy: Command) -> None:
    assert understudy("verify", shop.folder, "--sample", 10**18).code == 2


def test_totals_that_differ_are_shown(still: Shop, understudy: Command) -> None:
    order(still, 1, total="2")
    shown = understudy("verify", still.folder).out
    (line,) = [line for line in shown.splitlines() if line.startswith("orders  total")]
    assert line.split() == ["orders", "total", "1.00", "2.00"]


def test_all_keys_that_are_given_up_are_in_the_audit_log_however_many(
    still: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "AUDITED_KEYS_MAX", 2)
    with psycopg.connect(still.target_dsn) as target:
        for key in range(1, 6):
            target.execute(WAIT, [str(key), row_id("orders", key), IMAGE.format(key=key)])
    still.target("""
        CREATE FUNCTION public.in_time() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN ASSERT current_setting('statement_timeout') = '0'; RETURN NEW; END $$;
        CREATE TRIGGER in_time BEFORE INSERT ON understudy.audit_log FOR EACH ROW EXECUTE FUNCTION public.in_time()""")
    with databases.target(still.target_dsn, "test") as target:
        done = letters.discard(target, Chosen(entities=["orders"]), "old")
    assert done == [f"orders {key}" for key in range(1, 6)]
    audited = still.read(
        "SELECT detail ->> 'count', detail -> 'keys' FROM understudy.audit_log ORDER BY id"
    )
    assert audited == [("2", ["1", "2"]), ("2", ["3", "4"]), ("1", ["5"])]


def test_a_key_that_is_no_value_of_its_column_is_the_callers_mistake(
    still: Shop, understudy: Command
) -> None:
    ended = understudy("trace", "source", "public.orders", "seven", "--folder", still.folder)
    assert (ended.code, ended.out) == (2, "")
    assert "the key is no value of its columns table=public.orders" in ended.err


def test_a_uuid_that_no_row_has_is_no_wrong_command(still: Shop, understudy: Command) -> None:
    ended = understudy("trace", "target", "shop.orders", STRANGER, "--folder", still.folder)
    assert ended.code == 2
    assert ended.err.startswith("error: There is no such row: no legacy row ever became it")


def test_a_rollback_of_nothing_asks_for_no_name(still: Shop, understudy: Command) -> None:
    ended = understudy("rollback", still.folder)
    assert (ended.code, ended.out) == (7, "")
    assert "there is nothing to roll back: the cutover is not begun" in ended.err


def test_the_page_of_an_account_has_what_an_auditor_asks_for(
    still: Shop, understudy: Command
) -> None:
    (still.folder / "tidy.py").write_text("def upper(values):\n    return values\n")
    still.edit("entities/customers.toml", '"name"', '{ from = "name", python = "tidy:upper" }')
    order(still, 1)
    page = understudy("account", still.folder, "--output", "html").out
    for text in ("LSN 0/1 of the source", "public.orders", "shop.orders", "Version, source"):
        assert text in page
    assert "<dt>Time</dt><dd>20" in page
    assert "cents &gt;= 0" in page
    assert "def upper(values):" in page


def test_a_row_that_adds_columns_to_another_is_traced_as_merged(
    still: Shop, understudy: Command
) -> None:
    still.source("CREATE TABLE lands (id integer PRIMARY KEY, land char(2))")
    still.edit("entities/customers.toml", 'country    = { constant = "AT" }\n', "")
    (still.folder / "entities" / "lands.toml").write_text("""
source = "public.lands"
target = "shop.customers"
[columns]
id      = { join = "customers", from = "id" }
country = "land"
""")
    register(still)
    still.source("INSERT INTO lands VALUES (1, 'AT')")
    with psycopg.connect(still.target_dsn) as target:
        place = ("lands", "public.lands", "1", row_id("customers", 1))
        target.execute(MAP, [*place, None, None])
    ended = understudy("trace", "source", "public.lands", "1", "-f", still.folder, "-o", "json")
    life = ended.document
    assert (life["state"], life["merged_into"]) == ("merged into customers", "customers")
    assert life["target_row"]["name"] == "Ada"
    account = understudy("account", still.folder, "--output", "json").document
    assert (account["merged"], account["unaccounted"]) == (1, 0)
