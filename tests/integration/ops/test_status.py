from collections.abc import Callable

import psycopg
import pytest

from consumers.waiting import Why
from ops.cli.letters import _LETS_IN
from tests.integration.ops.conftest import Ended, register
from tests.shop import Shop

Command = Callable[..., Ended]


def test_before_the_first_run_every_entity_is_new_and_the_next_step_is_run(
    shop: Shop, understudy: Command
) -> None:
    ended = understudy("status", shop.folder, "--output", "json")
    assert ended.code == 0
    assert {entity["state"] for entity in ended.document["entities"]} == {"new"}
    assert ended.document["next_steps"] == [
        f"understudy check {shop.folder}",
        f"understudy run {shop.folder}",
    ]
    assert ended.document["problems"] == []


@pytest.mark.parametrize(
    ("setting", "exit_code"),
    [
        (("UNDERSTUDY_SOURCE__DSN", "postgresql://nobody@127.0.0.1:1/x"), 4),
        (("UNDERSTUDY_TARGET__DSN", "postgresql://nobody@127.0.0.1:1/x"), 6),
    ],
)
def test_a_server_that_is_down_is_a_problem_and_the_rest_is_still_shown(
    setting: tuple[str, str],
    exit_code: int,
    shop: Shop,
    understudy: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(*setting)
    ended = understudy("status", shop.folder)
    assert ended.code == exit_code
    assert "Connection refused" in ended.out
    assert "orders" in ended.out
    assert f"next: understudy check {shop.folder}" in ended.out


def test_what_waits_and_what_died_is_counted_by_reason(shop: Shop, understudy: Command) -> None:
    register(shop)
    shop.target("""
        INSERT INTO understudy.waiting
            (entity, source, legacy_key, epoch, commit_lsn, ordinal, deleted, reason, sqlstate, constraint_name,
             waits_for, waits_id)
        VALUES ('orders', 'public.orders', '1', 1, 1, 0, false, 'parent', NULL, NULL, 'customers',
                gen_random_uuid()),
            ('orders', 'public.orders', '2', 1, 1, 0, false, 'unique', NULL, NULL, NULL, NULL),
            ('orders', 'public.orders', '3', 1, 1, 0, false, 'rule', '23514', 'positive', NULL, NULL),
            ('orders', 'public.orders', '4', 1, 1, 0, false, 'parent', NULL, NULL, 'customers',
                gen_random_uuid());
        INSERT INTO understudy.migration_mappings
            (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
        SELECT 1, 'customers', 'public.customers', '9', waits_id, 'x', 1, 1, 0, 1
        FROM understudy.waiting WHERE legacy_key = '4';
        UPDATE understudy.entities SET stopped_at = now(), stopped_reason = 'the table is gone'
        WHERE entity = 'customers';
    """)
    entities = understudy("status", shop.folder, "--output", "json").document["entities"]
    customers, orders = ({**entity} for entity in entities)
    assert orders["parked_by_reason"] == {"parent": 1, "parent excluded": 1, "unique": 1}
    assert orders["parked"] == 3
    assert (orders["dead_letters"], orders["dead_letters_by_reason"]) == (1, {"23514 positive": 1})
    assert (customers["state"], customers["stopped_reason"]) == ("stopped", "the table is gone")
    listed = understudy("parked", "list", shop.folder).err.splitlines()
    reasons = [line.partition(":")[0] for line in listed]
    assert reasons == ["3 found", "parent", "parent excluded", "unique"]
    assert "it goes in once that row has another value in the source" in listed[-1]


def test_every_reason_to_park_a_row_has_words_for_what_lets_it_in() -> None:
    parking = {why.value for why in Why} - {"rule"}
    assert parking | {"parent excluded"} == set(_LETS_IN)


def test_rows_are_counted_if_that_is_quick_or_asked_for(
    shop: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(*words: str) -> list[int | None]:
        ended = understudy("status", shop.folder, "--output", "json", *words)
        assert ended.code == 0
        return [entity["rows"] for entity in ended.document["entities"]]

    register(shop)
    shop.target("""
        INSERT INTO understudy.migration_mappings
            (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
        SELECT 1, 'orders', 'public.orders', n, gen_random_uuid(), 'l', 1, 1, 0, 1 FROM generate_series(1, 100000) n;
    """)
    assert rows() == [0, 100_000]
    monkeypatch.setattr("ops.cli.looking.COUNT_MS", 1)
    assert rows() == [None, None]
    assert "--exact" in understudy("status", shop.folder).out
    assert rows("--exact") == [0, 100_000]


def test_pause_and_resume_say_what_they_changed_and_are_recorded(
    shop: Shop, understudy: Command
) -> None:
    assert understudy("pause", shop.folder).code == 7
    register(shop)
    assert understudy("pause", shop.folder).err == "paused: customers, orders\n"
    assert understudy("pause", shop.folder, "--entity", "orders").err == "nothing to be paused\n"
    assert understudy("resume", shop.folder, "--entity", "orders").err == "resumed: orders\n"
    with psycopg.connect(shop.target_dsn) as connection:
        held = connection.execute(
            "SELECT entity FROM understudy.entities WHERE held_at IS NOT NULL"
        ).fetchall()
        audited = connection.execute(
            "SELECT action, subject FROM understudy.audit_log ORDER BY id"
        ).fetchall()
    assert held == [("customers",)]
    assert audited == [("pause", "customers"), ("pause", "orders"), ("resume", "orders")]


def test_a_paused_entity_waits_for_the_batch_that_is_being_applied(
    shop: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(shop)
    monkeypatch.setattr("ops.databases.LOCK_TIMEOUT_MS", 200)
    with psycopg.connect(shop.target_dsn) as applying:
        applying.execute("SELECT FROM understudy.entities WHERE entity = 'orders' FOR SHARE")
        refused = understudy("pause", shop.folder, "--entity", "orders")
    assert refused.code == 9
    assert understudy("pause", shop.folder, "--entity", "orders").code == 0


def test_checking_a_running_pipeline_does_not_wait_for_its_batches(
    shop: Shop, understudy: Command
) -> None:
    register(shop)
    with psycopg.connect(shop.target_dsn) as applying:
        applying.execute("SELECT FROM understudy.entities FOR SHARE")
        applying.execute(
            "LOCK TABLE understudy.migration_mappings_orders, shop.orders IN ROW EXCLUSIVE MODE"
        )
        assert understudy("check", shop.folder).code == 0


def test_the_plan_of_a_cutover_ends_in_what_to_do_first(shop: Shop, understudy: Command) -> None:
    register(shop)
    shown = understudy("cutover", "plan", shop.folder)
    assert (shown.code, shown.out.splitlines()[-1][:6]) == (0, "next: ")
