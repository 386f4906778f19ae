"""Rules that change while rows wait: what was written keeps its version, what died is tried again, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import structlog

from consumers import control, founding, reapply, sweep
from schemas.entity import Entity
from schemas.errors import ConfigError, NotReadyError
from tests.integration.apply.migrated import NAMESPACE, Connection, Migrated, change, connect
from tests.integration.consumers.harness import DEADLINE_S, wait_for

ID = {"uuid": True}
OPEN_ONLY = {"from": "v", "values": {"0": "open"}}
OPEN_AND_PAID = {"from": "v", "values": {"0": "open", "1": "paid"}}
REGISTERING = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'understudy test' AND datname = current_database() AND wait_event_type = 'Lock'"""


def rules(rule: object, **words: Any) -> dict[str, dict[str, Any]]:
    return {"t": {"columns": {"id": ID, "v": rule}} | words}


@pytest.fixture
def orders(migrated: Migrated) -> Migrated:
    """An entity `t` that knows the code 0 alone; its row 1 lives, its row 2 is a dead letter."""
    migrated.table("t", "id bigint PRIMARY KEY, v smallint", "id uuid PRIMARY KEY, v text")
    migrated.migrate(rules(OPEN_ONLY))
    migrated.apply("t", change(10, id=1, v=0), change(10, 2, id=2, v=1))
    assert migrated.waiting("t") == {"2": "rule"}
    return migrated


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    # A new one: a command that ran in this process has the first one keep its configuration.
    monkeypatch.setattr(control, "log", structlog.get_logger())
    with structlog.testing.capture_logs() as events:
        yield events


def written(migrated: Migrated) -> dict[str, tuple[str, int]]:
    """Value and version of the rules of each row, by legacy key."""
    query = """
        SELECT m.legacy_key, t.v, m.spec_version
        FROM app.t JOIN understudy.migration_mappings m ON m.id = t.id"""
    return {key: (value, version) for key, value, version in migrated.rows(query)}


def letters(migrated: Migrated) -> list[tuple[Any, ...]]:
    """Key, version of the rules and attempts of each dead letter."""
    return migrated.rows(
        "SELECT legacy_key, spec_version, attempts FROM understudy.waiting WHERE reason = 'rule'"
    )


def is_so(connection: Connection, query: str, expected: int) -> bool:
    return connection.execute(query.encode()).fetchall() == [(expected,)]


def has_work(migrated: Migrated) -> bool:
    return sweep.may_have_work(migrated.connection, migrated.appliers["t"])


def test_a_dead_letter_is_tried_again_once_the_rules_are_corrected(orders: Migrated) -> None:
    assert not has_work(orders)
    orders.migrate(rules(OPEN_AND_PAID))
    assert has_work(orders)
    orders.sweep("t")
    assert written(orders) == {"1": ("open", 1), "2": ("paid", 2)}
    assert (orders.waiting("t"), has_work(orders)) == ({}, False)


def test_an_image_that_is_older_than_a_column_is_not_written_again_without_it(
    orders: Migrated,
) -> None:
    orders.connection.execute("ALTER TABLE legacy.t ADD w text DEFAULT 'old'")
    orders.migrate(rules("w"))
    with pytest.raises(NotReadyError, match="1 images of t are older than the column w") as error:
        reapply.reapply(orders.connection, orders.appliers["t"], ["1"])
    assert "UPDATE legacy.t SET w = w" in str(error.value.advice)
    assert written(orders) == {"1": ("open", 1)}
    orders.apply("t", change(30, id=1, v=0, w="old"))
    assert reapply.reapply(orders.connection, orders.appliers["t"], ["1"]) == ["1"]
    assert written(orders) == {"1": ("old", 2)}


def test_what_fails_by_the_new_rules_too_is_tried_once_and_keeps_their_version(
    orders: Migrated,
) -> None:
    orders.migrate(rules({"from": "v", "values": {"0": "OPEN"}}))
    orders.sweep("t")
    assert letters(orders) == [("2", 2, 2)]
    assert not has_work(orders)
    orders.sweep("t")
    assert letters(orders) == [("2", 2, 2)]


def test_dead_letters_are_tried_again_in_batches_until_none_is_left(
    orders: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "WAKE_MAX", 2)
    orders.apply("t", *(change(20, n, id=n, v=7 - n % 2) for n in range(3, 6)))
    orders.migrate(rules({"from": "v", "values": {"0": "open", "1": "paid", "6": "lost"}}))
    for _ in range(2):
        assert has_work(orders)
        orders.sweep("t")
    assert not has_work(orders)
    assert sorted(orders.waiting("t")) == ["4"]


def test_a_dead_letter_takes_the_place_of_its_older_live_version(orders: Migrated) -> None:
    orders.apply("t", change(20, id=1, v=1))
    assert written(orders) == {"1": ("open", 1)}
    orders.migrate(rules(OPEN_AND_PAID))
    orders.sweep("t")
    assert written(orders) == {"1": ("paid", 2), "2": ("paid", 2)}
    assert orders.waiting("t") == {}


def test_a_dead_letter_that_the_new_rules_leave_out_takes_its_older_version_along(
    orders: Migrated,
) -> None:
    orders.apply("t", change(20, id=1, v=1))
    orders.migrate(rules(OPEN_AND_PAID, where="v = 0"))
    orders.sweep("t")
    assert written(orders) == {}
    assert orders.states("t") == {"1": "x", "2": "x"}
    assert orders.waiting("t") == {}


def test_a_partial_dead_letter_is_completed_from_its_older_live_version(
    migrated: Migrated,
) -> None:
    legacy = "id bigint PRIMARY KEY, v smallint, w text"
    migrated.table("t", legacy, "id uuid PRIMARY KEY, v text, w text")
    migrated.migrate({"t": {"columns": {"id": ID, "v": OPEN_ONLY, "w": "w"}}})
    migrated.apply("t", change(10, id=1, v=0, w="long"))
    migrated.apply("t", change(20, id=1, v=1, lacks=["w"]))
    migrated.migrate({"t": {"columns": {"id": ID, "v": OPEN_AND_PAID, "w": "w"}}})
    migrated.sweep("t")
    assert migrated.rows("SELECT v, w FROM app.t") == [("paid", "long")]


def test_a_dead_letter_that_a_newer_row_overtook_before_the_sweep_stays_away(
    orders: Migrated,
) -> None:
    orders.migrate(rules(OPEN_AND_PAID))
    orders.apply("t", change(30, id=2, v=0))
    orders.sweep("t")
    assert written(orders)["2"] == ("open", 2)
    assert orders.waiting("t") == {}


def test_a_parked_row_has_the_version_of_the_rules_that_parked_it(migrated: Migrated) -> None:
    migrated.table("p", "id bigint PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table("t", "id bigint PRIMARY KEY, p bigint", "id uuid PRIMARY KEY, p uuid, v text")
    reference = {"ref": "p", "from": "p", "missing": "park"}
    parent = {"p": {"columns": {"id": ID}}}
    migrated.migrate(parent | {"t": {"columns": {"id": ID, "p": reference}}})
    migrated.migrate({"t": {"columns": {"id": ID, "p": reference, "v": {"constant": "new"}}}})
    migrated.apply("t", change(10, id=1, p=7))
    found = migrated.rows("SELECT reason, spec_version FROM understudy.waiting")
    assert found == [("watermark", 2)]


def test_the_same_rules_in_other_words_are_no_change(orders: Migrated, logged: list[Any]) -> None:
    plain = {"v": {"from": "v", "values": {"0": "open"}, "else": "dead-letter"}, "id": ID}
    orders.migrate({"t": {"columns": plain, "partitions": 4}})
    assert (orders.spec_versions, logged) == ({"t": 1}, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"where": "v = 0"},
        {"expect": {"small": "v < 9"}},
        {"key": ["v"]},
        {"columns": {"id": ID, "v": OPEN_AND_PAID}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_rules_that_make_other_rows_are_a_new_version_and_a_warning(
    orders: Migrated, logged: list[Any], changed: dict[str, Any]
) -> None:
    orders.migrate(rules(OPEN_ONLY, **changed))
    orders.migrate(rules(OPEN_ONLY, **changed))
    assert orders.spec_versions == {"t": 2}
    assert [(event["log_level"], event["entity"]) for event in logged] == [("warning", "t")]


def test_another_text_of_a_python_rule_is_a_new_version(migrated: Migrated) -> None:
    (migrated.folder / "rules.py").write_text("def shout(texts): return texts")
    migrated.table("t", "id bigint PRIMARY KEY, v text", "id uuid PRIMARY KEY, v text")
    migrated.migrate(rules({"from": "v", "python": "rules:shout"}))
    (migrated.folder / "rules.py").write_text("def shout(texts): return [*texts]")
    migrated.migrate(rules({"from": "v", "python": "rules:shout"}))
    assert migrated.spec_versions == {"t": 2}


def test_two_workers_that_start_at_once_by_the_same_new_rules_make_one_version(
    orders: Migrated,
) -> None:
    entity = orders.entities["t"].model_copy(update={"where": "v = 0"})

    def register() -> dict[str, int]:
        with connect(orders.connection.info.dsn) as connection:
            return control.register(connection, [entity], orders.folder)

    with ThreadPoolExecutor(2) as pool:
        with orders.connection.transaction(), connect(orders.connection.info.dsn) as watching:
            orders.connection.execute("SELECT FROM understudy.entities FOR SHARE")
            started = [pool.submit(register) for _ in range(2)]
            both = partial(is_so, watching, REGISTERING, 2)
            wait_for(both, DEADLINE_S, lambda: "the two do not wait for a lock")
        assert [future.result() for future in started] == [{"t": 2}, {"t": 2}]
    assert orders.rows("SELECT spec_version FROM understudy.entities") == [(2,)]


@pytest.mark.parametrize(
    ("words", "namespace", "refused"),
    [
        ({}, NAMESPACE, None),
        ({}, UUID(int=7), "the namespace is not"),
        ({"target": "app.other"}, NAMESPACE, "the target is not .* written_with=app.t"),
        ({"source": "legacy.other"}, NAMESPACE, "the source is not .* written_with=legacy.t"),
    ],
)
def test_another_identity_than_that_of_the_rows_is_refused(
    orders: Migrated, words: dict[str, str], namespace: UUID, refused: str | None
) -> None:
    document = {"name": "t", "source": "legacy.t", "target": "app.t"}
    entity = Entity.model_validate(document | rules(OPEN_ONLY)["t"] | words)
    with pytest.raises(ConfigError, match=refused) if refused else nullcontext():
        founding.check(orders.connection, namespace, [entity])


def test_an_entity_without_rows_may_still_change_all(migrated: Migrated) -> None:
    migrated.table("t", "id bigint PRIMARY KEY, v smallint", "id uuid PRIMARY KEY, v text")
    migrated.migrate(rules(OPEN_ONLY))
    founding.check(migrated.connection, UUID(int=7), list(migrated.entities.values()))


def test_a_row_whose_uuid_was_chosen_by_hand_says_nothing_of_the_namespace(
    orders: Migrated,
) -> None:
    orders.connection.execute(
        "INSERT INTO understudy.identity_overrides VALUES ('t', 'legacy.t', '1', gen_random_uuid(), 'test')"
    )
    founding.check(orders.connection, UUID(int=7), list(orders.entities.values()))


def test_what_lacked_a_parent_by_the_old_rules_is_tried_again_once(migrated: Migrated) -> None:
    migrated.table("p", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table("t", "id int PRIMARY KEY, p int", "id uuid PRIMARY KEY, p uuid REFERENCES app.p")
    parents = {"p": {"columns": {"id": ID}}}
    migrated.migrate(parents | rules_of_parent("park"))
    migrated.mark(1000)
    migrated.apply("t", change(10, id=1, p=7))
    assert (migrated.waiting("t"), has_work(migrated)) == ({"1": "parent"}, True)
    attempts = "SELECT attempts FROM understudy.waiting"
    for _ in range(2):
        migrated.sweep("t")
        assert migrated.rows(attempts) == [(1,)]
    migrated.migrate(parents | rules_of_parent("null"))
    migrated.sweep("t")
    assert migrated.waiting("t") == {}
    assert migrated.rows("SELECT p FROM app.t") == [(None,)]


def rules_of_parent(missing: str) -> dict[str, dict[str, Any]]:
    parent = {"ref": "p", "from": "p", "missing": missing}
    return {"t": {"columns": {"id": ID, "p": parent}}}
