r"""Blocks of COPY text to columns, undoing its escapes exactly; pure.

A tab or a newline within a value is escaped, so splitting at the bare ones is exact. Escapes are
looked for only in blocks that have any, and a block whose only backslashes are those of NULL (`\N`;
a backslash of a value is doubled) needs nothing more than those.
Source: PostgreSQL manual, "COPY", text format.
"""

NULL = rb"\N"
_BACKSLASH = b"\\"
_ESCAPES = (
    (rb"\n", b"\n"),
    (rb"\t", b"\t"),
    (rb"\r", b"\r"),
    (rb"\b", b"\b"),
    (rb"\f", b"\f"),
    (rb"\v", b"\v"),
)

Column = list[bytes | None]


def columns(block: bytes, count: int) -> list[Column]:
    """Split whole lines into columns.

    Args:
        block: Lines, each with its newline.
        count: Columns of a line, at least one.
    """
    values: Column = [*block.replace(b"\n", b"\t").split(b"\t")]
    values.pop()  # What follows the last newline.
    split: list[Column] = [values[place::count] for place in range(count)]
    escapes = block.count(_BACKSLASH)
    if not escapes:
        return split
    plain = escapes == block.count(NULL)
    return [_with_nulls(column) if plain else _unescaped(column) for column in split]


def _with_nulls(column: Column) -> Column:
    if NULL not in column:
        return column
    return [None if value == NULL else value for value in column]


def _unescaped(column: Column) -> Column:
    return [
        value if value is None or _BACKSLASH not in value else _value(value) for value in column
    ]


def _value(text: bytes) -> bytes | None:
    """Between doubled backslashes, each backslash left begins an escape of its own."""
    if text == NULL:
        return None
    parts = text.split(rb"\\")
    if b"\\" in b"".join(parts):
        parts = [_without_escapes(part) for part in parts]
    return _BACKSLASH.join(parts)


def _without_escapes(part: bytes) -> bytes:
    for escape, character in _ESCAPES:
        part = part.replace(escape, character)
    return part
