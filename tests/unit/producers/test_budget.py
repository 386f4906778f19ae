"""WAL that runs out slows the snapshot first, and is never silently lost."""

import pytest

from producers.budget import Budget, judge
from producers.slot import Slot
from schemas.errors import SlotLostError


def slot(status: str = "reserved", safe: int | None = None, retained: int = 0) -> Slot:
    return Slot(
        name="s",
        active_pid=1,
        confirmed_lsn=0,
        wal_status=status,
        safe_wal_bytes=safe,
        retained_bytes=retained,
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (slot(), Budget.ENOUGH),
        (slot("extended"), Budget.ENOUGH),
        (slot("extended", safe=21, retained=79), Budget.ENOUGH),
        (slot("extended", safe=19, retained=81), Budget.LOW),
        (slot("unreserved", safe=0, retained=10), Budget.LOW),
    ],
)
def test_the_budget_is_judged_by_what_may_still_be_written(found: Slot, expected: Budget) -> None:
    assert judge(found, "s") is expected


@pytest.mark.parametrize("found", [None, slot("lost")])
def test_case_051_a_lost_slot_stops_the_capture(found: Slot | None) -> None:
    with pytest.raises(SlotLostError, match="slot=s"):
        judge(found, "s")
