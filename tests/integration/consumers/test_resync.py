"""The end of a resync on the target: what was not read again, and is from before, is gone."""

from dataclasses import replace

import pytest

from schemas.positions import Marker, SnapshotEnd
from tests.integration.consumers.harness import Pipeline
from tests.integration.consumers.publisher import EPOCH, table

RESYNCED = "SELECT resynced_lsn FROM understudy.entities WHERE entity = 'notes'"
BODIES = "SELECT string_agg(body, ',' ORDER BY body) FROM new.notes"


def read_again(pipeline: Pipeline, rows: dict[str, str]) -> SnapshotEnd:
    """Rows of notes by id, as a capture publishes a resync; a marker comes later."""
    publisher = pipeline.publisher
    publisher.snapshot("notes", [{"id": key, "body": body} for key, body in rows.items()])
    return SnapshotEnd(
        table="public.notes", topic=publisher.topic("notes"), epoch=EPOCH, lsn=publisher.lsn,
        rows=len(rows), ends=publisher.ends(), since=publisher.lsn,
    )  # fmt: skip


def reach(pipeline: Pipeline, lsn: int) -> None:
    """Have all records applied, and the watermark be there: the keeper has had its turn meanwhile."""
    publisher = pipeline.publisher
    publisher.tell(Marker(id="heartbeat", epoch=EPOCH, lsn=lsn, source_ms=1, ends=publisher.ends()))
    pipeline.until("SELECT min(watermark) FROM understudy.checkpoints", lsn)


@pytest.fixture
def written(notes: Pipeline) -> Pipeline:
    """Notes 1 to 3 are in the target."""
    publisher = notes.publisher
    publisher.snapshot("notes", [{"id": str(n), "body": f"old {n}"} for n in range(1, 4)])
    publisher.end_snapshot("notes")
    notes.start()
    notes.until_applied()
    return notes


def test_what_was_not_read_again_is_deleted_and_what_others_wrote_is_put_right(
    written: Pipeline,
) -> None:
    written.run("UPDATE new.notes SET body = 'rogue' WHERE body = 'old 1'")
    written.run("DELETE FROM new.notes WHERE body = 'old 2'")
    end = read_again(written, {"1": "new 1", "2": "new 2"})
    written.publisher.insert("notes", id="4", body="new 4")
    written.publisher.tell(end)
    for lsn in (end.lsn - 2, end.lsn - 1):  # What it may have overtaken is not applied yet.
        reach(written, lsn)
    assert written.one(RESYNCED) == 0
    written.publisher.mark()
    written.until(RESYNCED, end.since)
    assert written.one(BODIES) == "new 1,new 2,new 4"
    gone = "SELECT state, commit_lsn FROM understudy.migration_mappings WHERE legacy_key = '3'"
    assert written.query(gone) == [("d", end.since)]
    audit = "SELECT subject, detail ->> 'gone' FROM understudy.audit_log"
    assert written.query(audit) == [("notes", "1")]


def test_what_came_between_two_points_of_a_resync_stays(written: Pipeline) -> None:
    first = read_again(written, {"1": "new 1"})
    written.publisher.insert("notes", id="5", body="between")
    last = read_again(written, {"2": "new 2"})
    written.publisher.tell(replace(last, since=first.since))
    written.publisher.mark()
    written.until(RESYNCED, first.since)
    assert written.one(BODIES) == "between,new 1,new 2"


def test_the_present_version_of_a_dead_letter_does_not_take_the_row_away(
    written: Pipeline,
) -> None:
    written.run("ALTER TABLE new.notes ADD CHECK (body <> 'bad')")
    end = read_again(written, {"1": "new 1", "2": "bad", "3": "new 3"})
    written.publisher.tell(end)
    written.publisher.mark()
    written.until(RESYNCED, end.since)
    assert written.one(BODIES) == "new 1,new 3,old 2"
    assert written.query("SELECT legacy_key, deleted FROM understudy.waiting") == [("2", False)]


def test_a_row_that_others_refer_to_goes_once_they_let_it_go(written: Pipeline) -> None:
    written.run("CREATE TABLE new.lines (id uuid PRIMARY KEY, note_id uuid REFERENCES new.notes)")
    written.entity("lines", 'note_id = { ref = "notes", from = "note_id" }')
    publisher = written.publisher
    publisher.add(table("lines", id="integer", note_id="integer"))
    publisher.snapshot("lines", [{"id": "1", "note_id": "3"}])
    publisher.end_snapshot("lines")
    for worker in written.running:
        worker.stop()
    written.start()
    written.until_applied()
    end = read_again(written, {"1": "new 1", "2": "new 2"})
    publisher.tell(end)
    publisher.mark()
    written.until(RESYNCED, end.since)
    publisher.delete("lines", id="1")
    publisher.mark()
    written.until(BODIES, "new 1,new 2")


def test_a_second_entity_of_the_table_obeys_what_was_before_it(written: Pipeline) -> None:
    end = read_again(written, {"1": "new 1"})
    written.publisher.tell(end)
    written.publisher.mark()
    written.until(RESYNCED, end.since)
    written.run("CREATE TABLE new.copies (id uuid PRIMARY KEY, body text)")
    text = (written.folder / "entities" / "notes.toml").read_text()
    (written.folder / "entities" / "copies.toml").write_text(
        text.replace("new.notes", "new.copies")
    )
    for worker in written.running:
        worker.stop()
    written.start()
    written.until("SELECT count(*) FROM understudy.entities WHERE resynced_lsn > 0", 2)
    assert written.one("SELECT string_agg(body, ',') FROM new.copies") == "new 1"
