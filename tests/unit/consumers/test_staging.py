"""Frames as lines of COPY."""

import polars as pl
import pytest

from consumers.staging import copy_text, lines_of


def lines(*values: object, kind: pl.DataType | None = None) -> bytes:
    return bytes(copy_text(pl.DataFrame({"a": pl.Series(values, dtype=kind)})))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", b"\n"),
        (None, b"\\N\n"),
        ("\\N", b"\\\\N\n"),
        ("\\.", b"\\\\.\n"),
        ("a\tb\nc\rd\\e", b"a\\tb\\nc\\rd\\\\e\n"),
        ('"quoted", and "more"', b'"quoted", and "more"\n'),
        ("Ä €", "Ä €\n".encode()),
        (" leading and trailing ", b" leading and trailing \n"),
    ],
)
def test_a_text_is_escaped_so_that_it_is_one_field(text: str | None, line: bytes) -> None:
    assert lines(text, kind=pl.String()) == line


def test_columns_are_separated_by_tabs_and_rows_by_lines() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [True, False]})
    assert bytes(copy_text(frame)) == b"1\tx\ttrue\n\\N\ty\tfalse\n"


def test_bytes_are_hexadecimal() -> None:
    assert lines(b"\0\\\n", None, b"", kind=pl.Binary()) == b"\\\\x005c0a\n\\N\n\\\\x\n"


def test_floats_keep_all_their_digits() -> None:
    values = (0.1, 1e23, 5e-324, -0.0, float("nan"), float("inf"), float("-inf"))
    found = lines(*values, kind=pl.Float64()).decode().split()
    assert [str(float(text)) for text in found] == [str(value) for value in values]


def test_no_rows_are_no_lines() -> None:
    assert bytes(copy_text(pl.DataFrame(schema={"a": pl.String, "b": pl.Int64}))) == b""


def test_a_column_without_any_value_does_not_travel() -> None:
    frame = pl.DataFrame({"key": [None, None], "a": [1, None], "b": [None, None]})
    lines = lines_of(frame)
    assert (lines.columns, bytes(lines.text)) == (("key", "a"), b"\\N\t1\n\\N\t\\N\n")
