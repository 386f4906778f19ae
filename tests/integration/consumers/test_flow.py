"""What entities wait for: their parents' snapshots, markers, truncations, and rows that come later."""

import psycopg
import pytest

from consumers.points import Points
from consumers.watermarks import Watermarks
from schemas.positions import Marker
from tests.integration.consumers.harness import Pipeline
from tests.integration.consumers.publisher import EPOCH, table

LINES = table("lines", id="integer", note_id="integer")
WATERMARK = "SELECT min(watermark) FROM understudy.checkpoints"


@pytest.fixture
def lines(notes: Pipeline) -> Pipeline:
    """Lines refer to notes, by a foreign key."""
    notes.run("CREATE TABLE new.lines (id uuid PRIMARY KEY, note_id uuid REFERENCES new.notes)")
    notes.entity("lines", 'note_id = { ref = "notes", from = "note_id" }')
    notes.publisher.add(LINES)
    return notes


def test_a_child_waits_for_the_snapshot_of_its_parent(lines: Pipeline) -> None:
    publisher = lines.publisher
    publisher.snapshot("lines", [{"id": str(n), "note_id": str(n)} for n in range(10)])
    publisher.end_snapshot("lines")
    publisher.snapshot("notes", [{"id": str(n), "body": "a"} for n in range(5)])
    lines.start()
    lines.until("SELECT count(*) FROM new.notes", 5)
    progress = {e.entity: e for e in lines.running[0].worker.progress().entities}
    assert not progress["lines"].open
    publisher.snapshot("notes", [{"id": str(n), "body": "a"} for n in range(5, 10)])
    publisher.end_snapshot("notes")
    lines.until_applied()
    assert lines.one("SELECT count(*) FROM new.lines") == 10
    assert lines.query("SELECT reason FROM understudy.waiting") == []
    lines.until("SELECT count(*) FROM understudy.entities WHERE phase = 'tail'", 2)


def test_a_watermark_follows_the_markers_of_busy_and_of_idle_partitions(notes: Pipeline) -> None:
    notes.start()
    for number in range(5):
        notes.publisher.insert("notes", id=str(number), body="a")
        notes.until(WATERMARK, notes.publisher.mark(), 5)
    notes.until(WATERMARK, notes.publisher.mark(), 5)
    assert notes.query("SELECT DISTINCT watermark_ms FROM understudy.checkpoints") == [
        (notes.publisher.lsn * 1_000,)
    ]


def test_a_marker_counts_only_where_its_end_offset_is_reached(notes: Pipeline) -> None:
    publisher = notes.publisher
    reached = publisher.mark()
    beyond = {
        topic: {p: end + 1 for p, end in at.items()} for topic, at in publisher.ends().items()
    }
    publisher.tell(Marker(id="heartbeat", epoch=EPOCH, lsn=reached + 5, source_ms=1, ends=beyond))
    notes.start()
    notes.until(WATERMARK, reached)
    publisher.snapshot("notes", [{"id": str(n), "body": "a"} for n in range(9)])
    notes.until(WATERMARK, reached + 5)


def test_a_worker_that_knows_an_old_marker_only_moves_no_watermark_back(notes: Pipeline) -> None:
    notes.start()
    last = notes.publisher.mark()
    notes.until(WATERMARK, last)
    notes.stop()
    points, topic = Points(), notes.publisher.topic("notes")
    ends = notes.publisher.ends()
    points.fold(Marker(id="heartbeat", epoch=EPOCH, lsn=last - 5, source_ms=1, ends=ends))
    with psycopg.connect(notes.dsn, autocommit=True) as connection:
        Watermarks(points).of_idle(connection, {topic: dict(ends[topic])}, ["notes"])
    assert notes.one(WATERMARK) == last


def test_a_marker_counts_once_the_truncations_before_it_are_obeyed(notes: Pipeline) -> None:
    publisher = notes.publisher
    publisher.snapshot("notes", [{"id": str(n), "body": "a"} for n in range(9)])
    notes.start()
    notes.until_applied()
    with notes.locked("SELECT FROM understudy.entities FOR SHARE"):
        before = publisher.mark()
        notes.until(WATERMARK, before)
        publisher.truncate("notes")
        publisher.mark()
        publisher.insert("notes", id="20", body="b")
        notes.until("SELECT count(*) FROM new.notes", 10)
        assert notes.one("SELECT max(watermark) FROM understudy.checkpoints") == before
    notes.until(WATERMARK, publisher.mark())
    assert notes.query("SELECT body FROM new.notes") == [("b",)]


def test_a_parked_child_is_released_soon_after_its_parent_came(lines: Pipeline) -> None:
    publisher = lines.publisher
    for name in ("notes", "lines"):
        publisher.end_snapshot(name)
    lines.start()
    publisher.insert("lines", id="1", note_id="7")
    lines.until("SELECT count(*) FROM understudy.waiting", 1)
    publisher.mark()
    lines.until("SELECT reason FROM understudy.waiting", "parent")
    publisher.insert("notes", id="7", body="a")
    lines.until("SELECT count(*) FROM new.lines", 1, 5)
    assert lines.query("SELECT reason FROM understudy.waiting") == []


def test_what_waits_is_released_by_a_worker_that_has_seen_no_record_of_it(lines: Pipeline) -> None:
    publisher = lines.publisher
    for name in ("notes", "lines"):
        publisher.end_snapshot(name)
    lines.start()
    publisher.insert("lines", id="1", note_id="7")
    lines.until("SELECT count(*) FROM understudy.waiting", 1)
    lines.running[0].stop()
    lines.start()
    publisher.insert("notes", id="7", body="a")
    lines.until("SELECT count(*) FROM new.lines", 1, 10)


def test_records_of_two_versions_of_a_table_are_applied_together(notes: Pipeline) -> None:
    publisher = notes.publisher
    notes.run("ALTER TABLE new.notes ADD COLUMN mood text")
    notes.entity("notes", 'body = "body"\nmood = "mood"')
    publisher.insert("notes", id="1", body="a")
    publisher.alter(table("notes", id="integer", body="text", mood="text"))
    publisher.insert("notes", id="1", body="b", mood="m")
    publisher.insert("notes", id="2", body="c", mood="n")
    notes.start()
    notes.until_applied()
    rows = notes.query("SELECT body, mood FROM new.notes ORDER BY body")
    assert rows == [("b", "m"), ("c", "n")]


def test_a_schema_that_comes_back_is_the_newest_again(notes: Pipeline) -> None:
    publisher = notes.publisher
    notes.start()
    old, new = (
        table("notes", id="integer", body="text"),
        table("notes", id="integer", body="text", mood="text"),
    )
    for number, version in enumerate((old, new, old)):
        publisher.alter(version)
        publisher.insert("notes", id=str(number), body="a")
        notes.until_applied()
    assert notes.one("SELECT count(*) FROM new.notes") == 3
    assert notes.query("SELECT reason FROM understudy.waiting") == []


def test_case_078_schemas_are_known_while_the_registry_is_down(notes: Pipeline) -> None:
    notes.registry_url = "http://127.0.0.1:1/apis/ccompat/v7"
    notes.publisher.insert("notes", id="1", body="a")
    process = notes.start_process()
    notes.until_applied()
    assert process.poll() is None
    assert notes.one("SELECT body FROM new.notes") == "a"
