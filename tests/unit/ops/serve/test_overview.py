import json
from dataclasses import replace
from pathlib import Path

import pytest

from ops.cutover.journal import Cutover
from ops.cutover.report import Report
from ops.cutover.states import State
from ops.serve.beside import Beside
from ops.serve.history import POINTS_MAX, History
from ops.serve.overview import stages, verdict
from ops.serve.problems import Problem, Tone, problems
from ops.watch.movement import Movement, Pace
from ops.watch.status import Status
from tests.browser.hand_made import AT, HandMade

QUIET = HandMade(trouble=False).look()
STATUS = QUIET.status
BESIDE = Beside()


def with_first(**changes: object) -> Status:
    """A pipeline that is well, but for its first entity."""
    first, *others = STATUS.entities
    return replace(STATUS, entities=(replace(first, **changes), *others))  # type: ignore[arg-type]


def told(status: Status, beside: Beside = BESIDE) -> tuple[str, str, str]:
    return verdict(status, beside, problems(status, beside))


def found(status: Status) -> Problem:
    """The most urgent problem."""
    return problems(status, BESIDE)[0]


def at(state: State) -> Beside:
    """A cutover that stands there."""
    cutover = Cutover(
        id=1, state=state, who="ada", began_at=AT, ended_at=None, accepted={}, because=None
    )
    return Beside(cutover=Report(pipeline="clinic", folder=Path("m"), cutover=cutover, steps=()))


def test_a_pipeline_that_is_well_has_no_problem_and_never_says_that_a_cutover_may_begin() -> None:
    assert problems(STATUS, BESIDE) == []
    tone, says, command = told(STATUS)
    assert tone == "good"
    assert "nothing seen here" in says
    assert command == "understudy cutover plan migrations/clinic"


@pytest.mark.parametrize(
    ("status", "tone", "about", "command"),
    [
        (replace(STATUS, problems=("The target is down",)), Tone.BAD, "server", "check"),
        (replace(STATUS, workers=0), Tone.BAD, "workers", "run"),
        (with_first(state="stopped", stopped_reason="x"), Tone.BAD, "stopped", "resume"),
        (with_first(state="paused"), Tone.WARN, "paused", "resume"),
        (with_first(unowned=("t/0",)), Tone.WARN, "not consumed", "consume"),
        (with_first(dead_letters={"23514": 3}), Tone.WARN, "dead letters", "dead-letters list"),
        (with_first(lag_ms=60_000), Tone.WARN, "lag", "status"),
        (with_first(verified=None), Tone.TODO, "verified", "verify"),
        (with_first(pace=Pace(movement=Movement.STALL, per_s=0, eta_s=None)), Tone.BAD, "stall", "status"),
        (with_first(pace=Pace(movement=Movement.WARN, per_s=1, eta_s=None)), Tone.WARN, "warn", "status"),
    ],
)  # fmt: skip
def test_each_problem_has_its_tone_and_the_command_that_comes_next(
    status: Status, tone: Tone, about: str, command: str
) -> None:
    problem = found(status)
    assert (problem.tone, problem.about) == (tone, about)
    assert problem.command.startswith(f"understudy {command} migrations/clinic")
    assert told(status)[0] == ("bad" if tone is Tone.BAD else "wait")


@pytest.mark.parametrize("wal_status", ["unreserved", "lost"])
def test_a_slot_that_loses_its_wal_is_told_first(wal_status: str) -> None:
    assert STATUS.source is not None
    assert STATUS.source.slot is not None
    slot = replace(STATUS.source.slot, wal_status=wal_status)
    problem = found(replace(STATUS, source=replace(STATUS.source, slot=slot)))
    assert (problem.tone, problem.about) == (Tone.BAD, "WAL")


def test_a_slot_near_its_budget_is_a_warning() -> None:
    assert STATUS.source is not None
    assert STATUS.source.slot is not None
    slot = replace(STATUS.source.slot, retained_bytes=90, safe_wal_bytes=10)
    problem = found(replace(STATUS, source=replace(STATUS.source, slot=slot)))
    assert (problem.tone, problem.about) == (Tone.WARN, "WAL")


def test_in_the_snapshot_it_says_how_far_it_is() -> None:
    status = with_first(state="snapshot", remaining_records=0, lag_ms=None)
    tone, says, _ = told(status)
    assert tone == "wait"
    assert "59 of 60 entities are through" in says
    assert [s["state"] for s in stages(status, BESIDE)] == ["now", "todo", "todo", "todo", "todo"]


def test_a_pipeline_in_the_snapshot_or_far_behind_is_looked_at_more_rarely() -> None:
    assert not QUIET.is_busy
    assert replace(QUIET, status=with_first(lag_ms=60_000)).is_busy
    assert replace(QUIET, status=with_first(state="snapshot", lag_ms=None)).is_busy


def test_an_open_cutover_is_what_one_reads_first() -> None:
    tone, says, command = told(STATUS, at(State.FENCED))
    assert tone == "wait"
    assert "nobody can write to the legacy side" in says
    assert command.startswith("understudy cutover begin")


@pytest.mark.parametrize("state", State)
def test_a_cutover_in_any_state_is_one_stage_of_five_and_names_a_command(state: State) -> None:
    assert told(STATUS, at(state))[2].startswith("understudy ")
    states = [stage["state"] for stage in stages(STATUS, at(state))]
    assert states.count("now") == (0 if state in {State.SWITCHED, State.FINISHED} else 1)


def test_after_the_switch_nobody_is_told_to_run_anything() -> None:
    entities = tuple(replace(one, state="switched", lag_ms=None) for one in STATUS.entities)
    status = replace(STATUS, entities=entities, workers=0)
    assert told(status, at(State.FINISHED))[0] == "good"
    assert all(s["state"] == "done" for s in stages(status, at(State.FINISHED)))


def test_the_overview_can_be_told_as_json() -> None:
    document = json.loads(json.dumps(HandMade().look().as_json(), default=str))
    assert len(document["entities"]) == 60
    assert document["entities"][0]["name"] == "treatments"


def test_the_history_forgets_what_is_old_and_knows_the_pace() -> None:
    made, history = HandMade(trouble=False), History()
    for _ in range(POINTS_MAX + 5):
        history.take(made.look())
    columns = history.as_json()
    assert {len(columns[name]) for name in ("at_s", "retained_bytes", "applied_per_s")} == {
        POINTS_MAX
    }
    assert len(columns["lag_ms"]["orders"]) == POINTS_MAX
    expected = sum(3 + number % 9 for number in range(60)) / 4
    assert columns["applied_per_s"][-1] == pytest.approx(expected, abs=0.1)


def test_a_look_right_after_another_is_no_point_of_its_own() -> None:
    history = History()
    history.take(QUIET)
    history.take(replace(QUIET, at_ms=QUIET.at_ms + 100))
    assert len(history.as_json()["at_s"]) == 1
