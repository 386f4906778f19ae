import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ops.cli import output, watching
from ops.cli.output import Format
from ops.cli.tables import fits, table
from ops.watch import text
from ops.watch.display import whole
from ops.watch.movement import Movement, Pace
from ops.watch.source import SourceStatus
from ops.watch.status import EntityStatus, Status
from producers.slot import Slot
from tests.statuses import SLOT, orders

BUSY = replace(SLOT, retained_bytes=20_000_000)


def entity(**changes: object) -> EntityStatus:
    values: dict[str, object] = {
        "rows": 900,
        "captured": 1000,
        "applied": 900,
        "lag_records": 100,
        "remaining_records": 100,
        "lag_ms": 350,
    }
    return orders(**(values | changes))


def status(*entities: EntityStatus, slot: Slot | None = BUSY, workers: int | None = 1) -> Status:
    return Status(
        pipeline="shop",
        folder=Path("shop"),
        source=SourceStatus(now_ms=0, wal_lsn=0x1540100, slot=slot),
        captured_lsn=0x1540000,
        workers=workers,
        entities=entities,
        problems=(),
    )


def test_the_line_has_gh_osts_order() -> None:
    pace = Pace(movement=Movement.OK, per_s=10.0, eta_s=10.0)
    line = text.line(replace(status(entity()), apply_pace=pace), elapsed_s=10)
    assert line == (
        "Applied: 900/1000 90.0%; Records left: 100; Time: 10s; Captured: 0/1540000; "
        "Lag: 0.35s; State: tail; ETA: 10s"
    )


def test_the_line_says_what_waits_and_what_died() -> None:
    line = text.line(status(entity(parked={"parent": 3}, dead_letters={"23514": 2})), elapsed_s=1)
    assert line.endswith("Parked: 3; Dead letters: 2")


def test_the_line_says_who_is_not_reached_and_no_number_that_would_be_wrong() -> None:
    unknown = replace(status(entity(state="new")), unanswered=frozenset({"target", "kafka"}))
    assert text.line(unknown, elapsed_s=12) == "Not reached: kafka, target; Time: 12s"
    answers = list(text.answers(unknown))
    assert answers[0] == "shop: the target does not answer"
    assert not any(line.startswith("cutover:") for line in answers)


def test_a_percentage_is_not_100_before_all_is_done() -> None:
    assert text.percent(999_999, 1_000_000) == "99.9%"
    assert text.percent(5, 5) == "100.0%"
    assert text.percent(0, 0) == "0.0%"


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(None, "?"), (350, "0.35s"), (12_000, "12s"), (303_000, "5m03s"), (7_620_000, "2h07m")],
)
def test_a_duration_is_short_and_has_its_unit(milliseconds: float | None, shown: str) -> None:
    assert text.duration(milliseconds) == shown


def test_the_state_is_that_of_the_entity_that_is_least_far() -> None:
    assert status(entity(), entity(state="snapshot")).state == "snapshot"
    assert status(entity(state="snapshot"), entity(state="stopped")).state == "stopped"


def test_the_lag_is_unknown_until_every_entity_has_one() -> None:
    assert status(entity(), entity(lag_ms=None)).lag_ms is None
    assert status(entity(), entity(lag_ms=900)).lag_ms == 900


def test_the_next_step_is_the_most_urgent_one() -> None:
    assert status(entity(state="snapshot")).next_steps == ["understudy status shop --watch"]
    assert status(entity(parked={"parent": 1})).next_steps == ["understudy parked list shop"]
    assert status(entity()).next_steps == ["understudy verify shop"]
    switched = status(entity(state="switched"), workers=0)
    assert switched.next_steps == ["understudy cutover status shop"]
    assert status(entity(), slot=None).next_steps == ["understudy run shop"]
    first = status(entity(state="new"), slot=None)
    assert first.next_steps == ["understudy check shop", "understudy run shop"]
    assert status(entity(), workers=0).next_steps == ["understudy run shop"]
    assert status(entity(state="paused")).next_steps == ["understudy resume shop --entity orders"]
    dead = status(entity(state="stopped", dead_letters={"23514": 1})).next_steps
    assert dead[0] == "understudy resume shop --entity orders"
    assert dead[1] == "understudy dead-letters list shop"


def test_the_json_counts_and_keeps_the_reasons() -> None:
    document = entity(parked={"parent": 3, "unique": 1}).as_json()
    assert (document["parked"], document["parked_by_reason"]) == (4, {"parent": 3, "unique": 1})
    assert status(entity()).as_json()["captured_lsn"] == "0/1540000"


@pytest.mark.parametrize("width", [80, 100, 150])
def test_a_narrow_terminal_shows_the_end_of_the_status_line(width: int) -> None:
    line = text.line(status(entity(parked={"parent": 180}, dead_letters={"rule": 42})), 90.0)
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as shown:
        console.print(whole(line))
    assert " ".join(shown.get().split()) == line
    assert "Dead letters: 42" in shown.get()


def test_one_worker_is_not_many() -> None:
    assert "apply: 1 worker; " in "\n".join(text.answers(status(entity(), workers=1)))
    one = entity(lag_records=1, remaining_records=1, parked={"parent": 1}, dead_letters={"rule": 1})
    said = "\n".join(text.answers(status(one)))
    assert "; 1 record left, ETA" in said
    assert said.endswith("; 1 parked row; 1 dead letter")
    assert "apply: 2 workers; " in "\n".join(text.answers(status(entity(), workers=2)))


def test_the_answers_say_where_how_far_behind_how_fast_and_what_is_in_the_way() -> None:
    seen = replace(
        status(entity(state="snapshot", dead_letters={"23514": 2}, lag_ms=None)),
        capture_lag_ms=210,
        capture_pace=Pace(movement=Movement.OK, per_s=5200.0, eta_s=0.0),
        apply_pace=Pace(movement=Movement.OK, per_s=48.0, eta_s=2.0),
    )
    assert list(text.answers(seen)) == [
        "shop: snapshot, 90.0% of 1000 records applied",
        "capture: runs; lag 0.21s; 5200 records/s; slot reserved, 19 MB of WAL retained",
        "apply: 1 worker; 48 records/s; 100 records left, ETA 2.00s",
        (
            "cutover: blocked by 1 of 1 entities not in the tail; "
            "1 of 1 entities not verified, or changed since; 2 dead letters"
        ),
    ]


def test_parts_that_do_not_move_are_named_the_worst_first() -> None:
    seen = status(
        entity(pace=Pace(movement=Movement.WARN, per_s=1.0, eta_s=None)),
        entity(name="doctors", pace=Pace(movement=Movement.STOP, per_s=0.0, eta_s=None)),
        entity(name="patients", pace=Pace(movement=Movement.OK, per_s=0.0, eta_s=0.0)),
    )
    assert list(text.movements(seen)) == ["STOP doctors", "WARN orders"]
    assert text.line(seen, 1.0).endswith("Movement: STOP doctors, WARN orders")
    assert [one.name for one in text.worst_first(seen.entities)] == [
        "doctors",
        "orders",
        "patients",
    ]


def test_of_many_parts_that_stand_still_three_are_named() -> None:
    nobody = Pace(movement=Movement.STOP, per_s=0.0, eta_s=None)
    seen = status(*(entity(name=f"e{n}", pace=nobody) for n in range(56)))
    assert list(text.movements(seen)) == ["STOP e0 e1 e2 and 53 more"]


@pytest.mark.parametrize("state", ["paused", "new"])
def test_what_is_paused_or_has_not_begun_is_not_told_as_stopped(state: str) -> None:
    seen = status(entity(state=state, pace=Pace(movement=Movement.STOP, per_s=0.0, eta_s=None)))
    assert not list(text.movements(seen))
    assert "Movement" not in text.line(seen, 1.0)
    assert "STOP" not in next(text.rows(seen.entities))


def test_after_the_switch_there_is_no_lag_and_nothing_in_the_way() -> None:
    seen = status(entity(state="switched", lag_ms=None))
    assert seen.lag_ms is None
    assert not any(line.startswith("cutover:") for line in text.answers(seen))
    assert status(entity(state="switched", lag_ms=None), entity(lag_ms=900)).lag_ms == 900


@pytest.mark.parametrize("folds", [True, False])
def test_at_80_columns_no_word_and_no_number_of_a_status_is_broken(*, folds: bool) -> None:
    many = [
        entity(
            name="appointment_participants",
            state="snapshot",
            rows=12_345_678,
            lag_records=2_345_678,
            remaining_records=2_345_678,
            lag_ms=7_620_000,
            dead_letters={"23514 appointment_participants_status_check": 123},
            pace=Pace(movement=Movement.STALL, per_s=12_345.0, eta_s=7620.0),
        ),
        entity(),
    ]
    rows = list(text.short_rows(many))
    shown, left_out = table(text.SHORT_HEADINGS, rows, 80, text.SPARE, folds=folds)
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as caught:
        console.print(shown)
    said = caught.get()
    assert left_out == ["rows"]
    for word in ("appointment_participants", "snapshot", "STALL", "2h07m", "2345678", "123"):
        assert re.search(rf"(^|\s){word}(\s|$)", said), word
    assert not fits(text.HEADINGS, list(text.rows(many)), 80)
    assert fits(text.HEADINGS, list(text.rows(many)), 200)


def test_a_status_in_80_columns_tells_the_reasons_below_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "WIDTH", 80)
    dead = {"23514 order_status_history_status_check": 5}
    watching.show(status(entity(name="order_status_history", dead_letters=dead)), Format.TABLE)
    shown = capsys.readouterr().out
    assert "dead letters by reason: 23514 order_status_history_status_check 5\n" in shown
    assert "order_status_history " in shown


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("height", [12, 24, 60])
def test_a_screen_of_many_entities_fits_the_terminal_and_shows_those_in_trouble(
    width: int, height: int
) -> None:
    many = [entity(name=f"entity_{n:02}", dead_letters={"23514 a_long_name": 5}) for n in range(60)]
    many[40] = entity(name="entity_40", state="stopped", stopped_reason="the table is gone")
    console = Console(file=io.StringIO(), width=width, height=height)
    with console.capture() as shown:
        console.print(watching.screen(status(*many), width, height))
    lines = shown.get().splitlines()
    assert any(line.startswith("entity_40") for line in lines)
    assert any("more entities are not shown" in line for line in lines)
    assert "next: understudy dead-letters list shop" in lines
    if height > 12:
        assert len(lines) <= height
        assert "next: understudy resume shop --entity entity_40" in lines


def test_those_that_wait_for_their_turn_are_one_note() -> None:
    waiting = {"state": "snapshot", "waits_for": ("patients",)}
    notes = list(text.notes(status(entity(**waiting), entity(name="cases", **waiting))))
    assert "waiting for the snapshots of patients: orders, cases" in notes
