"""References by an alternative key."""

from typing import Any

import pytest

from tests.integration.apply.migrated import Migrated, change, delete

DOCTORS = {
    "columns": {
        "id": {"uuid": True},
        "profile": {"ref": "profiles", "from": "profile"},
        "code": "code",
    }
}
CLINIC: dict[str, Any] = {"profiles": {"columns": {"id": {"uuid": True}}}, "doctors": DOCTORS}
UNKNOWN_IS_NULL = {
    "ref": "doctors", "from": "doctor", "by": "profile", "when": "kind = 'P'", "missing": "null",
}  # fmt: skip
ORDERS = """
SELECT o.legacy_key, d.legacy_key, o.repaired FROM app.orders t
JOIN understudy.migration_mappings o ON o.id = t.id AND o.entity = 'orders'
LEFT JOIN understudy.migration_mappings d ON d.id = t.doctor AND d.entity = 'doctors' ORDER BY 1"""


@pytest.fixture(params=["profile", "code"])
def clinic(migrated: Migrated, request: pytest.FixtureRequest) -> Migrated:
    """Doctors 1 and 2 with the profiles (codes) 11 and 12, and orders that name one or the other."""
    migrated.table("profiles", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table(
        "doctors",
        "id int PRIMARY KEY, profile int, code int",
        "id uuid PRIMARY KEY, profile uuid UNIQUE REFERENCES app.profiles, code bigint UNIQUE",
    )
    migrated.table(
        "orders",
        "id int PRIMARY KEY, doctor int, kind text",
        "id uuid PRIMARY KEY, doctor uuid REFERENCES app.doctors",
    )
    rule = {"ref": "doctors", "from": "doctor", "by": request.param, "when": "kind = 'P'"}
    orders = {"columns": {"id": {"uuid": True}, "doctor": rule}}
    migrated.migrate(CLINIC | {"orders": orders})
    migrated.mark(1000)
    migrated.apply("profiles", *(change(1, id=k) for k in (11, 12)))
    return migrated


def test_the_parent_is_found_by_its_key_or_by_the_alternative_one(clinic: Migrated) -> None:
    clinic.apply("doctors", *(change(2, id=k, profile=k + 10, code=k + 10) for k in (1, 2)))
    clinic.apply(
        "orders",
        change(3, id=1, doctor=1, kind="D"),
        change(3, id=2, doctor=12, kind="P"),
        change(3, id=3, doctor=None, kind="P"),
    )
    assert clinic.rows(ORDERS) == [("1", "1", None), ("2", "2", True), ("3", None, None)]


def test_a_parent_that_the_alternative_key_does_not_find_is_waited_for(clinic: Migrated) -> None:
    clinic.apply("orders", change(3, id=2, doctor=12, kind="P"))
    assert (clinic.rows(ORDERS), clinic.waiting("orders")) == ([], {"2": "parent"})
    clinic.apply("doctors", change(4, id=2, profile=12, code=12))
    clinic.sweep()
    assert (clinic.rows(ORDERS), clinic.waiting("orders")) == ([("2", "2", True)], {})
    clinic.apply("orders", change(5, id=2, doctor=2, kind="D"))
    assert clinic.rows(ORDERS) == [("2", "2", None)]


def test_a_parent_that_an_order_found_is_held_back_like_any_other(clinic: Migrated) -> None:
    clinic.apply("doctors", change(2, id=2, profile=12, code=12))
    clinic.apply("orders", change(3, id=2, doctor=12, kind="P"))
    clinic.apply("doctors", delete(4, id=2))
    assert clinic.waiting("doctors") == {"2": "children"}


def test_an_order_whose_doctor_went_finds_another_by_the_same_key(clinic: Migrated) -> None:
    clinic.apply("doctors", change(2, id=2, profile=12, code=12))
    clinic.apply("orders", change(3, id=2, doctor=12, kind="P"))
    clinic.apply("doctors", delete(4, id=2))
    clinic.sweep()
    assert clinic.waiting("orders") == {"2": "parent"}
    clinic.apply("doctors", change(5, id=3, profile=12, code=12))
    clinic.sweep()
    assert clinic.rows(ORDERS) == [("2", "3", True)]


def test_missing_speaks_of_the_rows_that_name_the_key_itself(clinic: Migrated) -> None:
    clinic.migrate(
        CLINIC | {"orders": {"columns": {"id": {"uuid": True}, "doctor": UNKNOWN_IS_NULL}}}
    )
    clinic.apply(
        "orders", change(3, id=1, doctor=9, kind="D"), change(3, id=2, doctor=12, kind="P")
    )
    assert clinic.rows(ORDERS) == [("1", None, None)]
    assert clinic.waiting("orders") == {"2": "parent"}
    clinic.apply("doctors", *(change(4, id=k, profile=p, code=p) for k, p in ((9, 11), (2, 12))))
    clinic.sweep()
    assert clinic.rows(ORDERS) == [("1", "9", None), ("2", "2", True)]


def test_of_a_doctor_who_goes_the_rows_wait_or_go_without_as_if_they_came_now(
    clinic: Migrated,
) -> None:
    clinic.migrate(
        CLINIC | {"orders": {"columns": {"id": {"uuid": True}, "doctor": UNKNOWN_IS_NULL}}}
    )
    clinic.apply("doctors", change(2, id=2, profile=12, code=12))
    clinic.apply(
        "orders", change(3, id=1, doctor=2, kind="D"), change(3, id=2, doctor=12, kind="P")
    )
    clinic.apply("doctors", delete(4, id=2))
    clinic.sweep()
    clinic.sweep()
    assert clinic.rows(ORDERS) == [("1", None, None)]
    assert clinic.waiting("orders") == {"2": "parent"}


def test_a_row_that_cannot_be_without_its_parent_waits_until_it_is_found(
    migrated: Migrated,
) -> None:
    migrated.table("profiles", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table(
        "doctors",
        "id int PRIMARY KEY, profile int, code int",
        "id uuid PRIMARY KEY, profile uuid UNIQUE REFERENCES app.profiles, code bigint UNIQUE",
    )
    migrated.table(
        "orders",
        "id int PRIMARY KEY, doctor int, kind text",
        "id uuid PRIMARY KEY, doctor uuid NOT NULL REFERENCES app.doctors",
    )
    rule = {"ref": "doctors", "from": "doctor", "by": "code", "when": "kind = 'P'"}
    migrated.migrate(CLINIC | {"orders": {"columns": {"id": {"uuid": True}, "doctor": rule}}})
    migrated.mark(1000)
    migrated.apply(
        "orders", change(3, id=2, doctor=12, kind="P"), change(3, 2, id=3, doctor=None, kind="P")
    )
    assert migrated.waiting("orders") == {"2": "parent", "3": "rule"}
    migrated.apply("doctors", change(4, id=2, profile=None, code=12))
    migrated.sweep()
    assert migrated.rows(ORDERS) == [("2", "2", True)]
