"""Who does what next: batches of a unit one after the other, nothing of a closed one, nothing twice."""

import threading

import pytest

from consumers.buffer import Run
from consumers.schedule import DELAY_MAX_S, Schedule
from consumers.unit import Job, Task


def records(first: int, count: int, size: int = 1, partition: int = 0) -> Run:
    offsets, values = range(first, first + count), [b"x" * size] * count
    return Run(partition=partition, offsets=offsets, values=values, size=count * size)


@pytest.fixture
def schedule() -> Schedule:
    """Two units, open, each with partition 0."""
    made = Schedule({"a": ["a"], "b": ["b"]}, batch_rows=10, shares={})
    for topic in ("a", "b"):
        made.begin(topic, 0, 0)
        made.set_open(made.unit(topic, 0), open_=True)
    return made


def task(schedule: Schedule) -> Task:
    found = schedule.next()
    assert found is not None
    return found


def is_idle(schedule: Schedule) -> bool:
    """Whether a lane would have to wait."""
    got: list[Task | None] = []
    lane = threading.Thread(target=lambda: got.append(schedule.next()))
    lane.start()
    lane.join(0.05)
    idle = not got
    schedule.close()
    lane.join()
    return idle


def test_a_record_is_applied_at_once(schedule: Schedule) -> None:
    schedule.add("a", records(0, 1))
    found = task(schedule)
    assert (found.job, found.unit.topic) == (Job.APPLY, "a")


def test_the_next_batch_is_decoded_while_one_is_applied(schedule: Schedule) -> None:
    schedule.add("a", records(0, 15))
    first, second = task(schedule), task(schedule)
    assert (first.job, second.job) == (Job.APPLY, Job.DECODE)
    assert first.batch is not None
    assert second.batch is not None
    assert first.batch.load.records == 10
    assert second.batch.load.stretches[0].first == 10
    schedule.decoded(second.batch, ())
    schedule.applied(first.batch, 0.1)
    third = task(schedule)
    assert (third.job, third.batch) == (Job.APPLY, second.batch)


def test_units_that_share_a_topic_are_applied_at_once_each_partition_in_its_order() -> None:
    schedule = Schedule({"a": ["a"]}, batch_rows=10, shares={"a": 2})
    for unit in schedule.units:
        schedule.set_open(unit, open_=True)
    for partition in range(3):
        schedule.begin("a", partition, 0)
        schedule.add("a", records(0, 5, partition=partition))
        schedule.add("a", records(5, 1, partition=partition))
    first, second = task(schedule), task(schedule)
    assert (first.job, second.job) == (Job.APPLY, Job.APPLY)
    loads = [taken.batch.load for taken in (first, second) if taken.batch]
    assert sorted(sorted(s.partition for s in load.stretches) for load in loads) == [[0], [1]]
    assert [load.records for load in loads] == [5, 5]
    third = task(schedule)
    assert (third.job, third.unit in (first.unit, second.unit)) == (Job.DECODE, True)


def test_a_batch_that_is_being_decoded_is_not_applied_yet(schedule: Schedule) -> None:
    schedule.add("a", records(0, 15))
    first = task(schedule)
    task(schedule)
    assert first.batch is not None
    schedule.applied(first.batch, 0.1)
    assert is_idle(schedule)


def test_idle_units_come_before_decoding_ahead(schedule: Schedule) -> None:
    schedule.add("a", records(0, 15))
    task(schedule)
    schedule.add("b", records(0, 1))
    found = task(schedule)
    assert (found.job, found.unit.topic) == (Job.APPLY, "b")


def test_nothing_of_a_closed_unit_is_given_out(schedule: Schedule) -> None:
    schedule.set_open(schedule.unit("a", 0), open_=False)
    schedule.add("a", records(0, 1))
    assert is_idle(schedule)


def test_a_unit_that_lost_its_place_waits_for_the_reader(schedule: Schedule) -> None:
    unit = schedule.unit("a", 0)
    schedule.add("a", records(0, 5))
    found = task(schedule)
    assert found.batch is not None
    schedule.rewind(unit)
    assert schedule.to_rewind() == []  # Something of it is still being applied.
    schedule.applied(found.batch, 0.1)
    assert schedule.to_rewind() == [unit]
    assert unit.committed == {0: 0}
    schedule.add("a", records(5, 5))
    schedule.begin_again(unit, {0: 5})
    schedule.add("a", records(5, 5))
    again = task(schedule)
    assert again.batch is not None
    assert again.batch.load.stretches[0].first == 5


def test_a_failed_batch_is_tried_again_later_and_later(schedule: Schedule) -> None:
    schedule.add("a", records(0, 5))
    unit = schedule.unit("a", 0)
    found = task(schedule)
    delays = []
    for _ in range(12):
        delays.append(schedule.postpone(unit))
        unit.not_before = 0
        assert task(schedule).batch is found.batch
    assert delays[0] < 0.1
    assert DELAY_MAX_S / 2 <= delays[-1] <= DELAY_MAX_S
    assert found.batch is not None
    schedule.applied(found.batch, 0.1)
    assert unit.attempts == 0


def test_what_is_committed_is_known(schedule: Schedule) -> None:
    schedule.add("a", records(0, 5))
    found = task(schedule)
    assert found.batch is not None
    schedule.applied(found.batch, 0.1)
    assert schedule.unit("a", 0).committed == {0: 5}
    assert schedule.unit("a", 0).applied_rows == 5


def test_a_chore_comes_between_batches_and_once(schedule: Schedule) -> None:
    unit = schedule.unit("a", 0)
    schedule.add("a", records(0, 5))
    found = task(schedule)
    done: list[str] = []
    schedule.put_off(unit, "sweep", lambda _: done.append("first"))
    schedule.put_off(unit, "sweep", lambda _: done.append("second"))
    assert found.batch is not None
    schedule.applied(found.batch, 0.1)
    chore = task(schedule)
    assert chore.job is Job.CHORE
    assert chore.chore is not None
    schedule.rest(unit)
    assert is_idle(schedule)


def test_chores_that_come_again_and_again_do_not_keep_batches_away(schedule: Schedule) -> None:
    unit = schedule.unit("a", 0)
    schedule.add("a", records(0, 25))
    jobs = []
    for _ in range(6):
        schedule.put_off(unit, "sweep", lambda _: None)
        found = task(schedule)
        jobs.append(found.job)
        if found.batch is None:
            schedule.rest(unit)
        else:
            schedule.applied(found.batch, 0.1)
    assert jobs == [Job.CHORE, Job.APPLY] * 3


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_a_buffer_is_full_by_records_or_by_bytes(schedule: Schedule, size: int) -> None:
    unit = schedule.unit("a", 0)
    assert not schedule.is_full(unit)
    schedule.add("a", records(0, 20 if size == 1 else 3, size))
    assert schedule.is_full(unit)
    assert not schedule.wait_for_room([schedule.unit("a", 0)], 0.01)


def test_a_buffer_that_was_full_is_filled_again_when_little_is_left(schedule: Schedule) -> None:
    unit = schedule.unit("a", 0)
    schedule.add("a", records(0, 15))
    assert not schedule.is_full(unit)
    assert schedule.is_full(unit, resuming=True)
    task(schedule)
    assert not schedule.is_full(unit, resuming=True)


def test_a_partition_that_went_away_leaves_nothing_to_apply(schedule: Schedule) -> None:
    schedule.add("a", records(0, 5))
    schedule.end("a", 0)
    assert schedule.unit("a", 0).committed == {}
    assert is_idle(schedule)


def test_lanes_end_when_the_schedule_is_closed(schedule: Schedule) -> None:
    schedule.add("a", records(0, 5))
    schedule.close()
    assert schedule.next() is None
