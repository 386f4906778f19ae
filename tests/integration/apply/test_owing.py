"""A reference that is owed keeps a cutover waiting: after the switch nobody would fill it in."""

import pytest

from consumers import sweep
from ops.cutover import drain
from schemas.errors import NotReadyError
from tests.integration.apply.migrated import Migrated, change


def test_a_cutover_waits_for_references_whose_parents_have_come(migrated: Migrated) -> None:
    migrated.table("parents", "id bigint PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table(
        "children",
        "id bigint PRIMARY KEY, p bigint",
        "id uuid PRIMARY KEY, p uuid REFERENCES app.parents",
    )
    reference = {"ref": "parents", "from": "p", "missing": "null"}
    migrated.migrate({
        "parents": {"columns": {"id": {"uuid": True}}},
        "children": {"columns": {"id": {"uuid": True}, "p": reference}},
    })  # fmt: skip
    plans = [applier.plan for applier in migrated.appliers.values()]
    migrated.mark(20)
    migrated.apply("children", change(10, id=1, p=7))
    # Whose parent is not there lacks nothing that could be filled in.
    assert drain.owing(migrated.connection, plans) == []
    migrated.apply("parents", change(30, id=7))
    assert drain.owing(migrated.connection, plans) == ["children"]
    with pytest.raises(NotReadyError, match="lack a reference whose parent has come: children"):
        drain.require_nothing_owed(migrated.connection, plans)
    migrated.sweep("children")
    drain.require_nothing_owed(migrated.connection, plans)


def test_a_reference_is_filled_in_however_many_rows_wait_that_can_never_go_in(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated.table("parents", "id bigint PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table(
        "children",
        "id bigint PRIMARY KEY, p bigint, code text",
        "id uuid PRIMARY KEY, p uuid REFERENCES app.parents, code text UNIQUE",
    )
    reference = {"ref": "parents", "from": "p", "missing": "null"}
    migrated.migrate({
        "parents": {"columns": {"id": {"uuid": True}}},
        "children": {"columns": {"id": {"uuid": True}, "p": reference, "code": "code"}},
    })  # fmt: skip
    monkeypatch.setattr(sweep, "WAKE_MAX", 2)
    migrated.mark(20)
    same = (change(10, n, id=n, code="same") for n in range(1, 6))
    migrated.apply("children", *same, change(10, 6, id=6, p=7, code="own"))
    migrated.apply("parents", change(30, id=7))
    assert list(migrated.waiting("children").values()) == ["unique"] * 4
    migrated.sweep("children")
    filled = "SELECT count(*) FROM app.children WHERE p = %s"
    assert migrated.rows(filled, migrated.id("parents", "7")) == [(1,)]
