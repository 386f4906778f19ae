"""Capture is killed at a named place, and another goes on: nothing is lost, nothing resurrected."""

import os
import subprocess
import time
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from producers import acknowledge, opening, slot, topics
from producers.source import connect_replication
from producers.stream import STATUS_INTERVAL_S
from schemas import names
from schemas.errors import BrokerError, ConfigError, ConflictError, SlotLostError, StartRefusedError
from schemas.positions import Intent, Marker, Position, SnapshotEnd
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source, TableReader

pytestmark = pytest.mark.integration

CREATE = "CREATE TABLE public.notes (id int PRIMARY KEY, title text, body text)"
FILL = "INSERT INTO public.notes SELECT i, 'title ' || i, 'body' FROM generate_series(1, 6000) i"
KILLED = -9
SILENCE_S = 4 * STATUS_INTERVAL_S

SNAPSHOT_PLACES = [
    "slot.before_create",
    "slot.after_create_before_persist",
    "schema.before_register",
    "schema.registered_not_sent",
    "snap.before_import",
    "snap.chunk_read",
    "snap.chunk_read@3",
    "snap.chunk_produced_not_flushed",
    "snap.chunk_acked_not_recorded",
    "snap.chunk_acked_not_recorded@3",
    "snap.done_not_marked",
]
TAIL_PLACES = [
    "tail.begin@5",
    "tail.mid_tx",
    "tail.produced_not_acked@3",
    "tail.acked_not_fed_back@2",
    "tail.feedback_sent@2",
]
ALWAYS = {"slot.after_create_before_persist", "snap.chunk_acked_not_recorded@3", "tail.mid_tx"}


def in_suite(places: list[str]) -> list[Any]:
    """Three of the places in the default suite, all of them with --full."""
    full = "UNDERSTUDY_TEST_FULL" in os.environ
    skip = pytest.mark.skipif(not full, reason="runs with --full")
    return [place if place in ALWAYS else pytest.param(place, marks=skip) for place in places]


@pytest.fixture
def notes(source: Source, pipeline: Pipeline) -> Pipeline:
    source.execute(CREATE)
    source.execute("ALTER TABLE public.notes ALTER body SET STORAGE EXTERNAL")
    source.execute(FILL)
    return pipeline.with_tables("public.notes", chunk_rows=1000)


def churn(source: Source, seed: int) -> None:
    """Inserts, updates, deletes, a key change and a transaction of more bytes than are sent in one go."""
    new = 100_000 * (seed + 1)
    source.execute("UPDATE public.notes SET title = %s WHERE id %% 7 = 0", [f"seed {seed}"])
    source.execute("DELETE FROM public.notes WHERE id %% 11 = %s", [seed])
    source.execute("UPDATE public.notes SET id = -id WHERE id %% 13 = %s", [seed])
    source.execute(
        "INSERT INTO public.notes SELECT i, 'bulk', repeat('x', 1200)"
        " FROM generate_series(%s::int, %s::int) i",
        [new, new + 4_000],
    )


def killed(process: subprocess.Popen[str]) -> bool:
    return process.poll() == KILLED


@pytest.mark.parametrize("place", in_suite(SNAPSHOT_PLACES))
def test_case_042_a_kill_in_the_snapshot_loses_and_resurrects_nothing(
    source: Source, notes: Pipeline, table_of: TableReader, place: str
) -> None:
    name, _, count = place.partition("@")
    with notes.process(f"{name}:kill@{count or 1}") as process:
        history.wait_for("the kill", lambda: killed(process))
    churn(source, 1)
    with notes.running() as capture:
        churn(source, 2)
        notes.snapshot_done(capture)
        notes.drain(source)
    assert notes.rows() == table_of("public.notes")
    assert len({end.table for end in notes.records(SnapshotEnd)}) == 1


@pytest.mark.parametrize("place", in_suite(TAIL_PLACES))
def test_case_023_a_kill_in_the_tail_loses_and_resurrects_nothing(
    source: Source, notes: Pipeline, table_of: TableReader, place: str
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    name, _, count = place.partition("@")
    with notes.process(f"{name}:kill@{count or 1}") as process:
        for seed in range(3, 7):
            churn(source, seed)
        history.wait_for("the kill", lambda: killed(process))
    churn(source, 7)
    with notes.running():
        notes.drain(source)
    assert notes.rows() == table_of("public.notes")


def test_the_slot_is_never_ahead_of_the_recorded_position(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        for seed in range(4):
            churn(source, seed)
            (row,) = source.execute(
                "SELECT confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots"
                " WHERE database = current_database() AND NOT temporary"
            ).fetchall()
            assert row[0] <= max(record.lsn for record in notes.records(Position))


def test_the_slot_is_not_advanced_before_kafka_has_stored_the_record(
    source: Source, notes: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledge, "RECORD_INTERVAL_S", 0.05)
    slow = notes.with_tables("public.notes", kafka_options={"linger.ms": 1000})
    confirmed = (
        "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots"
        " WHERE database = current_database() AND NOT temporary"
    )
    with slow.running() as capture:
        slow.snapshot_done(capture)
        source.execute("INSERT INTO public.notes VALUES (100000, 'late', NULL)")
        (row,) = source.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()
        history.wait_for(
            "the slot to advance", lambda: source.execute(confirmed, row).fetchall() == [(True,)]
        )
        advanced_ms = time.time() * 1000
    topic = slow.settings.tables[0].topic
    stored_ms = max(m.timestamp()[1] for m in history.messages(slow.settings.bootstrap, topic))
    assert stored_ms <= advanced_ms


def test_case_043_a_reader_that_is_ended_is_replaced_at_a_later_point(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    slow = notes.with_tables("public.notes", chunk_rows=20)
    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'understudy snapshot reader' AND datname = current_database()"
    )
    with slow.running() as capture:
        history.wait_for("a reader to end", lambda: source.execute(ended).fetchall())
        churn(source, 1)
        slow.snapshot_done(capture)
        slow.drain(source)
    assert slow.rows() == table_of("public.notes")


def test_a_table_that_is_truncated_during_its_snapshot_ends_as_in_the_source(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    slow = notes.with_tables("public.notes", chunk_rows=20)
    with slow.running() as capture:
        history.wait_for("the snapshot", lambda: capture.progress().tables)
        source.execute("TRUNCATE public.notes")
        churn(source, 1)
        slow.snapshot_done(capture)
        slow.drain(source)
        assert capture.progress().restarts == 1
    assert slow.rows() == table_of("public.notes")


def test_a_table_that_is_rewritten_during_its_snapshot_is_not_read_as_empty(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    slow = notes.with_tables("public.notes", chunk_rows=20)
    with slow.running() as capture:
        history.wait_for("the snapshot", lambda: capture.progress().tables)
        source.execute("VACUUM FULL public.notes")
        slow.snapshot_done(capture)
        slow.drain(source)
        assert capture.progress().restarts == 1
    assert slow.rows() == table_of("public.notes")


def test_a_column_that_is_dropped_during_the_snapshot_is_gone_in_the_rows_read_later(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    slow = notes.with_tables("public.notes", chunk_rows=20)
    with slow.running() as capture:
        history.wait_for("the snapshot", lambda: capture.progress().tables)
        source.execute("ALTER TABLE public.notes DROP COLUMN title")
        slow.snapshot_done(capture)
        source.execute("UPDATE public.notes SET body = 'rewritten'")
        slow.drain(source)
        assert capture.progress().restarts == 1
    assert slow.rows() == table_of("public.notes")


def test_a_table_that_is_added_later_gets_a_snapshot_of_its_own(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    source.execute("CREATE TABLE public.more (id int PRIMARY KEY, title text)")
    source.execute("INSERT INTO public.more SELECT i, 'before' FROM generate_series(1, 100) i")
    both = notes.with_tables("public.notes", "public.more")
    with both.running() as capture:
        source.execute("UPDATE public.more SET title = 'after' WHERE id <= 10")
        both.snapshot_done(capture)
        both.drain(source)
    assert both.rows(0) == table_of("public.notes")
    assert both.rows(1) == table_of("public.more")


def test_case_050_a_missing_slot_with_positions_is_refused(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    (suffix,) = slot.slots_of(source, notes.settings.pipeline)
    slot.drop(source, slot.name_of(notes.settings.pipeline, suffix))
    with pytest.raises(SlotLostError), notes.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")


def test_f11_a_slot_replaced_under_its_name_is_refused(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    (intent,) = notes.records(Intent)
    name = slot.name_of(notes.settings.pipeline, intent.suffix)
    slot.drop(source, name)
    churn(source, 1)
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [name])
    with pytest.raises(StartRefusedError, match="ahead"), notes.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")


def test_case_054_a_slot_that_a_living_process_streams_is_refused_at_once_and_its_owner_named(
    notes: Pipeline,
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        began = time.monotonic()
        with pytest.raises(ConflictError, match="pid=") as refused, notes.running() as second:
            history.wait_for("the refusal", lambda: second.progress().phase == "stopped")
        assert time.monotonic() - began < opening.SLOT_WAIT_S / 3
    assert refused.value.exit_code == 9


def test_case_054_a_slot_that_a_silent_process_streams_is_waited_for(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    (intent,) = notes.records(Intent)
    name = slot.name_of(notes.settings.pipeline, intent.suffix)
    publication = names.publication(notes.settings.pipeline)
    with connect_replication(notes.settings.source_dsn, "silent") as silent:
        silent.execute(
            f"START_REPLICATION SLOT {name} LOGICAL 0/0"
            f" (proto_version '1', publication_names '{publication}', messages 'true')".encode()
        )
        with notes.running() as capture:
            given_up_at = time.monotonic() + SILENCE_S
            history.wait_for("more than a living one needs", lambda: time.monotonic() > given_up_at)
            assert capture.progress().phase != "stopped"
            silent.close()
            churn(source, 1)
            notes.drain(source)


def test_f10_capture_goes_on_when_its_sessions_are_ended(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'understudy %%'"
        " AND pid <> pg_backend_pid()"
    )
    with notes.running() as capture:
        notes.snapshot_done(capture)
        churn(source, 1)
        assert source.execute(ended).fetchall()
        churn(source, 2)
        notes.drain(source)
        assert capture.progress().restarts >= 1
    assert notes.rows() == table_of("public.notes")


def test_case_034_a_table_that_leaves_the_publication_stops_the_capture(
    source: Source, notes: Pipeline
) -> None:
    name = names.publication(notes.settings.pipeline)
    source.execute("CREATE TABLE public.other (id int PRIMARY KEY)")
    with notes.running() as capture:
        notes.snapshot_done(capture)
    source.execute(f"ALTER PUBLICATION {name} SET TABLE public.other")
    with pytest.raises(StartRefusedError, match=r"public\.notes"), notes.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")


def test_case_073_a_topic_that_was_deleted_is_refused(notes: Pipeline, bootstrap: str) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    name = notes.settings.tables[0].topic
    topics.delete(admin, [name])
    history.wait_for("the deletion", lambda: name not in topics.describe(admin, [name]))
    with pytest.raises(BrokerError, match="deleted"), notes.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")


def test_a_table_that_no_entity_reads_any_more_is_refused(source: Source, notes: Pipeline) -> None:
    source.execute("CREATE TABLE public.more (id int PRIMARY KEY)")
    both = notes.with_tables("public.notes", "public.more")
    with both.running() as capture:
        both.snapshot_done(capture)
    with pytest.raises(ConfigError, match="no entity reads") as refused, notes.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")
    assert refused.value.context["topic"] == both.settings.tables[1].topic


def test_sigterm_ends_a_capture_cleanly_and_soon(notes: Pipeline) -> None:
    with notes.process() as process:
        bootstrap, topic = notes.settings.bootstrap, notes.settings.positions_topic
        history.awaited(bootstrap, topic, lambda record: isinstance(record, SnapshotEnd))
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_markers_never_go_back_after_a_restart(source: Source, notes: Pipeline) -> None:
    for seed in range(2):
        with notes.running() as capture:
            notes.snapshot_done(capture)
            churn(source, seed)
            notes.drain(source)
    markers = [record for record in notes.records(Marker) if record.id != "heartbeat"]
    ends = [sum(marker.ends[notes.settings.tables[0].topic].values()) for marker in markers]
    assert ends == sorted(ends)
