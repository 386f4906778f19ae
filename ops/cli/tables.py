"""Tables for people that fit a terminal: words and numbers stay whole, and what has no room is left out. Pure."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

GAP = 2  # Between columns, as Rich pads them.
WORD_MAX = 40  # A UUID has 36; a key or a value that is longer is broken anyhow.

# A heading and the cells below it.
Column = Sequence[str]


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[Any]],
    width: int,
    spare: Sequence[str] = (),
    *,
    folds: bool = True,
) -> tuple[Table, list[str]]:
    """A table, and the headings of what it leaves out.

    Args:
        headings: Of all columns.
        rows: A cell for each; None is an empty one.
        width: Of the terminal, in characters.
        spare: Headings of columns that can be missed, the least important first; empty columns go before them.
        folds: Whether a cell may take several lines; otherwise its end is cut where nothing more can be left out.
    """
    columns = _columns(headings, rows)
    empty = [column[0] for column in columns if not any(column[1:])]
    left_out = []
    for heading in (*empty, *(one for one in spare if one in headings and one not in empty)):
        if _span(columns, folds=folds) <= width:
            break
        columns = [column for column in columns if column[0] != heading]
        if heading not in empty:
            left_out.append(heading)
    return _drawn(columns, width, folds=folds), left_out


def fits(headings: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> bool:
    """Whether all columns have room, with no word broken."""
    return _span(_columns(headings, rows), folds=True) <= width


def _columns(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    return list(zip(headings, *texts, strict=True))


def _span(columns: Sequence[Column], *, folds: bool) -> int:
    """The least width of all columns together."""
    least = map(_longest_word if folds else _longest, columns)
    return sum(least) + GAP * (len(columns) - 1)


def _drawn(columns: Sequence[Column], width: int, *, folds: bool) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    widths = _folded(columns, width) if folds else list(map(_longest, columns))
    for (heading, *_), wide in zip(columns, widths, strict=True):
        made.add_column(
            heading, width=wide, no_wrap=not folds, overflow="fold" if folds else "ellipsis"
        )
    for row in zip(*(column[1:] for column in columns), strict=True):
        made.add_row(*map(Text, row))
    return made


def _folded(columns: Sequence[Column], width: int) -> list[int]:
    """The width of each column: who can give the most gives first, and nobody less than its longest word."""
    widths, least = list(map(_longest, columns)), list(map(_longest_word, columns))
    while sum(widths) + GAP * (len(widths) - 1) > width:
        gives, at = max(
            (wide - word, at) for at, (wide, word) in enumerate(zip(widths, least, strict=True))
        )
        if gives <= 0:
            break
        widths[at] -= 1
    return widths


def _longest(column: Column) -> int:
    return max(cell_len(line) for text in column for line in text.splitlines() or [""])


def _longest_word(column: Column) -> int:
    return min(WORD_MAX, max(cell_len(word) for text in column for word in text.split() or [""]))
