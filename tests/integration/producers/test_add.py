"""A capture that begins again with one table more: what it has is left alone, the new one joins the tail."""

import pytest

from producers import marker
from schemas.errors import FolderChangedError
from schemas.positions import SnapshotEnd
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source, TableReader


@pytest.fixture
def notes(source: Source, pipeline: Pipeline) -> Pipeline:
    source.execute("CREATE TABLE public.notes (id int PRIMARY KEY, title text)")
    source.execute("INSERT INTO public.notes SELECT i, 'was' FROM generate_series(1, 10) i")
    source.execute("CREATE TABLE public.others (LIKE public.notes INCLUDING ALL)")
    source.execute("INSERT INTO public.others SELECT * FROM public.notes")
    return pipeline.with_tables("public.notes")


def test_only_the_new_table_is_read_and_both_are_tailed(
    source: Source, notes: Pipeline, table_of: TableReader
) -> None:
    with notes.running() as capture:
        notes.snapshot_done(capture)
        notes.drain(source)
    source.execute("UPDATE public.others SET title = 'before it was added' WHERE id = 1")
    both = notes.with_tables("public.notes", "public.others")
    with both.running() as capture:
        source.execute("UPDATE public.others SET title = 'at once' WHERE id = 2")
        source.execute("UPDATE public.notes SET title = 'meanwhile' WHERE id = 3")
        both.snapshot_done(capture)
        source.execute("DELETE FROM public.others WHERE id = 4")
        both.drain(source)
    assert sorted(event.op for event in both.events(0)) == ["r"] * 10 + ["u"]
    assert both.rows(0) == table_of("public.notes")
    assert both.rows(1) == table_of("public.others")
    assert {end.table: end.since for end in both.records(SnapshotEnd)} == {
        "public.notes": 0, "public.others": 0,
    }  # fmt: skip


def test_who_is_asked_to_begin_again_ends_once_and_the_next_does_not(
    source: Source, notes: Pipeline
) -> None:
    def ended_when_asked() -> None:
        with notes.running() as capture:
            notes.snapshot_done(capture)
            marker.ask_restart(source, "stranger", "not ours")
            notes.drain(source)
            marker.ask_restart(source, notes.settings.pipeline, "with others")
            history.wait_for("its end", lambda: capture.progress().phase == "stopped")

    with pytest.raises(FolderChangedError, match="with others"):
        ended_when_asked()
    with notes.running():
        notes.drain(source)
