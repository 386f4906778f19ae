import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from ops.document import coverage, data_model
from ops.document.documents import documents
from ops.document.legacy import mentions
from ops.document.model import Model
from ops.document.wording import made_from
from schemas.entity import ColumnRule
from schemas.rules import RULES
from tests.unit.ops.document.modelled import model_of

RULE_TEXTS: list[tuple[dict[str, Any] | str, str]] = [
    ("x", "copy of `x`"),
    ({"uuid": True}, "UUID of this row, from its legacy key `id`, `part`"),
    (
        {"join": "doctors", "from": "dr"},
        "UUID of the row of `doctors` that `dr` names (waits for it), to which this row adds its columns",
    ),
    (
        {"ref": "doctors", "from": ["a", "b"], "missing": "stub"},
        "UUID of the row of `doctors` that `a`, `b` names (an empty one is made where it is missing)",
    ),
    (
        {"ref": "doctors", "from": "dr", "by": "name", "when": "rel > 2"},
        "UUID of the row of `doctors` that `dr` names (waits for it); where `rel > 2`, it names the row by its `name`",
    ),
    (
        {"ref": "doctors", "sql": "dr::text", "missing": "keep"},
        "UUID of the row of `doctors` that the expression `dr::text` names (written whether it is there or not)",
    ),
    (
        {"from": "c", "values": {"0": "draft", "1": True}, "else": "keep"},
        "code `c`: `0=draft`, `1=True`; any other as it is",
    ),
    ({"sql": "a |\n  b"}, r"SQL expression `a \| b`"),
    (
        {"from": "t", "timezone": "UTC", "overlap": "dead-letter"},
        "local time `t` of UTC; a skipped hour is a dead letter, of a repeated one a dead letter",
    ),
    ({"from": "t", "python": "m:f"}, "function `m:f` of `t`"),
    ({"constant": "EUR"}, "always `EUR`"),
    ({"from": "a", "default": 0}, "copy of `a`, `0` where it is NULL"),
    ({"json": ["a", "b"]}, "JSON object of `a`, `b`"),
]


@pytest.mark.parametrize(("rule", "words"), RULE_TEXTS)
def test_a_rule_is_told_in_words(rule: dict[str, Any] | str, words: str, model: Model) -> None:
    visits = model.migration.entities["visits"]
    ruled = visits.model_copy(
        update={"columns": {**visits.columns, "x": TypeAdapter(ColumnRule).validate_python(rule)}}
    )
    assert made_from(model, ruled, "x") == words


def test_every_rule_has_words() -> None:
    told = {type(TypeAdapter(ColumnRule).validate_python(rule)) for rule, _ in RULE_TEXTS}
    assert told == set(RULES)


def test_the_same_input_gives_the_same_bytes_however_the_catalogs_list_it(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    one = documents(model_of(tmp_path / "a"))
    other = documents(model_of(tmp_path / "b", backwards=True))
    assert one == other
    assert "/a" not in "".join(other)


def test_references_are_in_an_order_of_names(model: Model) -> None:
    """Two processes see a set of texts in two orders."""
    found = [(it.table[1], it.columns, it.parent[1], it.is_enforced) for it in model.references]
    assert found == [
        ("visits", ("doctor_id",), "doctors", True),
        ("visits", ("follows_id",), "visits", True),
        ("visits", ("referrer",), "doctors", False),
    ]


def test_the_data_model_says_what_each_column_is_made_from_and_why(model: Model) -> None:
    lines = section(data_model.page(model), "### doctors")
    assert 'Those who treat: "#" is no comment here.' in lines
    assert "| `name` | text | no | copy of `name`<br>*As on the door.* |  |" in lines
    assert "| `title` | text | yes | no rule: NULL, until `titles` fills it |  |" in lines
    assert "| `born` | date | yes | no rule: NULL |  |" in lines
    assert "- unique `name` (`doctors_name`)" in lines
    assert (
        "- excluded: rows of which `status <> '# gone'` is not true; *they left before we came*"
        in lines
    )


def test_the_data_model_says_where_each_legacy_column_goes(model: Model) -> None:
    page = data_model.page(model)
    doctors, visits = section(page, "### doctors"), section(page, "### visits")
    assert "| `titel` | text | yes | `titles.title` |" in doctors
    assert r"| `fax` | text | yes | *the original row only*<br>&lt;nobody> calls \| it |" in doctors
    titles = section(page, "### titles")
    assert "| `arzt` | integer | yes | `id` |" in titles
    assert (
        "| `nr` | integer | no | `doctors.id` |" in titles
    )  # Of the row that it joins, not of its own.
    assert "| `referred` | text | yes | `referrer` |" in visits
    assert "| `dr` | integer | yes | `doctor_id` |" in visits  # Not the 'dr' in the expression.
    assert "- dead letter, by expectation `price`: rows of which `cents >= 0` is false" in visits
    assert "- check `price >= 0`" in visits
    assert "the account adds up its amounts for each `doctor_id`." in visits[2]


def test_what_is_not_kept_anywhere_is_said(model: Model) -> None:
    entities = dict(model.migration.entities)
    entities["visits"] = entities["visits"].model_copy(update={"originals": False})
    changed = replace(model, migration=replace(model.migration, entities=entities))
    assert "| `blob` | bytea | yes | *nowhere* |" in data_model.page(changed)
    assert "`blob` (originals are not kept)" in coverage.page(changed)


def test_the_coverage_names_what_no_entity_covers(model: Model) -> None:
    page = coverage.page(model)
    assert "Legacy tables that no entity reads: `public.old_log`." in page
    assert "Target tables that no entity writes: `new.rooms`." in page
    assert "| `new.doctors` | `born` (NULL) |" in page
    assert "| in all | 3 | 16 | 13 |" in page


def test_the_coverage_says_by_which_rules_rows_may_stay_behind(model: Model) -> None:
    rows = {
        cells[2].split(" ")[0]: cells
        for line in coverage.page(model).splitlines()
        if len(cells := re.split(r" ?(?<!\\)\| ?", line)) > 8
    }
    doctors, visits, titles = (rows[f"`{name}`"] for name in ("doctors", "visits", "titles"))
    assert doctors[3:5] == ["3 of 7", "`status`, `fax`"]
    assert doctors[7] == "excluded by `where`; parked by unique `doctors_name`"
    assert visits[5:7] == ["`doctors`, `visits`", "3 ref, 1 sql, 1 timezone, 1 uuid"]
    assert (
        visits[7] == "dead letters by `expect` `price`; dead letters by the rules of `follows_id`"
    )
    assert titles[7] == "parked by `id`"


@pytest.mark.parametrize(
    ("expression", "column", "is_mentioned"),
    [
        ("total_cents / 100", "cents", False),
        ("CENTS / 100", "cents", True),
        ('"Odd ""Name""" || x', 'Odd "Name"', True),
        ("kind = 'it''s dr'", "dr", False),
    ],
)
def test_an_expression_mentions_a_column_as_a_word_outside_of_strings(
    expression: str,
    column: str,
    is_mentioned: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert mentions(expression, column) is is_mentioned


def section(page: str, heading: str) -> list[str]:
    lines = page.splitlines()
    start = lines.index(heading)
    ends = [at for at in range(start + 1, len(lines)) if lines[at].startswith("##")]
    return lines[start : min(ends, default=len(lines))]
