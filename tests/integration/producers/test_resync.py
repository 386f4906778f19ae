"""A table is read again because somebody asks for it, while the tail goes on."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from producers import marker
from schemas.positions import Resync, SnapshotEnd
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source, TableReader

# Of a transaction that begins so the tail takes nothing: as if its changes had been lost.
UNHEARD = "SELECT pg_logical_emit_message(true, 'understudy', 'applied')"
PLACES = [
    "snap.before_import",
    "snap.chunk_read@3",
    "snap.chunk_produced_not_flushed@2",
    "snap.chunk_acked_not_recorded@3",
    "snap.done_not_marked",
    "resync.asked_not_stored",
    "tail.produced_not_acked",
]
ALWAYS = {"snap.chunk_acked_not_recorded@3", "resync.asked_not_stored"}


@pytest.fixture
def notes(source: Source, pipeline: Pipeline) -> Pipeline:
    source.execute("CREATE TABLE public.notes (id int PRIMARY KEY, title text)")
    source.execute("CREATE TABLE public.others (id int PRIMARY KEY)")
    source.execute("INSERT INTO public.others SELECT generate_series(1, 10)")
    source.execute("INSERT INTO public.notes SELECT i, 'was' FROM generate_series(1, 5000) i")
    return pipeline.with_tables("public.notes", "public.others", chunk_rows=1000)


def lose_changes(source: Source) -> None:
    with source.transaction():
        source.execute(UNHEARD)
        source.execute("UPDATE public.notes SET title = 'unheard' WHERE id % 3 = 0")
        source.execute("DELETE FROM public.notes WHERE id % 5 = 0")


def ask(source: Source, pipeline: Pipeline, table: str = "public.notes") -> int:
    return marker.ask_resync(source, pipeline.settings.pipeline, table)


def ended_after(pipeline: Pipeline, lsn: int) -> Callable[[], SnapshotEnd | None]:
    def look() -> SnapshotEnd | None:
        ends = [end for end in pipeline.records(SnapshotEnd) if end.since > lsn]
        return ends[-1] if ends else None

    return look


def after_resync(pipeline: Pipeline, end: SnapshotEnd) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What the topic says that the table holds; what is older than the resync is gone."""
    events = [event for event in pipeline.events() if event.id >= end.seen_from]
    return history.folded(events, [])


def test_it_is_read_at_a_later_point_and_its_rows_are_newer_than_what_was_lost(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        lose_changes(source)
        asked = ask(source, notes)
        source.execute("UPDATE public.notes SET title = 'later' WHERE id % 7 = 0")
        end = history.wait_for("the resync", ended_after(notes, asked))
        source.execute("UPDATE public.notes SET id = -id WHERE id % 11 = 0")
        notes.drain(source)
    assert after_resync(notes, end) == table_of("public.notes")
    assert asked < end.since == end.lsn
    assert [event.op for event in notes.events(1)] == ["r"] * 10  # The other table was left alone.
    tables = {one.table: (one.rows, one.done) for one in capture.progress().tables}
    assert tables == {"public.notes": (4000, True), "public.others": (10, True)}


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_in_the_middle_loses_neither_rows_nor_the_wish(
    source: Source, notes: Pipeline, table_of: TableReader, place: str
) -> None:
    if place not in ALWAYS and "UNDERSTUDY_TEST_FULL" not in os.environ:
        pytest.skip("runs with --full")
    with notes.running() as capture:
        notes.snapshot_done(capture)
        notes.drain(source)
    lose_changes(source)
    name, _, count = place.partition("@")
    with notes.process(f"{name}:kill@{count or 1}") as process:
        asked = ask(source, notes)
        history.wait_for("the kill", lambda: process.poll() == -9)
    source.execute("DELETE FROM public.notes WHERE id % 13 = 0")
    with notes.running():
        end = history.wait_for("the resync", ended_after(notes, asked))
        notes.drain(source)
    assert after_resync(notes, end) == table_of("public.notes")


def test_a_wish_that_no_capture_has_heard_is_the_next_ones_and_is_fulfilled_once(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
    asked = ask(source, notes)
    with notes.running():
        end = history.wait_for("the resync", ended_after(notes, asked))
        notes.drain(source)
    with notes.running():
        notes.drain(source)
    assert after_resync(notes, end) == table_of("public.notes")
    assert len([end for end in notes.records(SnapshotEnd) if end.since]) == 1


def test_who_asks_while_it_is_read_has_it_read_once_more(source: Source, notes: Pipeline) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        first = ask(source, notes)
        history.wait_for("the first to be heard", lambda: notes.records(Resync))
        second = ask(source, notes)
        history.wait_for("the second", ended_after(notes, second))
    ends = [end for end in notes.records(SnapshotEnd) if end.since]
    assert [end.rows for end in ends] == [5000, 5000]
    assert first < second


def test_a_wish_for_another_pipeline_or_table_is_left_alone(
    source: Source, notes: Pipeline
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        marker.ask_resync(source, "stranger", "public.notes")
        ask(source, notes, "public.unknown")
        notes.drain(source)
    assert notes.records(Resync) == []
