"""Snapshot and tail of real tables into a real Kafka."""

import psycopg
import pytest

from schemas.positions import Marker, Position, SnapshotEnd, Truncate
from tests.integration.producers.conftest import Pipeline, Source, TableReader

pytestmark = pytest.mark.integration

CREATE = "CREATE TABLE public.notes (id int PRIMARY KEY, title text, body text)"
FILL = "INSERT INTO public.notes SELECT i, 'title ' || i, 'body' FROM generate_series(1, 5000) i"


@pytest.fixture
def notes(source: Source, pipeline: Pipeline) -> Pipeline:
    source.execute(CREATE)
    source.execute("ALTER TABLE public.notes ALTER body SET STORAGE EXTERNAL")
    source.execute(FILL)
    return pipeline.with_tables("public.notes", chunk_rows=1000)


def test_case_041_rows_that_change_while_the_snapshot_is_read_end_as_in_the_source(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    with notes.running() as capture:
        for n in range(40):
            source.execute("UPDATE public.notes SET title = %s WHERE id %% 40 = %s", [str(n), n])
            source.execute("DELETE FROM public.notes WHERE id = %s", [n * 100])
            source.execute("INSERT INTO public.notes VALUES (%s, 'new', NULL)", [10_000 + n])
        notes.snapshot_done(capture)
        notes.drain(source)
    assert notes.rows() == table_of("public.notes")


def test_case_046_chunks_cover_the_table_once_and_their_rows_are_counted(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        notes.drain(source)
    (end,) = notes.records(SnapshotEnd)
    snapshot_rows = [event for event in notes.events() if event.op == "r"]
    assert end.rows == len(snapshot_rows) == len({event.key for event in snapshot_rows}) == 5000
    assert sum(end.ends[end.topic].values()) == 5000


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("int", []),
        ("int", [7]),
        ("bigint", [-(2**63), -1, 0, 2**63 - 1]),
        ("text", ["", "10", "9", "a", "B", "ä", "'", "\\", "\t\n"]),
        ("uuid", [f"{n:032x}" for n in range(40)]),
        ("numeric", ["-1.5", "1.50", "2.0000", "10", "9", "NaN", "Infinity"]),
        ("char(4)", ["a", "b ", "ab"]),
        ("timestamptz", ["-infinity", "0044-03-15 BC", "2020-01-01", "infinity"]),
    ],
)
def test_case_046_chunk_bounds_of_any_key_type(
    source: Source, pipeline: Pipeline, kind: str, keys: list[str]
) -> None:
    source.execute(f"CREATE TABLE public.k (id {kind} PRIMARY KEY)")
    with source.cursor() as cursor:
        cursor.executemany("INSERT INTO public.k VALUES (%s)", [[str(key)] for key in keys])
    pipeline = pipeline.with_tables("public.k", chunk_rows=1)
    with pipeline.running() as capture:
        pipeline.snapshot_done(capture)
        pipeline.drain(source)
    read = [str(event.row["id"]) for event in pipeline.events()]
    stored = source.execute("SELECT id::text FROM public.k").fetchall()
    width = 4 if kind == "char(4)" else 0  # A cast to text takes the padding off.
    assert sorted(read) == sorted(str(key).ljust(width) for (key,) in stored)


def test_case_012_a_key_change_is_a_delete_and_an_insert_with_two_ordinals(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("UPDATE public.notes SET id = 9999 WHERE id = 1")
        notes.drain(source)
    gone, came = sorted((e for e in notes.events() if e.op in "cd"), key=lambda event: event.id)
    assert (gone.op, gone.key, came.op, came.key) == ("d", (1,), "c", (9999,))
    assert (gone.id[:2], gone.id[2], came.id[2]) == (came.id[:2], 1, 2)
    assert (gone.moved_to, came.moved_to) == (("9999",), ())


def test_a_table_that_is_renamed_is_still_the_same(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("ALTER TABLE public.notes RENAME TO old_notes")
        source.execute("UPDATE public.old_notes SET title = 'renamed' WHERE id = 1")
        source.execute("ALTER TABLE public.old_notes RENAME TO notes")
        source.execute("DELETE FROM public.notes WHERE id = 2")
        notes.drain(source)
    changes = sorted((e for e in notes.events() if e.op in "ud"), key=lambda event: event.id)
    assert [(e.op, e.key) for e in changes] == [("u", (1,)), ("d", (2,))]


def test_case_001_an_unchanged_large_value_is_named_unavailable_not_null(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    source.execute("UPDATE public.notes SET body = repeat('x', 9000) WHERE id = 1")
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("UPDATE public.notes SET title = 'other' WHERE id = 1")
        notes.drain(source)
    (update,) = [event for event in notes.events() if event.op == "u"]
    assert update.unavailable == ("body",)
    assert notes.rows() == table_of("public.notes")


def test_case_001_full_identity_fills_in_the_large_value(source: Source, notes: Pipeline) -> None:
    source.execute("ALTER TABLE public.notes REPLICA IDENTITY FULL")
    source.execute("UPDATE public.notes SET body = repeat('x', 9000) WHERE id = 1")
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("UPDATE public.notes SET title = 'other' WHERE id = 1")
        notes.drain(source)
    (update,) = [event for event in notes.events() if event.op == "u"]
    assert (update.unavailable, len(update.row["body"])) == ((), 9000)


def test_case_003_a_key_change_without_its_large_value_is_answered_by_a_later_reading(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    source.execute("UPDATE public.notes SET body = repeat('x', 9000) WHERE id <= 50")
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("UPDATE public.notes SET id = id + 20000 WHERE id <= 50")
        notes.drain(source)
    created = {event.key: event for event in notes.events() if event.op == "c"}
    again = {
        event.key: event for event in notes.events() if event.op == "r" and event.key[0] > 20000
    }
    assert set(again) == set(created)
    assert all(again[key].id > created[key].id for key in created)
    assert notes.rows() == table_of("public.notes")


def test_case_037_truncate_takes_an_ordinal_and_is_recorded_for_each_table(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    source.execute("CREATE TABLE public.more (id int PRIMARY KEY)")
    both = notes.with_tables("public.notes", "public.more")
    with both.running() as capture:
        both.snapshot_done(capture)
        with source.transaction():
            source.execute("INSERT INTO public.more VALUES (1)")
            source.execute("TRUNCATE public.notes, public.more")
            source.execute("INSERT INTO public.notes VALUES (1, 'again', NULL)")
        both.drain(source)
    first, second = both.records(Truncate)
    assert {first.table, second.table} == {"public.notes", "public.more"}
    assert (first.lsn, first.ordinal, second.ordinal) == (second.lsn, 2, 3)
    assert both.rows(0) == table_of("public.notes")
    assert both.rows(1) == {}


def test_case_016_a_huge_transaction_goes_through_and_its_marker_lies_behind_it(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute(
            "INSERT INTO public.notes SELECT i, 'big', NULL FROM generate_series(10000, 59999) i"
        )
        reached = notes.drain(source)
    assert sum(reached.ends[notes.settings.tables[0].topic].values()) == 55_000
    assert notes.rows() == table_of("public.notes")


def test_case_021_events_of_one_transaction_are_told_apart_by_their_ordinals(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        with source.transaction():
            source.execute("INSERT INTO public.notes VALUES (20000, '0', NULL), (20001, '0', NULL)")
            for title in range(1, 6):
                source.execute("UPDATE public.notes SET title = %s WHERE id >= 20000", [str(title)])
            source.execute("DELETE FROM public.notes WHERE id = 20001")
        notes.drain(source)
    ids = sorted(event.id for event in notes.events() if event.key[0] >= 20000)
    assert [ordinal for _, _, ordinal in ids] == list(range(1, 14))
    assert len({lsn for _, lsn, _ in ids}) == 1


def test_case_019_transactions_that_overlap_come_in_commit_order(
    source: Source, source_database: str, notes: Pipeline, table_of: TableReader
) -> None:
    with psycopg.connect(source_database) as slow, notes.running() as capture:
        notes.snapshot_done(capture)
        slow.execute("INSERT INTO public.notes VALUES (20000, 'slow', NULL)")
        source.execute("INSERT INTO public.notes VALUES (20001, 'fast', NULL)")
        slow.execute("UPDATE public.notes SET title = 'slower' WHERE id = 20000")
        slow.commit()
        notes.drain(source)
    ids = {event.key[0]: event.id for event in notes.events() if event.key[0] >= 20000}
    assert ids[20001] < ids[20000]
    assert notes.rows() == table_of("public.notes")


def test_case_018_what_is_rolled_back_never_appears(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        with source.transaction():
            source.execute("INSERT INTO public.notes VALUES (30000, 'kept', NULL)")
            with source.transaction(force_rollback=True):
                source.execute("INSERT INTO public.notes VALUES (30001, 'gone', NULL)")
        with source.transaction(force_rollback=True):
            source.execute("INSERT INTO public.notes VALUES (30002, 'gone', NULL)")
        notes.drain(source)
    assert [event.key[0] for event in notes.events() if event.key[0] >= 30000] == [30000]


def test_case_020_a_prepared_transaction_appears_once_when_it_is_committed(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("BEGIN")
        source.execute("INSERT INTO public.notes VALUES (40000, 'prepared', NULL)")
        source.execute("PREPARE TRANSACTION 'understudy-test'")
        notes.drain(source)
        assert all(event.key[0] < 40000 for event in notes.events())
        source.execute("COMMIT PREPARED 'understudy-test'")
        notes.drain(source)
    assert [event.key[0] for event in notes.events() if event.key[0] >= 40000] == [40000]


def test_case_022_an_idle_pipeline_lets_go_of_the_wal_that_others_write(
    source: Source, notes: Pipeline
) -> None:
    source.execute("CREATE TABLE public.noise (id int)")
    with notes.running() as capture:
        notes.snapshot_done(capture)
        source.execute("INSERT INTO public.noise SELECT generate_series(1, 20000)")
        marker = notes.drain(source)
    assert max(position.lsn for position in notes.records(Position)) > marker.lsn


def test_a_heartbeat_names_the_end_of_every_partition(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        notes.drain(source)
    beats = [record for record in notes.records(Marker) if record.id == "heartbeat"]
    assert [beat.lsn for beat in beats] == sorted(beat.lsn for beat in beats)
    assert set(beats[-1].ends) == {notes.settings.tables[0].topic}
    assert set(beats[-1].ends[notes.settings.tables[0].topic]) == {0, 1}


def test_a_transaction_that_a_reverse_stream_applied_does_not_go_round(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        with source.transaction():
            source.execute("SELECT pg_logical_emit_message(true, 'understudy', 'applied')")
            source.execute("INSERT INTO public.notes VALUES (50000, 'ours', NULL)")
        source.execute("INSERT INTO public.notes VALUES (50001, 'theirs', NULL)")
        notes.drain(source)
    assert [event.key[0] for event in notes.events() if event.key[0] >= 50000] == [50001]
