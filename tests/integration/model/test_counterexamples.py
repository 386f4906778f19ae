"""Histories that once ended wrong, as short as they could be made."""

import pytest

from consumers import apply
from tests.integration.model.conftest import Targets
from tests.integration.model.design import Design
from tests.integration.model.driven import DrivenTarget, connect
from tests.model.history import Event, Row
from tests.model.scenario import CHAIN, CHILDREN, COMMENTS, PARENTS, TOYS, TREE

SWEEPS = 5


def write(
    target: DrivenTarget, lsn: int, table: str, key: int, parent: int | None = None, op: str = "u"
) -> None:
    row: Row = {"a": 0, "t": "T", "x": 0, "u": None, "p": parent}
    row = row if op == "u" else {}
    target.settle(table, [Event(id=(lsn, 1), table=table, key=key, op=op, row=row or None)])


def rest(target: DrivenTarget, lsn: int) -> dict[str, tuple[list[int], dict[int, str]]]:
    """Apply a marker everywhere, and sweep: the keys in the target and what the others wait for."""
    for table in target.appliers:
        target.mark(table, lsn)
    for _ in range(SWEEPS):
        target.sweep()
    return {table: (sorted(s.rows), s.why) for table, s in target.states().items()}


def test_a_delete_is_not_held_by_children_that_have_children(targets: Targets) -> None:
    target = targets.empty(Design(missing="park", shape=CHAIN))
    write(target, 10, PARENTS, 1)
    write(target, 20, CHILDREN, 2, parent=1)
    write(target, 30, TOYS, 3, parent=2)
    write(target, 40, PARENTS, 1, op="d")
    assert rest(target, 50) == {
        PARENTS: ([], {}),
        CHILDREN: ([], {2: "parent"}),
        TOYS: ([], {3: "parent"}),
    }

    write(target, 60, PARENTS, 1)
    assert rest(target, 70) == {PARENTS: ([1], {}), CHILDREN: ([2], {}), TOYS: ([3], {})}


def test_a_parked_row_leaves_no_older_one_that_others_refer_to(targets: Targets) -> None:
    target = targets.empty(Design(missing="park", shape=CHAIN))
    write(target, 10, CHILDREN, 2)
    write(target, 20, TOYS, 3, parent=2)
    write(target, 30, CHILDREN, 2, parent=1)
    assert rest(target, 40) == {
        PARENTS: ([], {}),
        CHILDREN: ([], {2: "parent"}),
        TOYS: ([], {3: "parent"}),
    }


def test_rows_that_refer_to_each_other_go_in_together(targets: Targets) -> None:
    target = targets.empty(Design(missing="park", shape=TREE))
    write(target, 10, COMMENTS, 1, parent=2)
    assert rest(target, 15) == {COMMENTS: ([], {1: "parent"})}
    write(target, 20, COMMENTS, 2, parent=1)
    assert rest(target, 25) == {COMMENTS: ([1, 2], {})}


def test_a_dead_letter_for_an_absent_parent_leaves_no_older_row(targets: Targets) -> None:
    target = targets.empty(Design(missing="dead-letter"))
    write(target, 10, CHILDREN, 2)
    write(target, 20, CHILDREN, 2, parent=1)
    assert rest(target, 30) == {PARENTS: ([], {}), CHILDREN: ([], {2: "rule"})}


def test_a_replayed_row_makes_no_stub(targets: Targets) -> None:
    target = targets.empty(Design(missing="stub", unique=""))
    write(target, 10, PARENTS, 1)
    write(target, 10, CHILDREN, 2, parent=1)
    write(target, 20, CHILDREN, 2)
    write(target, 30, PARENTS, 1, op="d")
    rest(target, 40)
    dump = target.dump()
    write(target, 10, CHILDREN, 2, parent=1)
    assert target.dump() == dump


def test_a_row_that_comes_in_meanwhile_keeps_its_unique_value(
    targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.empty(Design(missing="park"))

    def meanwhile(_: str) -> None:
        monkeypatch.undo()
        with connect(target.dsn) as other:
            other.execute("INSERT INTO app.parents (id, u) VALUES (gen_random_uuid(), 7)")

    monkeypatch.setattr(apply, "reach", meanwhile)
    row: Row = {"a": 0, "t": "T", "x": 0, "u": 7}
    target.settle(PARENTS, [Event(id=(10, 1), table=PARENTS, key=1, op="c", row=row)])
    with connect(target.dsn) as other:
        assert other.execute("SELECT u FROM app.parents").fetchall() == [(7,)]
        assert other.execute("SELECT reason FROM understudy.waiting").fetchall() == [("unique",)]
