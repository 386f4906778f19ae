"""Who reads what, and from where: rebalances, woken workers, and checkpoints that Kafka does not hold."""

import os
import signal
import subprocess
import threading

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from schemas.errors import BrokerError
from tests.integration.consumers.harness import (
    END_SESSIONS,
    LANES,
    LANES_WAITING,
    Pipeline,
    RunningWorker,
    wait_for,
)

LANES_WRITING = f"{LANES} AND state = 'active'"
LANES_OPEN = f"{LANES} AND state = 'idle in transaction'"


def partitions(running: RunningWorker) -> int:
    return sum(entity.partitions for entity in running.worker.progress().entities)


def is_open(running: RunningWorker) -> bool:
    return running.worker.progress().entities[0].open


def rows(first: int, count: int) -> list[dict[str, str | None]]:
    return [{"id": str(n), "body": f"body {n}"} for n in range(first, first + count)]


def publish(notes: Pipeline, first: int, end: int) -> None:
    for start in range(first, end, 500):
        notes.publisher.snapshot("notes", rows(start, 500))


def ended(running: RunningWorker) -> BaseException | None:
    wait_for(lambda: running.ended, 30, lambda: "the worker goes on")
    return running.error


def test_case_069_a_rebalance_in_the_middle_loses_and_repeats_nothing(notes: Pipeline) -> None:
    notes.configure("[target]\nbatch_rows = 50")
    notes.run("CREATE TABLE new.audit (id uuid)")
    notes.run(
        "CREATE FUNCTION new.audit() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN INSERT INTO new.audit VALUES (NEW.id); RETURN NULL; END $$;"
        " CREATE TRIGGER audit AFTER INSERT OR UPDATE ON new.notes FOR EACH ROW EXECUTE FUNCTION new.audit()"
    )
    first = notes.start()
    publish(notes, 0, 1_500)
    second = notes.start()
    publish(notes, 1_500, 3_000)
    wait_for(lambda: partitions(second) == 1, 30, lambda: "no partition went over")
    publish(notes, 3_000, 4_000)
    wait_for(lambda: partitions(first) == 1, 30, lambda: "no partition was given up")
    notes.publisher.snapshot("notes", rows(4_000, 1_000))
    first.stop()
    notes.publisher.snapshot("notes", rows(5_000, 500))
    notes.until_applied()
    assert notes.one("SELECT count(DISTINCT body) FROM new.notes") == 5_500
    assert notes.one("SELECT count(*) FROM new.audit") == 5_500
    assert second.error is None


def test_case_070_a_woken_worker_writes_nothing_and_its_successor_does_not_wait(
    notes: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = notes.publisher
    zombie = notes.start_process()
    publisher.snapshot("notes", rows(0, 100))
    notes.until_applied()
    stop_within_a_transaction(notes, zombie, rows(100, 100))
    notes.start()
    try:
        notes.until_applied(deadline_s=60)
        publisher.updates("notes", [{"id": str(n), "body": "newer"} for n in range(200)])
        notes.until_applied()
        log = "SELECT max(updated_at) FROM understudy.checkpoints"
        before = notes.one(log)
    finally:
        os.kill(zombie.pid, signal.SIGCONT)
    wait_for_the_zombie_to_rejoin(notes, zombie)
    assert notes.one(log) == before
    assert "ended the session of a stopped worker" in caplog.text
    assert notes.query("SELECT DISTINCT body FROM new.notes") == [("newer",)]


def stop_within_a_transaction(
    notes: Pipeline, zombie: subprocess.Popen[bytes], written: list[dict[str, str | None]]
) -> None:
    """Stop a worker that writes rows so that its transaction stays open, with its locks."""
    while True:
        with notes.locked("LOCK TABLE new.notes IN SHARE ROW EXCLUSIVE MODE"):
            os.kill(zombie.pid, signal.SIGCONT)
            notes.publisher.snapshot("notes", written)
            notes.until(LANES_WAITING, 1)
            os.kill(zombie.pid, signal.SIGSTOP)
        notes.until(LANES_WRITING, 0)
        # The lock timeout may have been faster than the signal: then nothing is held.
        if notes.one(LANES_OPEN) == 1:
            return


def wait_for_the_zombie_to_rejoin(notes: Pipeline, zombie: subprocess.Popen[bytes]) -> None:
    wait_for(
        lambda: partitions(notes.running[0]) == 1, 30, lambda: "the woken worker does not rejoin"
    )
    assert zombie.poll() is None


def test_a_killed_worker_is_replaced(notes: Pipeline) -> None:
    process = notes.start_process()
    notes.publisher.snapshot("notes", rows(0, 10))
    notes.until_applied()
    process.kill()
    process.wait()
    notes.publisher.snapshot("notes", rows(10, 10))
    notes.start()
    notes.until_applied(deadline_s=60)
    assert notes.one("SELECT count(*) FROM new.notes") == 20


def test_case_071_offsets_of_the_group_play_no_part(notes: Pipeline) -> None:
    notes.publisher.snapshot("notes", rows(0, 100))
    notes.start()
    notes.until_applied()
    notes.running[0].stop()
    topic = notes.publisher.topic("notes")
    wrong = ConsumerGroupTopicPartitions(notes.name, [TopicPartition(topic, p, 0) for p in (0, 1)])
    for future in notes.publisher.admin.alter_consumer_group_offsets([wrong]).values():
        future.result()
    notes.publisher.snapshot("notes", rows(100, 10))
    second = notes.start()
    notes.until_applied()
    assert second.worker.progress().entities[0].applied_rows == 10


@pytest.mark.parametrize("running_already", [False, True])
def test_case_072_a_checkpoint_below_the_start_of_the_log_stops_the_worker(
    notes: Pipeline, *, running_already: bool
) -> None:
    notes.start()
    notes.publisher.snapshot("notes", rows(0, 100))
    notes.until_applied()
    if running_already:
        notes.run("UPDATE understudy.entities SET held_at = now()")
        wait_for(lambda: not is_open(notes.running[0]), 10, lambda: "it is not paused")
    else:
        notes.running[0].stop()
    notes.publisher.snapshot("notes", rows(100, 100))
    topic = notes.publisher.topic("notes")
    ends = notes.publisher.ends()[topic]
    before = notes.query("SELECT * FROM understudy.checkpoints")
    for future in notes.publisher.admin.delete_records(
        [TopicPartition(topic, p, end) for p, end in ends.items()]
    ).values():
        future.result()
    if running_already:
        notes.run("UPDATE understudy.entities SET held_at = NULL")
    error = ended(notes.running[0] if running_already else notes.start())
    assert isinstance(error, BrokerError)
    assert "does not hold what the checkpoint points to" in str(error)
    assert notes.query("SELECT * FROM understudy.checkpoints") == before


def test_case_073_a_topic_that_was_created_anew_stops_the_worker(notes: Pipeline) -> None:
    notes.start()
    notes.publisher.snapshot("notes", rows(0, 10))
    notes.until_applied()
    notes.running[0].stop()
    topic = notes.publisher.topic("notes")
    notes.publisher.admin.delete_topics([topic])[topic].result()
    wait_for(
        lambda: topic not in notes.publisher.admin.list_topics(timeout=5).topics,
        10,
        lambda: "it stays",
    )
    notes.publisher.create(topic, 2, {})
    notes.publisher.snapshot("notes", rows(0, 100))
    error = ended(notes.start())
    assert isinstance(error, BrokerError)
    assert "created anew" in str(error)


def test_case_073_a_checkpoint_beyond_the_end_of_the_log_stops_the_worker(notes: Pipeline) -> None:
    notes.start()
    notes.publisher.snapshot("notes", rows(0, 10))
    notes.until_applied()
    notes.running[0].stop()
    notes.run("UPDATE understudy.checkpoints SET next_offset = next_offset + 5")
    error = ended(notes.start())
    assert isinstance(error, BrokerError)
    assert "does not hold" in str(error)


def test_two_workers_do_not_stand_in_each_others_way_when_the_target_restarts_sessions(
    notes: Pipeline,
) -> None:
    first, second = notes.start(), notes.start()
    wait_for(lambda: partitions(first) == partitions(second) == 1, 30, lambda: "not shared")
    stop = threading.Event()

    def end_sessions() -> None:
        while not stop.wait(0.1):
            notes.run(END_SESSIONS)

    storm = threading.Thread(target=end_sessions)
    storm.start()
    for start in range(0, 2_000, 100):
        notes.publisher.snapshot("notes", rows(start, 100))
    stop.set()
    storm.join()
    notes.until_applied()
    assert notes.one("SELECT count(*) FROM new.notes") == 2_000
    assert first.error is second.error is None
