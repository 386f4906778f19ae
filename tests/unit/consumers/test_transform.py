"""The rules that are computed in columns."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from consumers.identity import Identity
from consumers.transform import Transform
from schemas.errors import ConfigError, RecordError
from tests.unit.consumers.planned import LEGACY, NAMESPACE, plan

KINDS = {
    "bigint": pl.Int64(),
    "text": pl.String(),
    "smallint": pl.Int32(),
    "real": pl.Float32(),
    "boolean": pl.Boolean(),
}
SCHEMA = {"__op": pl.String()} | {name: KINDS[kind] for name, kind in LEGACY.items()}
RULES = """
def upper(values):
    return [value and value.upper() for value in values]

def strict(values):
    return [value.upper() for value in values]

def too_few(values):
    return values[1:]

def numbers(values):
    return [1 for value in values]
"""


def derived(
    column: str, rule: dict[str, Any], *rows: dict[str, Any], folder: Path = Path()
) -> tuple[list[Any], list[Any]]:
    """The values of a target column, and the column at fault, of each row."""
    compiled = plan({column: rule})
    identities = {name: Identity(NAMESPACE, name) for name in ("orders", "doctors")}
    frame = pl.DataFrame([{"__op": "u"} | row for row in rows], schema=SCHEMA)
    found = Transform(compiled, identities, folder).derive(frame)
    return found[compiled.derived[0].name].to_list(), found["__fault"].to_list()


def test_codes_are_translated_and_an_unknown_one_is_at_fault() -> None:
    rule = {"from": "status", "values": {"0": "draft", "1": "sent"}}
    rows = ({"status": 0}, {"status": 1}, {"status": 2}, {"status": None})
    assert derived("status", rule, *rows) == (
        ["draft", "sent", None, None],
        [None, None, "status", None],
    )


@pytest.mark.parametrize(("other", "value"), [("keep", "2"), ("null", None)])
def test_else_says_what_becomes_of_an_unknown_code(other: str, value: str | None) -> None:
    rule = {"from": "status", "values": {"0": "draft"}, "else": other}
    rows = ({"status": 0}, {"status": 2}, {"status": None})
    assert derived("status", rule, *rows) == (["draft", value, None], [None] * 3)


def test_a_table_of_codes_may_yield_numbers_and_booleans() -> None:
    rule = {"from": "done", "values": {"true": 1, "false": 0}}
    assert derived("number", rule, {"done": True}, {"done": False})[0] == ["1", "0"]


def test_columns_are_kept_as_json_of_texts() -> None:
    row = {"name": 'a "b"', "status": 3, "ratio": 0.1, "done": None}
    values, _ = derived("name", {"json": ["status", "name", "ratio", "done"]}, row)
    assert values == ['{"status":3,"name":"a \\"b\\"","ratio":"0.1","done":null}']


def test_a_reference_is_the_uuid_that_the_parent_has() -> None:
    values, _ = derived(
        "doctor_id", {"ref": "doctors", "from": "doctor"}, {"doctor": 5}, {"doctor": None}
    )
    assert values == [Identity(NAMESPACE, "doctors").one("5"), None]


def python(tmp_path: Path, function: str, *rows: dict[str, Any]) -> list[Any]:
    (tmp_path / "rules.py").write_text(RULES)
    rule = {"from": "name", "python": f"rules:{function}"}
    return derived("name", rule, *rows, folder=tmp_path)[0]


def test_a_python_rule_is_called_with_a_list_of_texts(tmp_path: Path) -> None:
    assert python(tmp_path, "upper", {"name": "a"}, {"name": None}) == ["A", None]


def test_a_python_rule_does_not_see_deleted_rows(tmp_path: Path) -> None:
    rows = ({"name": None, "__op": "d"}, {"name": "a"}, {"name": None, "__op": "d"})
    assert python(tmp_path, "strict", *rows) == [None, "A", None]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("strict", "the Python rule failed with AttributeError"),
        ("too_few", "the Python rule returned more or fewer values than it got"),
        ("numbers", "the Python rule failed with TypeError"),
    ],
)
def test_a_python_rule_that_fails_is_an_error_of_the_record(
    tmp_path: Path, function: str, message: str
) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        python(tmp_path, function, {"name": None})
    assert caught.value.context["column"] == "name"


def test_a_module_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("import no_such_module_of_anybody")
    with pytest.raises(ConfigError, match="cannot be imported: ModuleNotFoundError"):
        derived("name", {"from": "name", "python": "rules:upper"}, folder=tmp_path)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("nowhere:f", "the module of a Python rule does not exist .*looked_for=/.*/nowhere.py"),
        ("rules:nothing", "the function of a Python rule does not exist"),
    ],
)
def test_a_python_rule_that_is_not_there_is_a_config_error(
    tmp_path: Path, rule: str, message: str
) -> None:
    (tmp_path / "rules.py").write_text(RULES)
    with pytest.raises(ConfigError, match=message):
        derived("name", {"from": "name", "python": rule}, folder=tmp_path)


@pytest.mark.parametrize("other", ["keep", "dead-letter"])
def test_blanks_at_the_end_of_a_padded_code_mean_nothing(other: str) -> None:
    compiled = plan(
        {"status": {"from": "kind", "values": {"A": "open", "B  ": "paid"}, "else": other}},
        legacy={"kind": "character(3)"},
    )
    codes = ["A  ", "B  ", " A ", None]
    frame = pl.DataFrame({"__op": ["u"] * 4, "kind": codes})
    found = Transform(compiled, {}, Path()).derive(frame)
    unknown = (" A", None) if other == "keep" else (None, "status")
    assert found["__0"].to_list() == ["open", "paid", unknown[0], None]
    assert found["__fault"].to_list() == [None, None, unknown[1], None]
