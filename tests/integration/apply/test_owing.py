"""A reference that is owed keeps a cutover waiting: after the switch nobody would fill it in."""

import pytest

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
