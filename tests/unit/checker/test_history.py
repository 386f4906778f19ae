"""What the checker makes of the records of one key."""

from typing import Any

from tests.checker.topics import History, follow

A, B = {"id": 1, "name": "a"}, {"id": 1, "name": "b"}


def _event(
    lsn: int,
    ordinal: int = 1,
    after: dict[str, Any] | None = None,
    unavailable: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "after": after,
        "op": "u" if after else "d",
        "source": {"epoch": 1, "lsn": lsn},
        "transaction": {"total_order": ordinal} if ordinal else None,
        "unavailable": unavailable,
    }


def _last(*events: dict[str, Any]) -> dict[str, str | None] | None:
    history = History()
    for event in events:
        follow(history, event)
    return history.row


def test_the_highest_event_id_counts_not_the_last_offset() -> None:
    assert _last(_event(20, after=B), _event(10, 0, after=A)) == {"id": "1", "name": "b"}


def test_a_later_change_of_one_transaction_counts() -> None:
    assert _last(_event(20, 1, after=B), _event(20, 2, after=A)) == {"id": "1", "name": "a"}


def test_a_delete_leaves_no_row() -> None:
    assert _last(_event(10, after=A), _event(20)) is None


def test_a_column_that_was_not_sent_keeps_its_value() -> None:
    partial = _event(20, after={"id": 1, "name": "?"}, unavailable=["name"])
    assert _last(_event(10, after=A), partial) == {"id": "1", "name": "a"}


def test_a_snapshot_row_fills_in_what_was_not_sent_before_it_came() -> None:
    partial = _event(20, after={"id": 1, "name": "?"}, unavailable=["name"])
    assert _last(partial, _event(10, 0, after=A)) == {"id": "1", "name": "a"}


def test_a_column_that_never_came_is_absent() -> None:
    partial = _event(20, after={"id": 1, "name": "?"}, unavailable=["name"])
    assert _last(partial) == {"id": "1"}
