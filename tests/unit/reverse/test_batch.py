"""A batch of the way back: one order over all tables, what becomes of each row, and which rows go in together."""

from dataclasses import replace

import polars as pl
import pytest

from consumers.reverse.batch import Rows, judged, ordered, steps
from consumers.reverse.keys import Keys
from consumers.reverse.plan import TableBack
from consumers.reverse.refused import RefusedError
from tests.unit.reverse.test_plan import compiled, entity

ROW = tuple[int, int, str, str]


def one(**inverse: object) -> TableBack:
    return compiled(entity("orders", {"name": "name"}, inverse=inverse))[0]


def frame(*rows: ROW, lacking: tuple[str, ...] = ()) -> pl.DataFrame:
    """Rows as (commit LSN, ordinal, op, UUID)."""
    names = ("__lsn", "__ordinal", "__op", "id")
    found = pl.DataFrame(rows, schema=names, orient="row")
    unavailable = pl.Series("__unavailable", [list(lacking)] * len(rows), dtype=pl.List(pl.String))
    return found.with_columns(unavailable, name=pl.lit("x"))


def batch(*rows: ROW, known: tuple[str, ...] = (), table: TableBack | None = None) -> list[Rows]:
    table = table or one()
    keys = Keys(known={("orders", id_): id_ for id_ in known})
    return [judged(each, keys)[0] for each in ordered({"t": frame(*rows)}, {"t": table})]


def shape(rows: list[Rows]) -> list[tuple[str, int, int]]:
    return [(step.op, step.first, step.last) for step in steps(rows)]


def test_rows_of_several_topics_are_numbered_in_the_order_of_their_commits() -> None:
    table = one()
    frames = {"a": frame((7, 2, "c", "x"), (5, 1, "c", "y")), "b": frame((7, 1, "c", "z"))}
    found = ordered(frames, {"a": table, "b": replace(table, topic="b")})
    assert [rows.frame["__n"].to_list() for rows in found] == [[0, 2], [1]]
    assert found[0].ids == ["y", "x"]


def test_a_row_is_new_once_and_put_from_then_on() -> None:
    rows = batch(
        (1, 1, "c", "a"), (1, 2, "u", "a"), (2, 1, "d", "a"), (3, 1, "u", "b"), known=("b",)
    )
    assert rows[0].kinds == (["n", "p", "d", "p"],)


def test_a_delete_of_a_row_that_nobody_knows_does_nothing() -> None:
    assert batch((1, 1, "d", "a"))[0].kinds == ([None],)


def test_rows_that_follow_one_another_go_in_together_and_none_twice() -> None:
    rows = batch(
        *((1, 1, "c", "a"), (1, 2, "c", "b"), (2, 1, "u", "a"), (2, 2, "u", "b"), (2, 3, "u", "a")),
        *((3, 1, "d", "a"), (3, 2, "d", "b")),
    )
    assert shape(rows) == [("w", 0, 1), ("w", 2, 3), ("w", 4, 4), ("d", 5, 6)]


def test_rows_whose_events_lack_other_columns_go_in_apart() -> None:
    table = one()
    frames = pl.concat([frame((1, 1, "u", "a")), frame((1, 2, "u", "b"), lacking=("name",))])
    keys = Keys(known={("orders", "a"): "1", ("orders", "b"): "2"})
    rows = [judged(each, keys)[0] for each in ordered({"t": frames}, {"t": table})]
    assert [step.unavailable for step in steps(rows)] == [frozenset(), frozenset({"name"})]


def test_a_row_that_is_born_where_none_is_wanted_is_refused() -> None:
    with pytest.raises(RefusedError, match="takes no new rows") as refused:
        batch((9, 1, "c", "a"), table=one(new_rows=False))
    assert refused.value.lsn == 9
