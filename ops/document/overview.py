"""data-model.svg: all tables of the target, a band for each domain, a column for each wave. Pure."""

from collections.abc import Iterator, Mapping

from ops.document import shapes
from ops.document.model import Model, Place
from ops.document.shapes import COLOURS, GREY, Box

BOX, STEP = 24.0, 32.0
GAP = 72.0  # Between two columns: room for the lines.
MARGIN, HEAD, FOOT = 24.0, 64.0, 30.0
BAND_HEAD, BAND_FOOT, BAND_GAP = 26.0, 6.0, 12.0
NOBODY = "written by no entity"
LEGEND = "A line leads from a table to the one that it refers to; dashed: the target has no foreign key for it."

Band = tuple[str, int, dict[int, list[Place]]]


def diagram(model: Model) -> str:
    """The whole picture."""
    bands, levels = _bands(model)
    boxes = _boxes(bands, levels)
    width = MARGIN + max(box.x + box.width for box in boxes.values()) + MARGIN
    height = HEAD + sum(_height(band) + BAND_GAP for band in bands) + FOOT
    title = f"The target of {model.migration.pipeline.pipeline}"
    parts = [
        shapes.text(MARGIN, 28, title, "title"),
        *_waves(levels, boxes),
        *_grounds(bands, width),
        *_links(model, boxes),
        *(part for place, box in boxes.items() for part in _drawn(place, box)),
        shapes.text(MARGIN, height - 14, LEGEND, "quiet"),
    ]
    return shapes.document(width, height, title, parts)


def _bands(model: Model) -> tuple[list[Band], list[int]]:
    """The domains with their tables by wave, and the waves that there are."""
    levels = model.migration.levels
    owners = model.owners
    bands: list[Band] = []
    for number, domain in enumerate(model.domains):
        cells: dict[int, list[Place]] = {}
        for entity in domain.entities:
            if owners.get(entity.target.place) is entity:
                cells.setdefault(levels[entity.name], []).append(entity.target.place)
        if cells:
            bands.append((domain.name, number % COLOURS, cells))
    found = sorted({level for _, _, cells in bands for level in cells})
    if model.unwritten:
        spread = {level: list(model.unwritten[at :: len(found)]) for at, level in enumerate(found)}
        bands.append((NOBODY, GREY, {level: places for level, places in spread.items() if places}))
    return bands, found


def _height(band: Band) -> float:
    return BAND_HEAD + STEP * max(map(len, band[2].values())) + BAND_FOOT


def _boxes(bands: list[Band], levels: list[int]) -> dict[Place, Box]:
    names = [place[1] for _, _, cells in bands for places in cells.values() for place in places]
    width = round(max(map(len, names)) * shapes.CHARACTER + 20)
    found, top = {}, HEAD
    for band in bands:
        _, colour, cells = band
        for level, places in cells.items():
            column = levels.index(level)
            for row, place in enumerate(sorted(places)):
                found[place] = Box(
                    x=2 * MARGIN + column * (width + GAP),
                    y=top + BAND_HEAD + row * STEP,
                    width=width,
                    height=BOX,
                    column=column,
                    colour=colour,
                    head=BOX / 2,
                    rows={},
                )
        top += _height(band) + BAND_GAP
    return found


def _waves(levels: list[int], boxes: Mapping[Place, Box]) -> Iterator[str]:
    for x in sorted({(box.x, box.column) for box in boxes.values()}):
        yield shapes.text(x[0], HEAD - 10, f"wave {levels[x[1]]}", "quiet")


def _grounds(bands: list[Band], width: float) -> Iterator[str]:
    top = HEAD
    for band in bands:
        height = _height(band)
        yield shapes.rectangle(MARGIN, top, width - 2 * MARGIN, height, "group")
        yield shapes.text(MARGIN + 10, top + 18, band[0], f"name fill{band[1]}")
        top += height + BAND_GAP


def _links(model: Model, boxes: Mapping[Place, Box]) -> Iterator[str]:
    """One line for all references of a table to another."""
    by_pair: dict[tuple[Place, Place], list[str]] = {}
    enforced: set[tuple[Place, Place]] = set()
    for reference in model.references:
        pair = (reference.table, reference.parent)
        by_pair.setdefault(pair, []).append(", ".join(reference.columns))
        if reference.is_enforced:
            enforced.add(pair)
    for pair, columns in sorted(by_pair.items()):
        table, parent = pair
        if table in boxes and parent in boxes:
            title = f"{table[1]} ({'; '.join(columns)}) → {parent[1]}"
            is_enforced = pair in enforced
            yield shapes.link(
                boxes[table], boxes[parent], row=None, title=title, is_enforced=is_enforced
            )


def _drawn(place: Place, box: Box) -> Iterator[str]:
    yield shapes.rectangle(box.x, box.y, box.width, box.height, f"box stroke{box.colour}")
    yield shapes.text(box.x + 10, box.y + 16, place[1])
