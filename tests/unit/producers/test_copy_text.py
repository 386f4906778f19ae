"""COPY text is taken apart exactly."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from producers import copy_text

Row = list[bytes | None]

ESCAPED = {
    b"\\": b"\\\\", b"\n": b"\\n", b"\t": b"\\t", b"\r": b"\\r",
    b"\b": b"\\b", b"\f": b"\\f", b"\v": b"\\v",
}  # fmt: skip
AWKWARD = st.lists(
    st.sampled_from([b"\\", b"\n", b"\t", b"\r", b"\b", b"\f", b"\v", b"N", b"n", b"x"])
)
VALUES = st.none() | AWKWARD.map(b"".join) | st.binary(max_size=5)


def as_copy_prints(value: bytes | None) -> bytes:
    if value is None:
        return rb"\N"
    return re.sub(rb"[\\\n\t\r\x08\f\v]", lambda match: ESCAPED[match[0]], value)


@settings(max_examples=50)
@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(VALUES, min_size=n, max_size=n), min_size=1)
    )
)
def test_any_values_come_back_in_columns(rows: list[Row]) -> None:
    block = b"".join(b"\t".join(map(as_copy_prints, row)) + b"\n" for row in rows)
    assert copy_text.columns(block, len(rows[0])) == [
        list(column) for column in zip(*rows, strict=True)
    ]


def test_case_111_an_empty_string_and_the_text_of_null_are_not_null() -> None:
    assert copy_text.columns(b"\t\\\\N\t\\N\n", 3) == [[b""], [rb"\N"], [None]]
