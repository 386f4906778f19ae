"""Unique keys of the target beside the UUID: values that pass from row to row."""

from typing import Any

import pytest

from consumers import sweep
from consumers.vain import Vain
from tests.integration.apply.migrated import Migrated, change, delete

KINDS = {
    "nullable": "email text UNIQUE",
    "not null": "email text NOT NULL UNIQUE",
    "deferrable": "email text UNIQUE DEFERRABLE",
    "deferred and not null": "email text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED",
    "nulls not distinct": "email text, UNIQUE NULLS NOT DISTINCT (email)",
}
PEOPLE = {"columns": {"id": {"uuid": True}, "email": "email"}}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def people(migrated: Migrated, request: pytest.FixtureRequest) -> Migrated:
    """People with an address of their own, of every kind of unique key."""
    return make(migrated, request.param)


def make(migrated: Migrated, email: str, **words: Any) -> Migrated:
    migrated.table("people", "id int PRIMARY KEY, email text", f"id uuid PRIMARY KEY, {email}")
    migrated.connection.execute(
        "CREATE TABLE app.pets (owner uuid REFERENCES app.people ON UPDATE CASCADE)"
    )
    migrated.migrate({"people": PEOPLE | words})
    return migrated


def emails(migrated: Migrated) -> dict[str, str]:
    query = """
        SELECT m.legacy_key, t.email FROM app.people t
        JOIN understudy.migration_mappings m ON m.id = t.id ORDER BY 1"""
    return dict(migrated.rows(query))


def have(migrated: Migrated, at: int, **addresses: str | None) -> None:
    """One batch of rows, called _1, _2, ..."""
    rows = enumerate(addresses.items(), start=1)
    events = (change(at, n, id=int(name[1:]), email=email) for n, (name, email) in rows)
    migrated.apply("people", *events)


def keep_a_pet(migrated: Migrated, *keys: str) -> None:
    for key in keys:
        migrated.connection.execute(
            "INSERT INTO app.pets VALUES (%s)", [migrated.id("people", key)]
        )


def test_case_086_a_value_passes_from_one_row_to_another_in_a_batch(people: Migrated) -> None:
    have(people, 10, _1="a", _2="b")
    have(people, 20, _2="c", _1="b")
    assert emails(people) == {"1": "b", "2": "c"}


def test_case_086_two_rows_swap_their_values(people: Migrated) -> None:
    have(people, 10, _1="a", _2="b")
    keep_a_pet(people, "1", "2")
    have(people, 20, _1="b", _2="a")
    assert emails(people) == {"1": "b", "2": "a"}
    assert len(people.rows("SELECT FROM app.pets")) == 2


def test_case_086_a_ring_of_values_turns(people: Migrated) -> None:
    have(people, 10, _1="a", _2="b", _3="c", _4="d")
    have(people, 20, _1="b", _2="c", _3="d", _4="a")
    assert emails(people) == {"1": "b", "2": "c", "3": "d", "4": "a"}


def test_case_086_a_value_is_taken_from_a_row_that_goes(people: Migrated) -> None:
    have(people, 10, _1="a", _2="b")
    people.apply("people", delete(20, 1, id=1), change(20, 2, id=2, email="a"))
    assert emails(people) == {"2": "a"}


def test_case_086_a_conflict_across_batches_waits_until_the_holder_lets_go(
    people: Migrated,
) -> None:
    have(people, 10, _1="a")
    have(people, 30, _2="a")
    assert (emails(people), people.waiting("people")) == ({"1": "a"}, {"2": "unique"})
    [(waits_id,)] = people.rows("SELECT waits_id FROM understudy.waiting")
    assert waits_id == people.id("people", "1")
    have(people, 20, _1="b")
    people.sweep()
    assert (emails(people), people.waiting("people")) == ({"1": "b", "2": "a"}, {})


def test_what_waits_is_not_tried_again_before_something_of_its_relatives_was_applied(
    migrated: Migrated,
) -> None:
    people = make(migrated, KINDS["nullable"])
    have(people, 10, _1="a")
    have(people, 30, _2="a")
    vain, applier = Vain(), people.appliers["people"]

    def tried() -> int:
        return sweep.sweep(people.connection, applier, people.appliers, vain).tried

    assert (tried(), tried()) == (1, 0)
    people.connection.execute("UPDATE understudy.checkpoints SET watermark = watermark + 1")
    assert tried() == 0
    people.connection.execute("UPDATE understudy.checkpoints SET next_offset = next_offset + 1")
    assert (tried(), tried()) == (1, 0)
    # Another worker has brought in what waited.
    people.connection.execute("""
        INSERT INTO understudy.waiting (entity, source, legacy_key, epoch, commit_lsn, ordinal, deleted, reason)
        VALUES ('people', '', '9', 1, 9, 1, false, 'watermark')""")
    assert (tried(), tried()) == (1, 0)
    people.connection.execute("DELETE FROM understudy.waiting WHERE legacy_key = '9'")
    assert (tried(), tried()) == (1, 0)


def test_case_086_a_ring_across_batches_goes_in_together(people: Migrated) -> None:
    have(people, 10, _1="a", _2="b", _3="c")
    have(people, 20, _1="b")
    have(people, 20, _2="c")
    assert people.waiting("people") == {"1": "unique", "2": "unique"}
    have(people, 20, _3="a")
    people.sweep()
    assert (emails(people), people.waiting("people")) == ({"1": "b", "2": "c", "3": "a"}, {})


def test_case_086_of_two_new_rows_with_one_value_the_older_goes_in(people: Migrated) -> None:
    have(people, 10, _1="a", _2="a", _3="b")
    assert (emails(people), people.waiting("people")) == ({"1": "a", "3": "b"}, {"2": "unique"})


def test_case_086_a_stale_holder_in_the_batch_does_not_count(people: Migrated) -> None:
    have(people, 10, _1="a")
    have(people, 30, _1="b")
    people.apply("people", change(20, 1, id=1, email="a"), change(40, 1, id=2, email="b"))
    assert (emails(people), people.waiting("people")) == ({"1": "b"}, {"2": "unique"})


def test_case_011_nulls_are_distinct_unless_the_key_says_otherwise(migrated: Migrated) -> None:
    make(migrated, KINDS["nullable"])
    have(migrated, 10, _1=None, _2=None)
    assert (len(emails(migrated)), migrated.waiting("people")) == (2, {})


def test_case_011_nulls_that_are_not_distinct_wait_for_each_other(migrated: Migrated) -> None:
    make(migrated, KINDS["nulls not distinct"])
    have(migrated, 10, _1=None)
    have(migrated, 20, _2=None, _3="a")
    assert (list(emails(migrated)), migrated.waiting("people")) == (["1", "3"], {"2": "unique"})
    have(migrated, 30, _1="b")
    migrated.sweep()
    assert emails(migrated) == {"1": "b", "2": None, "3": "a"}


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "RESTRICT"])
def test_case_086_a_swap_never_costs_a_child_its_parent(migrated: Migrated, action: str) -> None:
    make(migrated, KINDS["not null"])
    migrated.connection.execute("ALTER TABLE app.pets DROP CONSTRAINT pets_owner_fkey")
    migrated.connection.execute(
        f"ALTER TABLE app.pets ADD FOREIGN KEY (owner) REFERENCES app.people ON DELETE {action}".encode()
    )
    migrated.migrate({})
    have(migrated, 10, _1="a", _2="b", _3="c")
    keep_a_pet(migrated, "1", "2")
    have(migrated, 20, _1="b", _2="a", _3="d")
    assert migrated.rows("SELECT count(*) FROM app.pets WHERE owner IS NOT NULL") == [(2,)]
    assert emails(migrated) == {"1": "a", "2": "b", "3": "d"}
    assert migrated.waiting("people") == {"1": "unique", "2": "unique"}


def test_a_rule_that_is_sql_may_have_the_name_of_a_column_of_the_target(migrated: Migrated) -> None:
    rules = {"id": {"uuid": True}, "email": {"sql": "lower(email)"}}
    make(migrated, KINDS["nullable"], columns=rules)
    have(migrated, 10, _1="A", _2="B")
    have(migrated, 20, _1="B", _2="A", _3="C%s")
    assert emails(migrated) == {"1": "b", "2": "a", "3": "c%s"}


@pytest.mark.parametrize(
    "email",
    [
        "email text, number int GENERATED ALWAYS AS IDENTITY UNIQUE",
        "email text, number int GENERATED ALWAYS AS IDENTITY, UNIQUE (email, number)",
    ],
)
def test_a_unique_key_with_a_column_that_no_rule_writes_is_left_to_the_target(
    migrated: Migrated, email: str
) -> None:
    make(migrated, email)
    have(migrated, 10, _1="a", _2="a")
    have(migrated, 20, _1="b", _2="b")
    assert (emails(migrated), migrated.waiting("people")) == ({"1": "b", "2": "b"}, {})


@pytest.mark.parametrize(
    "index",
    [
        "CREATE UNIQUE INDEX ON app.people (lower(email))",
        "CREATE UNIQUE INDEX ON app.people (email) WHERE email <> 'free'",
        "ALTER TABLE app.people ADD EXCLUDE USING btree (email WITH =)",
    ],
)
def test_case_086_what_only_the_target_can_tell_is_set_aside_row_by_row(
    migrated: Migrated, index: str
) -> None:
    make(migrated, "email text")
    migrated.connection.execute(index.encode())
    migrated.migrate({})
    have(migrated, 10, _1="a", _2="a", _3="b")
    assert emails(migrated) == {"1": "a", "3": "b"}
    assert list(migrated.waiting("people")) == ["2"]


def test_case_086_composite_keys_swap_too(migrated: Migrated) -> None:
    migrated.table(
        "seats",
        "id int PRIMARY KEY, r text, n int",
        "id uuid PRIMARY KEY, r text NOT NULL, n int NOT NULL, UNIQUE (r, n)",
    )
    migrated.migrate({"seats": {"columns": {"id": {"uuid": True}, "r": "r", "n": "n"}}})
    migrated.apply("seats", change(10, 1, id=1, r="a", n=1), change(10, 2, id=2, r="a", n=2))
    migrated.apply("seats", change(20, 1, id=1, r="a", n=2), change(20, 2, id=2, r="a", n=1))
    found = migrated.rows("SELECT n FROM app.seats WHERE id = %s", migrated.id("seats", "1"))
    assert (found, migrated.waiting("seats")) == ([(2,)], {})
