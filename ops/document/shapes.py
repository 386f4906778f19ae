"""The shapes of the diagrams as SVG: boxes, texts, and the lines between boxes. Pure.

Light or dark is the reader's choice (prefers-color-scheme); text stays text, so it can be searched and copied.
Source: SVG 2, "Paths"; Media Queries Level 5.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

CHARACTER = 7.3  # Width of one in the font below.
COLOURS = 6
GREY = COLOURS
ARROW = 7
BEND_MIN = 28.0
LOOP = 9  # A row that refers to its own table leaves so far below where it arrives.
_LIGHT = ("#1d4ed8", "#15803d", "#b45309", "#7c3aed", "#be185d", "#0f766e", "#64748b")
_DARK = ("#93c5fd", "#86efac", "#fcd34d", "#c4b5fd", "#f9a8d4", "#5eead4", "#94a3b8")
_STYLE = """\
text { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1e293b; }
.title { font-size: 15px; font-weight: bold; }
.name { font-weight: bold; }
.quiet { fill: #64748b; }
.page { fill: #ffffff; }
.group { fill: #f1f5f9; }
.box { fill: #ffffff; stroke-width: 1.3; }
.head { fill-opacity: 0.14; stroke: none; }
.line { fill: none; stroke-width: 1.3; stroke-opacity: 0.55; }
.loose { stroke-dasharray: 5 4; }
.link:hover .line { stroke-width: 3; stroke-opacity: 1; }
"""
_STYLE_DARK = """\
text { fill: #e2e8f0; }
.quiet { fill: #94a3b8; }
.page { fill: #0f172a; }
.group { fill: #1e293b; }
.box { fill: #0f172a; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A table's place in a diagram.

    Attributes:
        column: Counted from the left.
        colour: Of its domain, below COLOURS, or GREY.
        rows: How far below `y` each of its columns is, by name; all else is at `head`.
        head: How far below `y` lines to the table end.
    """

    x: float
    y: float
    width: float
    height: float
    column: int
    colour: int
    head: float
    rows: dict[str, float]

    def port(self, *, right: bool, row: str | None = None) -> tuple[float, float]:
        """Where a line begins or ends."""
        return (
            self.x + (self.width if right else 0),
            self.y + (self.rows.get(row, self.head) if row else self.head),
        )


def styles() -> str:
    """The style sheet."""
    return _STYLE + _coloured(_LIGHT) + _in_the_dark(_STYLE_DARK + _coloured(_DARK))


def _coloured(colours: Iterable[str]) -> str:
    return "".join(
        f".stroke{number} {{ stroke: {colour}; }} .fill{number} {{ fill: {colour}; }}\n"
        for number, colour in enumerate(colours)
    )


def _in_the_dark(rules: str) -> str:
    return f"@media (prefers-color-scheme: dark) {{\n{rules}}}\n"


def document(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole SVG file."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{styles()}</style>",
        rectangle(0, 0, width, height, "page"),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A rectangle; boxes have round corners."""
    corner = "" if kind == "page" else ' rx="5"'
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{kind}" {place}{corner}/>'


def text(x: float, y: float, content: str, kind: str = "", *, end: bool = False) -> str:
    """A line of text that begins, or ends, at x."""
    anchor = ' text-anchor="end"' if end else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:g}" y="{y:g}"{anchor}>{escape(content)}</text>'


def link(child: Box, parent: Box, *, row: str | None, title: str, is_enforced: bool) -> str:
    """The line from a table, or one of its columns, to the table that it refers to.

    It leaves towards its parent; where both stand in one column, it goes round on the left.
    """
    leaves_right, enters_right = parent.column > child.column, parent.column < child.column
    x1, y1 = child.port(right=leaves_right, row=row)
    x2, y2 = parent.port(right=enters_right)
    if (x1, y1) == (x2, y2):
        y1, y2 = y1 + LOOP, y2 - LOOP
    out, back = (1 if leaves_right else -1), (1 if enters_right else -1)
    bend = max(BEND_MIN, abs(x1 - x2) / 2)
    tip = x2 + back * ARROW
    curve = (
        f"M{x1:g} {y1:g} C{x1 + out * bend:g} {y1:g} {tip + back * bend:g} {y2:g} {tip:g} {y2:g}"
    )
    arrow = f"M{x2:g} {y2:g} l{back * ARROW:g} -4 v8 z"
    loose = "" if is_enforced else " loose"
    return (
        f'<g class="link"><title>{escape(title)}</title>'
        f'<path class="line stroke{parent.colour}{loose}" d="{curve}"/>'
        f'<path class="fill{parent.colour}" d="{arrow}"/></g>'
    )
