"""data-model-<domain>.svg: the tables of one domain with their columns. Pure."""

from collections.abc import Iterator, Mapping

from ops.document import shapes
from ops.document.model import Domain, Model, Place, Reference
from ops.document.shapes import Box
from schemas.table import Column, Table

ROW, BOX_HEAD, BOX_FOOT = 18.0, 26.0, 6.0
GAP_X, GAP_Y = 90.0, 22.0
MARGIN, HEAD, FOOT = 40.0, 48.0, 30.0
COLUMNS_MAX = 3  # A column of boxes is broken where it would be higher than such a part of all.
LEGEND = (
    "?: may be NULL. →: names a row of that table. Dashed: the target has no foreign key for it."
)
# As everybody writes them.
_SHORT = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "character varying": "varchar",
    "double precision": "float8",
}


def diagram(model: Model, domain: Domain, colour: int) -> str:
    """The picture of a domain."""
    tables = _tables(model, domain)
    references = [found for found in model.references if found.table in tables]
    cells = {
        place: [_cell(table, column, references) for column in table.columns]
        for place, table in tables.items()
    }
    boxes = _boxes(cells, _columns(model, tables), colour)
    width = max(box.x + box.width for box in boxes.values()) + MARGIN
    height = max(box.y + box.height for box in boxes.values()) + FOOT + GAP_Y
    title = f"{model.migration.pipeline.pipeline}: {domain.name}"
    parts = [
        shapes.text(MARGIN, 28, title, "title"),
        *_links(references, boxes),
        *(part for place, box in boxes.items() for part in _drawn(place, box, cells[place])),
        shapes.text(MARGIN, height - 14, LEGEND, "quiet"),
    ]
    return shapes.document(
        max(width, 2 * MARGIN + len(LEGEND) * shapes.CHARACTER), height, title, parts
    )


def _tables(model: Model, domain: Domain) -> dict[Place, Table]:
    """The tables in which the domain's entities have rows or columns, in the order of waves and names."""
    levels = model.migration.levels
    found: dict[Place, int] = {}
    for entity in domain.entities:
        place = entity.target.place
        owner = model.owners.get(place, entity)
        found[place] = levels[owner.name]
    return {
        place: model.targets[place].table
        for place, _ in sorted(found.items(), key=lambda item: (item[1], item[0]))
    }


def _cell(table: Table, column: Column, references: list[Reference]) -> tuple[str, str]:
    """What stands left and right in the row of a column."""
    kind = column.type
    for long, short in _SHORT.items():
        kind = kind.replace(long, short)
    parents = [
        f" → {found.parent[1]}"
        for found in references
        if found.table == (table.schema, table.name) and found.columns[-1] == column.name
    ]
    name = column.name + ("" if column.not_null else "?")
    return name, kind.removeprefix(f"{table.schema}.") + "".join(parents)


def _columns(model: Model, tables: Mapping[Place, Table]) -> list[list[Place]]:
    """The tables from left to right: a wave begins a column, and a high one is broken."""
    heights = {place: _height(len(table.columns)) + GAP_Y for place, table in tables.items()}
    limit = sum(heights.values()) / COLUMNS_MAX
    found: list[list[Place]] = []
    wave, height = 0, 0.0
    for place in tables:
        level = _level(model, place)
        if level != wave or height + heights[place] > limit:
            found.append([])
            wave, height = level, 0.0
        found[-1].append(place)
        height += heights[place]
    return found


def _level(model: Model, place: Place) -> int:
    owner = model.owners.get(place)
    return model.migration.levels[owner.name] if owner else 0


def _height(rows: int) -> float:
    return BOX_HEAD + rows * ROW + BOX_FOOT


def _boxes(
    cells: Mapping[Place, list[tuple[str, str]]], columns: list[list[Place]], colour: int
) -> dict[Place, Box]:
    found: dict[Place, Box] = {}
    x = MARGIN
    for number, places in enumerate(columns):
        longest = max(len(place[1]) for place in places)
        rows = max(len(left) + len(right) + 3 for place in places for left, right in cells[place])
        width, y = round(max(longest, rows) * shapes.CHARACTER + 20), HEAD
        for place in places:
            below = {
                left.rstrip("?"): BOX_HEAD + (row + 0.5) * ROW
                for row, (left, _) in enumerate(cells[place])
            }
            found[place] = Box(
                x=x,
                y=y,
                width=width,
                height=_height(len(cells[place])),
                column=number,
                colour=colour,
                head=BOX_HEAD / 2,
                rows=below,
            )
            y += _height(len(cells[place])) + GAP_Y
        x += width + GAP_X
    return found


def _links(references: list[Reference], boxes: Mapping[Place, Box]) -> Iterator[str]:
    for found in references:
        if found.parent in boxes:
            yield shapes.link(
                boxes[found.table],
                boxes[found.parent],
                row=found.columns[-1],
                title=f"{found.table[1]} ({', '.join(found.columns)}) → {found.parent[1]}",
                is_enforced=found.is_enforced,
            )


def _drawn(place: Place, box: Box, cells: list[tuple[str, str]]) -> Iterator[str]:
    yield shapes.rectangle(box.x, box.y, box.width, box.height, f"box stroke{box.colour}")
    yield shapes.rectangle(box.x, box.y, box.width, BOX_HEAD - 4, f"head fill{box.colour}")
    yield shapes.text(box.x + 10, box.y + 16, place[1], "name")
    for row, (left, right) in enumerate(cells):
        y = box.y + BOX_HEAD + row * ROW + 13
        yield shapes.text(box.x + 10, y, left)
        yield shapes.text(box.x + box.width - 10, y, right, "quiet", end=True)
