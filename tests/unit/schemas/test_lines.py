"""The line of a key, for the reader of an error."""

from pathlib import Path

import pytest

from schemas.lines import line_of, place

TEXT = """source = "public.orders"
target = "shop.orders"

[columns]
id        = { uuid = true }
"Odd one" = "odd"
doctor_id = {
    ref = "doctors", from = "dr" }

[expect]
total = "total >= 0"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("source", 1),
        ("columns", 4),
        ("columns.id", 5),
        ("columns.id.uuid", 5),
        ("columns.Odd one", 6),
        ("columns.doctor_id.ref", 7),
        ("columns.missing", 4),
        ("expect.total", 11),
        ("key", None),
    ],
)
def test_a_key_is_found_or_what_is_around_it(key: str, line: int | None) -> None:
    assert line_of(TEXT, key) == line


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert place(tmp_path / "orders.toml", "source") == {
        "file": tmp_path / "orders.toml",
        "key": "source",
    }
