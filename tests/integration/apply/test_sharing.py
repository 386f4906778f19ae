"""Several entities that write one target table: rows of their own, or columns of the same rows."""

from itertools import permutations
from typing import Any

import pytest

from tests.integration.apply.migrated import Event, Migrated, change, delete

NEW = {"columns": {"id": {"uuid": True}, "name": "name", "phone": "phone"}, "merge": "union"}
OLD = {
    "columns": {"id": {"uuid": True}, "name": "full_name", "phone": {"sql": "area || ' ' || tel"}},
    "merge": "union",
    "target": "app.patients",
}
DOCTORS = {"columns": {"id": {"uuid": True}, "name": "name"}}
DETAILS = {
    "columns": {"id": {"join": "doctors", "from": "doctor"}, "bio": "bio", "stars": "stars"},
    "target": "app.doctors",
}
ROWS = "SELECT name, bio, stars FROM app.doctors ORDER BY name"


@pytest.fixture
def patients(migrated: Migrated) -> Migrated:
    """Patients of an old table and of a new one, in one."""
    columns = "id uuid PRIMARY KEY, name text NOT NULL, phone text UNIQUE"
    migrated.table("patients", "id int PRIMARY KEY, name text, phone text", columns)
    migrated.connection.execute(
        "CREATE TABLE legacy.archive (id int PRIMARY KEY, full_name text, area text, tel text)"
    )
    migrated.migrate({"patients": NEW, "archive": OLD})
    return migrated


@pytest.fixture
def doctors(migrated: Migrated) -> Migrated:
    """Doctors, and what another legacy table says of them."""
    migrated.table(
        "doctors",
        "id int PRIMARY KEY, name text",
        "id uuid PRIMARY KEY, name text NOT NULL, bio text, stars int NOT NULL DEFAULT 0",
    )
    migrated.connection.execute(
        "CREATE TABLE legacy.details (id int PRIMARY KEY, doctor int, bio text, stars int)"
    )
    migrated.migrate({"doctors": DOCTORS, "details": DETAILS})
    migrated.mark(1000)
    return migrated


def phones(migrated: Migrated) -> list[tuple[Any, ...]]:
    """Names and phones in the target."""
    return migrated.rows("SELECT name, phone FROM app.patients ORDER BY name")


def test_rows_of_two_tables_with_the_same_key_are_two_rows(patients: Migrated) -> None:
    patients.apply("patients", change(1, id=7, name="Ada", phone="1"))
    patients.apply("archive", change(2, id=7, full_name="Bob", area="0", tel="2"))
    assert phones(patients) == [("Ada", "1"), ("Bob", "0 2")]
    patients.apply("patients", delete(3, id=7))
    assert phones(patients) == [("Bob", "0 2")]
    patients.truncate("patients", 4)
    assert phones(patients) == [("Bob", "0 2")]


def test_a_unique_value_that_a_row_of_the_other_table_holds_is_waited_for(
    patients: Migrated,
) -> None:
    patients.apply("archive", change(1, id=7, full_name="Bob", area="0", tel="2"))
    patients.apply("patients", change(2, id=9, name="Ada", phone="0 2"))
    assert (phones(patients), patients.waiting("patients")) == ([("Bob", "0 2")], {"9": "unique"})
    patients.apply("archive", delete(3, id=7))
    patients.sweep()
    assert (phones(patients), patients.waiting("patients")) == ([("Ada", "0 2")], {})


@pytest.mark.parametrize("ours", ["park", "null"])
@pytest.mark.parametrize("theirs", ["park", "null"])
def test_children_in_a_shared_table_leave_with_their_parent_each_by_its_own_file(
    migrated: Migrated, ours: str, theirs: str
) -> None:
    migrated.table("offices", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table(
        "new",
        "id int PRIMARY KEY, office int",
        "id uuid PRIMARY KEY, office uuid REFERENCES app.offices",
    )
    migrated.connection.execute("CREATE TABLE legacy.old (id int PRIMARY KEY, office int)")
    migrated.connection.execute("CREATE INDEX ON app.new (office)")

    def part(missing: str) -> dict[str, Any]:
        rule = {"ref": "offices", "from": "office", "missing": missing}
        columns = {"id": {"uuid": True}, "office": rule}
        return {"columns": columns, "merge": "union", "target": "app.new"}

    offices = {"columns": {"id": {"uuid": True}}}
    migrated.migrate({"offices": offices, "new": part(ours), "old": part(theirs)})
    migrated.apply("offices", change(1, id=1))
    migrated.apply("new", change(2, id=1, office=1))
    migrated.apply("old", change(3, id=1, office=1))
    migrated.apply("offices", delete(4, id=1))
    migrated.mark(10)
    migrated.sweep()
    migrated.sweep()
    assert migrated.rows("SELECT count(*) FROM app.offices") == [(0,)]
    waiting = (migrated.waiting("new"), migrated.waiting("old"))
    assert waiting == tuple({"1": "parent"} if m == "park" else {} for m in (ours, theirs))
    assert migrated.rows("SELECT count(*) FROM app.new") == [([ours, theirs].count("null"),)]
    migrated.apply("offices", change(11, id=1))
    migrated.sweep()
    assert migrated.rows("SELECT count(office) FROM app.new") == [(2,)]


def test_a_row_that_joins_adds_its_columns_and_takes_them_along(doctors: Migrated) -> None:
    doctors.apply("doctors", change(1, id=1, name="Ada"), change(2, id=2, name="Bob"))
    doctors.apply("details", change(3, id=70, doctor=1, bio="x", stars=5))
    assert doctors.rows(ROWS) == [("Ada", "x", 5), ("Bob", None, 0)]
    doctors.apply("details", change(4, id=70, doctor=2, bio="y", stars=4))
    assert doctors.rows(ROWS) == [("Ada", None, 0), ("Bob", "y", 4)]
    doctors.apply("doctors", change(5, id=2, name="Bea"))
    assert doctors.rows(ROWS) == [("Ada", None, 0), ("Bea", "y", 4)]
    of_doctor = "SELECT id FROM understudy.migration_mappings WHERE entity = 'details'"
    before = doctors.rows(of_doctor)
    doctors.apply("details", delete(6, id=70))
    assert doctors.rows(of_doctor) == before
    assert doctors.rows(ROWS) == [("Ada", None, 0), ("Bea", None, 0)]
    assert doctors.states("details") == {"70": "d"}


def test_a_row_that_joins_waits_for_the_other_and_again_when_that_was_deleted(
    doctors: Migrated,
) -> None:
    doctors.apply("details", change(1, id=70, doctor=1, bio="x", stars=5))
    assert doctors.waiting("details") == {"70": "parent"}
    doctors.apply("doctors", change(2, id=1, name="Ada"))
    doctors.sweep()
    assert (doctors.rows(ROWS), doctors.waiting("details")) == ([("Ada", "x", 5)], {})
    doctors.apply("doctors", delete(3, id=1))
    assert (doctors.rows(ROWS), doctors.waiting("details")) == ([], {"70": "parent"})
    doctors.apply("doctors", change(4, id=1, name="Ada"))
    doctors.sweep()
    assert (doctors.rows(ROWS), doctors.waiting("details")) == ([("Ada", "x", 5)], {})


@pytest.mark.parametrize("held", [False, True])
def test_a_row_that_joins_waits_when_the_other_is_parked_itself(
    migrated: Migrated, *, held: bool
) -> None:
    migrated.table("offices", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table(
        "doctors",
        "id int PRIMARY KEY, name text, office int",
        "id uuid PRIMARY KEY, name text, office uuid REFERENCES app.offices, bio text, stars int",
    )
    migrated.connection.execute(
        "CREATE TABLE legacy.details (id int PRIMARY KEY, doctor int, bio text, stars int)"
    )
    office = {"ref": "offices", "from": "office", "missing": "park"}
    doctors = {"columns": {**DOCTORS["columns"], "office": office}}
    offices = {"columns": {"id": {"uuid": True}}}
    migrated.migrate({"offices": offices, "doctors": doctors, "details": DETAILS})
    migrated.mark(1000)
    migrated.apply("offices", change(1, id=1))
    migrated.apply("doctors", change(2, id=1, name="Ada", office=1))
    migrated.apply("details", change(3, id=70, doctor=1, bio="x", stars=5))
    if held:
        migrated.apply("offices", delete(4, id=1))
        migrated.sweep()
    else:
        migrated.apply("doctors", change(4, id=1, name="Ada", office=2))
    waiting = (migrated.waiting("doctors"), migrated.waiting("details"))
    assert (migrated.rows(ROWS), *waiting) == ([], {"1": "parent"}, {"70": "parent"})
    migrated.apply("offices", change(5, id=1), change(5, id=2))
    migrated.sweep()
    migrated.sweep()
    assert migrated.rows(ROWS) == [("Ada", "x", 5)]


def test_two_rows_that_join_the_same_one_do_not_overwrite_each_other(doctors: Migrated) -> None:
    doctors.apply("doctors", change(1, id=1, name="Ada"))
    details = [change(2, id=k, doctor=1, bio=f"of {k}", stars=k) for k in (70, 71)]
    doctors.apply("details", *details)
    assert (doctors.rows(ROWS), doctors.waiting("details")) == (
        [("Ada", "of 70", 70)],
        {"71": "unique"},
    )
    doctors.apply("details", delete(3, id=70))
    doctors.sweep()
    assert (doctors.rows(ROWS), doctors.waiting("details")) == ([("Ada", "of 71", 71)], {})


def test_rows_that_join_may_change_places(doctors: Migrated) -> None:
    doctors.apply("doctors", change(1, id=1, name="Ada"), change(2, id=2, name="Bob"))
    doctors.apply("details", *(change(3, id=k, doctor=k, bio=str(k), stars=k) for k in (1, 2)))
    doctors.apply("details", *(change(4, id=k, doctor=3 - k, bio=str(k), stars=k) for k in (1, 2)))
    assert doctors.rows(ROWS) == [("Ada", "2", 2), ("Bob", "1", 1)]


def test_a_row_that_joins_none_is_a_dead_letter(doctors: Migrated) -> None:
    doctors.apply("details", change(1, id=70, doctor=None, bio="x", stars=5))
    [found] = doctors.rows("SELECT error, column_name FROM understudy.dead_letters")
    assert found == ("it does not say which row it joins (NULL)", "id")


@pytest.mark.long
def test_whatever_comes_first_and_twice_both_halves_end_in_the_same_row(doctors: Migrated) -> None:
    events: list[tuple[str, Event]] = [
        ("doctors", change(1, id=1, name="Ada")),
        ("details", change(2, id=70, doctor=1, bio="x", stars=5)),
        ("doctors", delete(3, id=1)),
        ("doctors", change(4, id=1, name="Eve")),
        ("details", change(5, id=70, doctor=1, bio="y", stars=6)),
    ]
    for order in permutations(range(len(events))):
        for place in (*order, *order[:2]):
            doctors.apply(*events[place])
        doctors.sweep()
        assert doctors.rows(ROWS) == [("Eve", "y", 6)], order
        assert doctors.waiting("details") == {}
        doctors.connection.execute(
            "TRUNCATE app.doctors, understudy.migration_mappings, understudy.waiting"
        )
