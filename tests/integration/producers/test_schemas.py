"""Rows are encoded as their table was when they were written."""

import pytest
from psycopg import sql

from schemas.errors import RegistryError
from schemas.positions import SchemaText
from schemas.registry import Registry
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source

pytestmark = pytest.mark.integration


@pytest.fixture
def things(source: Source, pipeline: Pipeline) -> Pipeline:
    source.execute("CREATE TABLE public.things (id int PRIMARY KEY, a text, b int)")
    source.execute("INSERT INTO public.things VALUES (1, 'one', 1)")
    return pipeline.with_tables("public.things")


def test_case_030_each_row_of_a_transaction_is_read_with_the_columns_it_was_written_with(
    source: Source, things: Pipeline
) -> None:
    with things.running() as capture:
        things.snapshot_done(capture)
        with source.transaction():
            source.execute("INSERT INTO public.things VALUES (2, 'two', 2)")
            source.execute("ALTER TABLE public.things ADD COLUMN c numeric(9,3)")
            source.execute("INSERT INTO public.things VALUES (3, 'three', 3, 1.5)")
            source.execute("ALTER TABLE public.things DROP COLUMN a")
            source.execute("INSERT INTO public.things VALUES (4, 4, 2)")
        things.drain(source)
    rows = {event.key[0]: event.row for event in things.events()}
    assert rows[2] == {"id": 2, "a": "two", "b": 2}
    assert rows[3] == {"id": 3, "a": "three", "b": 3, "c": "1.500"}
    assert rows[4] == {"id": 4, "b": 4, "c": "2.000"}


def test_case_031_changes_from_before_a_column_was_dropped_are_read_after_it_was(
    source: Source, things: Pipeline
) -> None:
    with things.running() as capture:
        things.snapshot_done(capture)
    source.execute("CREATE TYPE public.mood AS ENUM ('glad')")
    source.execute("ALTER TABLE public.things ADD COLUMN m public.mood")
    source.execute("INSERT INTO public.things VALUES (2, 'two', 2, 'glad')")
    source.execute("ALTER TABLE public.things DROP COLUMN m, DROP COLUMN a")
    source.execute("DROP TYPE public.mood")
    source.execute("INSERT INTO public.things VALUES (3, 3)")
    with things.running():
        things.drain(source)
    rows = {event.key[0]: event.row for event in things.events()}
    assert rows[2] == {"id": 2, "a": "two", "b": 2, "m": "glad"}
    assert rows[3] == {"id": 3, "b": 3}


def away(things: Pipeline) -> Pipeline:
    """The same pipeline, with a registry that does not answer."""
    return things.with_tables(
        "public.things", registry=Registry("http://127.0.0.1:9/apis", patience_s=0.1)
    )


def test_case_078_known_schemas_flow_while_the_registry_is_away(
    source: Source, things: Pipeline
) -> None:
    with things.running() as capture:
        things.snapshot_done(capture)
    deaf = away(things)
    with deaf.running():
        source.execute("INSERT INTO public.things VALUES (2, 'two', 2)")
        deaf.drain(source)
    deaf.settings.registry.close()
    assert {event.key[0] for event in things.events()} == {1, 2}
    assert len({record.id for record in things.records(SchemaText)}) == 2


def test_case_078_a_new_schema_stops_a_capture_without_registry_and_nothing_is_lost(
    source: Source, things: Pipeline
) -> None:
    with things.running() as capture:
        things.snapshot_done(capture)
    deaf = away(things)
    source.execute("ALTER TABLE public.things ADD COLUMN c int")
    source.execute("INSERT INTO public.things VALUES (2, 'two', 2, 2)")
    with pytest.raises(RegistryError), deaf.running() as capture:
        history.wait_for("the stop", lambda: capture.progress().phase == "stopped")
    deaf.settings.registry.close()
    with things.running():
        things.drain(source)
    assert {event.key[0] for event in things.events()} == {1, 2}


def test_case_079_a_schema_that_the_registry_refuses_stops_before_the_row_is_acknowledged(
    source: Source, things: Pipeline
) -> None:
    with things.running() as capture:
        things.snapshot_done(capture)
    source.execute("ALTER TABLE public.things ALTER b TYPE text")
    source.execute("INSERT INTO public.things VALUES (2, 'two', 'text')")
    with pytest.raises(RegistryError, match=r"things-value"), things.running() as capture:
        history.wait_for("the stop", lambda: capture.progress().phase == "stopped")
    lenient = things.with_tables("public.things", compatibility="NONE")
    with lenient.running():
        lenient.drain(source)
    assert {event.key[0]: event.row["b"] for event in things.events()} == {1: 1, 2: "text"}


def test_case_116_names_that_need_quotes_and_escapes_arrive_as_they_are(
    source: Source, pipeline: Pipeline
) -> None:
    schema, table, key, column = 'Odd "S"', "t%s; drop\\", "1 select", 'ä"\\.-_'
    place = sql.Identifier(schema, table)
    source.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    source.execute(
        sql.SQL("CREATE TABLE {} ({} text PRIMARY KEY, {} text)").format(
            place, sql.Identifier(key), sql.Identifier(column)
        )
    )

    def insert(*values: str) -> sql.Composed:
        listed = sql.SQL(", ").join(map(sql.Literal, values))
        return sql.SQL("INSERT INTO {} VALUES ({})").format(place, listed)

    source.execute(insert("before", "it's"))
    odd = pipeline.with_tables(f"{schema}.{table}", chunk_rows=1)
    with odd.running() as capture:
        odd.snapshot_done(capture)
        source.execute(insert("after", "\\N"))
        odd.drain(source)
    assert odd.rows() == {
        ("before",): {key: "before", column: "it's"},
        ("after",): {key: "after", column: "\\N"},
    }
