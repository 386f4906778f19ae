"""The checker reads what is there, to the character."""

from tests.checker.database import read, read_frame, snapshot

# NULL, nothing, what looks like NULL or like the end of COPY, and every character that COPY escapes.
TEXTS = r"""
    SELECT n, value, value AS again FROM unnest(ARRAY[
        NULL, '', ' ', '\N', '\\N', '\.', '"', '"x"', ',', '#', 'NULL', E'\t', E'\n', E'\r', E'\r\n', E'\b\f\v',
        '\', '\\', '\t', E'\\\t', E'a\\\n', 'trailing ', E'end\\', 'Ä', '\x41', E'\x01\x7f', '🦷'
    ]) WITH ORDINALITY AS texts (value, n)
    -- a comment at the end""".encode()


def test_rows_in_columns_are_the_same_texts_as_rows(source_database: str) -> None:
    with snapshot(source_database) as source:
        frame = read_frame(source, TEXTS)
        rows = read(source, TEXTS)
    assert tuple(frame.columns) == rows.columns
    assert frame.rows() == rows.rows
    assert frame.height == 27


def test_no_rows_have_columns_too(source_database: str) -> None:
    with snapshot(source_database) as source:
        assert read_frame(source, b"SELECT 1 AS a, 2 AS b WHERE false").columns == ["a", "b"]
