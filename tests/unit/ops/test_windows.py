from dataclasses import replace
from pathlib import Path

import pytest

from ops.watch.movement import STILL_S, Movement
from ops.watch.source import SourceStatus
from ops.watch.status import Status
from ops.watch.windows import WINDOW_S, Windows
from tests.statuses import SLOT, orders

SOURCE = SourceStatus(now_ms=0, wal_lsn=SLOT.confirmed_lsn, slot=SLOT)


def status(applied: int, end: int, **changes: object) -> Status:
    """Of one entity; `changes` are of it, or of the pipeline where they are named in `of_pipeline`."""
    left = end - applied
    entity = orders(applied=applied, lag_records=left, remaining_records=left)
    return Status(
        pipeline="shop",
        folder=Path("shop"),
        source=SOURCE,
        captured_lsn=SLOT.confirmed_lsn,
        workers=1,
        entities=(replace(entity, **changes),),  # type: ignore[arg-type]
        problems=(),
        marker_ms=0,
        capture_lag_ms=0,
        stored=end,
    )


def test_rate_and_time_to_catch_up_come_with_the_second_look() -> None:
    windows = Windows()
    first = windows.judged(status(0, 1000), 0.0)
    assert first.apply_pace is not None
    assert (first.apply_pace.per_s, first.apply_pace.eta_s) == (None, None)
    second = windows.judged(status(200, 1000), 2.0)
    (entity,) = second.entities
    assert entity.pace == second.apply_pace
    assert entity.pace is not None
    assert (entity.pace.per_s, entity.pace.eta_s) == (100.0, 8.0)


def test_what_lies_before_the_window_is_forgotten_but_two_looks_are_kept() -> None:
    windows = Windows()
    windows.judged(status(0, 2000), 0.0)
    windows.judged(status(1000, 2000), 10.0)
    judged = windows.judged(status(1600, 2000), 10.0 + WINDOW_S)
    assert judged.apply_pace is not None
    assert judged.apply_pace.per_s == 600 / WINDOW_S
    judged = windows.judged(status(1900, 2000), 310.0)
    assert judged.apply_pace is not None
    assert judged.apply_pace.per_s == pytest.approx(300 / (310 - 10 - WINDOW_S))


@pytest.mark.parametrize(
    "changes", [{"state": "paused"}, {"state": "stopped"}, {"unowned": ("t/0",)}]
)
def test_an_entity_that_nobody_consumes_is_stopped(changes: dict[str, object]) -> None:
    windows = Windows()
    windows.judged(status(5, 9, **changes), 0.0)
    assert windows.judged(status(5, 9, **changes), 1.0).movement is Movement.STOP


def test_a_second_look_is_taken_where_the_first_does_not_tell() -> None:
    assert status(5, 9).needs_another_look
    assert status(9, 9, unowned=("t/0",)).needs_another_look
    assert not status(9, 9).needs_another_look
    assert not replace(status(5, 9), workers=0).needs_another_look


def test_an_entity_whose_turn_has_not_come_is_not_stalled() -> None:
    windows = Windows()
    waiting = {"state": "snapshot", "waits_for": ("customers",)}
    for at_s in (0.0, STILL_S, 2 * STILL_S):
        assert windows.judged(status(0, 9, **waiting), at_s).movement is Movement.OK
    judged = windows.judged(status(0, 9, state="snapshot"), 2 * STILL_S + 1)
    assert judged.movement is Movement.OK
    assert windows.judged(status(0, 9, state="snapshot"), 4 * STILL_S).movement is Movement.STALL


def test_what_the_control_schema_remembers_tells_a_stall_at_once() -> None:
    assert Windows().judged(status(5, 9, still_ms=40_000), 0.0).movement is Movement.STALL


def test_a_replay_begins_anew() -> None:
    windows = Windows()
    windows.judged(status(1000, 1000), 0.0)
    judged = windows.judged(status(10, 1000), 1.0)
    assert judged.apply_pace is not None
    assert judged.apply_pace.per_s is None


def test_nothing_is_said_of_what_is_switched_or_has_not_begun() -> None:
    for state in ("switched", "new"):
        judged = Windows().judged(status(0, 0, state=state), 0.0)
        assert judged.entities[0].pace is None
    over = status(0, 0, state="switched")
    assert Windows().judged(over, 0.0).movement is None
    assert not over.needs_another_look


def capture(marker_ms: int, lag_ms: int, stored: int, *, active: bool = True) -> Status:
    slot = replace(SLOT, active_pid=7 if active else None)
    return replace(
        status(stored, stored),
        source=replace(SOURCE, slot=slot),
        marker_ms=marker_ms,
        capture_lag_ms=lag_ms,
        stored=stored,
    )


def judged_capture(*looks: tuple[float, Status]) -> Movement | None:
    windows = Windows()
    found = [windows.judged(look, at_s).capture_pace for at_s, look in looks][-1]
    return None if found is None else found.movement


def test_a_capture_between_two_heartbeats_is_well() -> None:
    assert judged_capture((0.0, capture(0, 100, 5)), (1.0, capture(0, 1_100, 5))) is Movement.OK


def test_a_capture_that_nobody_runs_is_stopped() -> None:
    assert judged_capture((0.0, capture(0, 100, 5, active=False))) is Movement.STOP


def test_a_capture_without_heartbeats_is_stalled_and_within_a_large_transaction_only_behind() -> (
    None
):
    still = [(t, capture(0, 5_000 + int(1000 * t), 5)) for t in (0.0, STILL_S)]
    assert judged_capture(*still) is Movement.STALL
    sending = [(t, capture(0, 5_000 + int(1000 * t), 5 + int(t))) for t in (0.0, STILL_S)]
    assert judged_capture(*sending) is Movement.WARN


def test_a_capture_that_catches_up_is_well_and_says_when_it_will_have() -> None:
    windows = Windows()
    windows.judged(capture(0, 63_000, 0), 0.0)
    found = windows.judged(capture(4_000, 60_000, 500), 1.0).capture_pace
    assert found is not None
    assert found.movement is Movement.OK
    assert (found.per_s, found.eta_s) == (500.0, 57.0 / 3.0)
