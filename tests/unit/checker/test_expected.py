"""Which rows must wait, worked out from legacy keys."""

import polars as pl

from tests.checker.entity import Entity, reference
from tests.checker.expected import LIVE, PARKED, _one_of_each, _park_orphans

NODES = Entity(name="nodes", references={"parent_id": reference("nodes", "park")})
LEAVES = Entity(name="leaves", references={"node_id": reference("nodes", "park")})
LAX = Entity(name="lax", references={"node_id": reference("nodes", "null")})
CODES = Entity(name="codes", unique_by="upper_code")


def _rows(column: str, values: dict[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "legacy_key": list(values),
            "fate": LIVE,
            "id": [f"id of {key}" for key in values],
            column: list(values.values()),
        },
        schema_overrides={column: pl.String},
    )


def _parked(rows: pl.DataFrame) -> list[str]:
    return rows.filter(pl.col("fate") == PARKED)["legacy_key"].to_list()


def test_a_child_of_a_parked_parent_is_parked_however_deep() -> None:
    parents = {"a": None, "b": "a", "c": "gone", "d": "c", "e": "d"}
    frames = {
        "leaves": _rows("node_id", {"1": "b", "2": "e", "3": None}),
        "lax": _rows("node_id", {"1": "e"}),
        "nodes": _rows("parent_id", parents),
    }
    _park_orphans((LEAVES, LAX, NODES), frames)
    assert {name: _parked(rows) for name, rows in frames.items()} == {
        "nodes": ["c", "d", "e"],
        "leaves": ["2"],
        "lax": [],
    }


def test_a_ring_of_references_is_no_reason_to_wait() -> None:
    frames = {"nodes": _rows("parent_id", {"a": "b", "b": "a"})}
    _park_orphans((NODES,), frames)
    assert _parked(frames["nodes"]) == []


def test_of_rows_with_the_same_new_unique_key_the_one_that_the_target_let_in_is_right() -> None:
    rows = _rows("upper_code", {"1": "X", "2": "X", "3": "Y", "4": None, "5": None})
    assert _parked(_one_of_each(CODES, rows, None)) == ["2"]
    assert _parked(_one_of_each(CODES, rows, pl.Series(["2", "3"]))) == ["1"]
    both = _one_of_each(CODES, rows, pl.Series(["1", "2"]))
    assert _parked(both) == ["2"]
    assert "upper_code" not in both.columns
