"""COPY reads what staging writes."""

import math
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.staging import copy_into, lines_of
from tests.integration.apply.migrated import Connection

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
AWKWARD = st.sampled_from(
    ["", "\\N", "\\.", "\\", "\t", "\n", "\r\n", '"', "\\x00", "\x01\x08\x0b\x0c\x7f"]
)
ROW = st.fixed_dictionaries(
    {
        "t": st.none() | TEXT | AWKWARD,
        "b": st.none() | st.binary(max_size=9),
        "f": st.none() | st.floats(),
        "r": st.none() | st.floats(width=32),
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "y": st.none() | st.booleans(),
    }
)
SCHEMA: dict[str, pl.DataType] = {
    "t": pl.String(),
    "b": pl.Binary(),
    "f": pl.Float64(),
    "r": pl.Float32(),
    "i": pl.Int64(),
    "y": pl.Boolean(),
}


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(ROW, max_size=6))
def test_every_value_arrives_as_it_is(session: Connection, rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    session.execute("DROP TABLE IF EXISTS pg_temp.staged")
    session.execute(
        "CREATE TEMPORARY TABLE staged (t text, b bytea, f double precision, r real, i bigint, y boolean, n serial)"
    )
    with session.transaction(), session.cursor() as cursor:
        copy_into(cursor, "pg_temp.staged", lines_of(frame))
    found = session.execute(
        "SELECT t, b, f, CAST(r AS float8), i, y FROM pg_temp.staged ORDER BY n"
    ).fetchall()
    assert [list(map(_comparable, row)) for row in found] == [
        list(map(_comparable, row)) for row in frame.rows()
    ]


def _comparable(value: Any) -> Any:
    """NaN equals NaN, whose sign PostgreSQL does not keep; and minus zero is not zero."""
    if not isinstance(value, float) or math.isnan(value):
        return str(value)
    return math.copysign(1, value), str(value)
