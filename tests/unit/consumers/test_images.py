"""The original row as JSON, there and back."""

import json
import math
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from consumers import images
from schemas.table import Column

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(width=32),
    "double precision": st.floats(),
    "bytea": st.binary(max_size=12),
    "text": TEXT,
    "jsonb": TEXT.map(json.dumps),
}
COLUMNS = [Column(name=f"c {kind}", type=kind, base=kind) for kind in VALUES]
ROW = st.fixed_dictionaries({column.name: st.none() | VALUES[column.base] for column in COLUMNS})


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {column.name: images.frame_type(column) for column in COLUMNS}
    return pl.DataFrame(rows, schema=schema)


@given(st.lists(ROW, max_size=8))
def test_an_image_gives_back_the_row_that_it_was_made_of(rows: list[dict[str, Any]]) -> None:
    original = frame(rows)
    found = images.decode(images.encode(original, COLUMNS), COLUMNS)
    assert_frame_equal(found, original, check_exact=True)


def test_the_sign_of_zero_and_nan_survive() -> None:
    rows = [{"c double precision": value, "c real": value} for value in (-0.0, math.nan, math.inf)]
    found = images.decode(images.encode(frame(rows), COLUMNS), COLUMNS)
    assert [str(value) for value in found["c double precision"]] == ["-0.0", "nan", "inf"]
    assert [str(value) for value in found["c real"]] == ["-0.0", "nan", "inf"]


def test_an_image_is_json_with_texts_as_postgresql_prints_them() -> None:
    row = {"c numeric": "1.50", "c bytea": b"\0\xff", "c bigint": 2**63 - 1, "c boolean": True}
    columns = [Column(name=name, type=name[2:], base=name[2:]) for name in row]
    schema = {column.name: images.frame_type(column) for column in columns}
    image = images.encode(pl.DataFrame([row], schema=schema), columns)[0]
    assert json.loads(image) == {
        "c numeric": "1.50",
        "c bytea": "\\x00ff",
        "c bigint": 9223372036854775807,
        "c boolean": True,
    }


def test_a_row_without_an_image_has_nulls() -> None:
    found = images.decode(pl.Series([None], dtype=pl.String), COLUMNS)
    assert found.row(0) == (None,) * len(COLUMNS)


def test_a_table_without_columns_has_images_too() -> None:
    empty = images.encode(pl.DataFrame({"__key": ["1", "2"]}), ())
    assert empty.to_list() == ["{}", "{}"]
    assert images.decode(empty, ()).height == 2
