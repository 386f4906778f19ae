"""The diagrams are XML, show every table once, and nothing stands upon anything else."""

from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest

from ops.document import detail, overview
from ops.document.documents import documents
from ops.document.model import Model
from ops.document.shapes import Box, document, link, text

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=["data-model.svg", "data-model-desk.svg", "data-model-people.svg"])
def drawing(request: pytest.FixtureRequest, model: Model) -> ET.Element:
    return ET.fromstring(documents(model)[request.param])  # noqa: S314 - our own text


def test_boxes_lie_within_the_page_and_apart(drawing: ET.Element) -> None:
    boxes = [rectangle(found) for found in with_class(drawing, "rect", "box")]
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    assert boxes
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    for one, other in combinations(boxes, 2):
        is_apart = (
            one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        )
        assert is_apart, (one, other)


def test_a_diagram_has_colours_for_the_dark(drawing: ET.Element) -> None:
    style = drawing.findtext(f"{SVG}style") or ""
    assert "@media (prefers-color-scheme: dark)" in style
    assert style.count("{") == style.count("}")


def test_the_whole_shows_every_target_table_in_its_domain(model: Model) -> None:
    texts = texts_of(overview.diagram(model))
    assert sorted(text for text in texts if text in {"doctors", "visits", "rooms"}) == [
        "doctors",
        "rooms",
        "visits",
    ]
    assert [text for text in texts if text in {"people", "desk", overview.NOBODY}] == [
        "people",
        "desk",
        overview.NOBODY,
    ]


def test_a_line_says_what_it_means_and_is_dashed_without_a_foreign_key(model: Model) -> None:
    desk = model.domains[1]
    assert lines(overview.diagram(model)) == {
        "visits (doctor_id; referrer) → doctors": False,
        "visits (follows_id) → visits": False,
    }
    assert lines(detail.diagram(model, desk, 0)) == {"visits (follows_id) → visits": False}


def test_a_domain_shows_columns_types_and_what_they_name(model: Model) -> None:
    texts = texts_of(detail.diagram(model, model.domains[1], 0))
    shown = dict(pairwise(texts))
    assert shown["price"] == "numeric(14,2)"
    assert shown["seen_at?"] == "timestamptz"
    assert "uuid → doctors" in texts


def test_tables_of_one_column_stand_below_each_other() -> None:
    places = [("new", "a"), ("new", "b")]
    cells = {place: [("id", "uuid")] * 5 for place in places}
    above, below = detail._boxes(cells, [places], 0).values()
    assert above.x == below.x
    assert above.y + above.height < below.y


def test_what_is_written_into_a_diagram_is_text() -> None:
    drawn = ET.fromstring(document(1, 1, "<a> & b", [text(0, 0, "<c> & d")]))  # noqa: S314
    assert drawn.findtext(f"{SVG}title") == "<a> & b"
    assert drawn.findtext(f"{SVG}text") == "<c> & d"


@pytest.mark.parametrize(
    ("child_column", "start", "tip"),
    [(1, "M200 65", "107 10"), (0, "M0 65", "-7 10"), (-1, "M-100 65", "-7 10")],
)
def test_a_line_leaves_towards_its_parent_or_goes_round_on_the_left(
    child_column: int, start: str, tip: str
) -> None:
    child, parent = box(child_column, y=50), box(0, y=0)
    drawn = ET.fromstring(link(child, parent, row="x", title="<x>", is_enforced=True))  # noqa: S314
    curve = drawn[1].attrib["d"]
    assert drawn[0].text == "<x>"
    assert curve.startswith(f"{start} ")
    assert curve.endswith(f" {tip}")


def test_a_table_that_refers_to_itself_has_a_line_that_can_be_seen() -> None:
    itself = box(0, y=0)
    drawn = ET.fromstring(link(itself, itself, row=None, title="", is_enforced=True))  # noqa: S314
    curve = drawn[1].attrib["d"]
    assert (curve.split(" ")[1], curve.split(" ")[-1]) == ("19", "1")


def box(column: int, y: float) -> Box:
    return Box(
        x=column * 200, y=y, width=100, height=20, column=column, colour=0, head=10, rows={"x": 15}
    )


def rectangle(found: ET.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(found.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def with_class(drawing: ET.Element, tag: str, name: str) -> list[ET.Element]:
    return [found for found in drawing.iter(f"{SVG}{tag}") if name in found.attrib["class"].split()]


def texts_of(drawing: str) -> list[str]:
    root = ET.fromstring(drawing)  # noqa: S314 - our own text
    return [found.text or "" for found in root.iter(f"{SVG}text")]


def lines(drawing: str) -> dict[str, bool]:
    """Whether each line is dashed, by what it says."""
    root = ET.fromstring(drawing)  # noqa: S314 - our own text
    return {
        group.findtext(f"{SVG}title") or "": "loose" in group[1].attrib["class"]
        for group in root.iter(f"{SVG}g")
    }
