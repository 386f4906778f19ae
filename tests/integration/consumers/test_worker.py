"""A worker on real servers: what it reads arrives once, and it goes on where it was."""

from uuid import UUID

from schemas.errors import ConfigError
from tests.integration.consumers.harness import DEADLINE_S, Pipeline, wait_for
from tests.integration.consumers.publisher import table

NOTES = table("notes", id="integer", body="text")


def test_snapshot_and_tail_arrive(notes: Pipeline) -> None:
    publisher = notes.publisher
    publisher.snapshot("notes", [{"id": str(n), "body": f"old {n}"} for n in range(100)])
    publisher.end_snapshot("notes")
    notes.start()
    publisher.update("notes", id="1", body="new 1")
    publisher.delete("notes", id="2")
    publisher.insert("notes", id="100", body="new 100")
    notes.until_applied()
    bodies = {body for (body,) in notes.query("SELECT body FROM new.notes")}
    assert bodies == {f"old {n}" for n in range(100) if n not in (1, 2)} | {"new 1", "new 100"}
    notes.until("SELECT phase FROM understudy.entities", "tail")


def test_a_worker_goes_on_where_the_last_one_was(notes: Pipeline) -> None:
    notes.publisher.snapshot("notes", [{"id": str(n), "body": "a"} for n in range(50)])
    notes.start()
    notes.until_applied()
    notes.running[0].stop()
    notes.publisher.insert("notes", id="50", body="b")
    second = notes.start()
    notes.until_applied()
    second.stop()  # It counts what it has applied after the commit that others see.
    assert [entity.applied_rows for entity in second.worker.progress().entities] == [1]
    assert notes.one("SELECT count(*) FROM new.notes") == 51


def test_a_worker_ends_soon_when_asked(notes: Pipeline) -> None:
    running = notes.start()
    notes.publisher.insert("notes", id="1", body="a")
    notes.until_applied()
    assert running.stop() < 10
    assert running.error is None


def test_topics_may_come_after_the_worker(pipeline: Pipeline) -> None:
    pipeline.run("CREATE TABLE new.notes (id uuid PRIMARY KEY, body text)")
    pipeline.entity("notes", 'body = "body"')
    pipeline.start()
    pipeline.until("SELECT count(*) FROM understudy.entities", 1)
    pipeline.publisher.add(NOTES)
    pipeline.publisher.insert("notes", id="1", body="a")
    pipeline.until_applied()
    assert pipeline.one("SELECT body FROM new.notes") == "a"


def test_a_worker_with_another_namespace_writes_nothing(notes: Pipeline) -> None:
    notes.start()
    notes.publisher.insert("notes", id="1", body="a")
    notes.until_applied()
    notes.running[0].stop()
    notes.configure("", UUID(int=7))
    running = notes.start()
    wait_for(lambda: running.ended, DEADLINE_S, lambda: "it goes on")
    assert isinstance(running.error, ConfigError)
    assert "the namespace is not the one" in str(running.error)


def test_dead_letters_go_in_when_a_worker_starts_by_corrected_rules(notes: Pipeline) -> None:
    notes.entity("notes", 'body = { from = "body", values = { a = "A" } }')
    for number in range(20):
        notes.publisher.insert("notes", id=str(number), body="ab"[number % 2])
    notes.publisher.end_snapshot("notes")
    notes.start()
    notes.until("SELECT count(*) FROM understudy.dead_letters", 10)
    notes.running[0].stop()
    notes.entity("notes", 'body = { from = "body", values = { a = "A", b = "B" } }')
    notes.start()
    notes.until("SELECT count(*) FROM new.notes WHERE body = 'B'", 10)
    assert notes.one("SELECT count(*) FROM understudy.waiting") == 0
    versions = (
        "SELECT spec_version, count(*) FROM understudy.migration_mappings GROUP BY 1 ORDER BY 1"
    )
    assert notes.query(versions) == [(1, 10), (2, 10)]
