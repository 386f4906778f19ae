"""ops/docs/entity-files.md: its examples are entity files, and it leaves out no word."""

import re
import tomllib
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args

import pytest

from schemas.entity import Entity
from schemas.rules import RULES, Missing

PAGE = (Path(__file__).parents[3] / "ops" / "docs" / "entity-files.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def completed(text: str) -> dict[str, Any]:
    """An example as a whole file: what it does not say is filled in."""
    document = tomllib.loads(text)
    columns = document.get("columns", {})
    is_own = any("uuid" in rule or "join" in rule for rule in columns.values())
    identity = {} if is_own else {"id": {"uuid": True}}
    return {
        "source": "public.t",
        "target": "app.t",
        **document,
        "columns": {**identity, **columns},
    }


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_an_entity_file(text: str) -> None:
    Entity.model_validate(completed(text))


def test_every_key_rule_and_choice_has_an_example() -> None:
    shown = [Entity.model_validate(completed(text)) for text in EXAMPLES]
    keys = {key for entity in shown for key in entity.model_fields_set}
    assert keys == set(Entity.model_fields) - {"name"}
    rules = [rule for entity in shown for rule in entity.columns.values()]
    assert {type(rule) for rule in rules} == set(RULES)
    assert {rule.missing for entity in shown for rule in entity.refs.values()} == {None, *Missing}
    for kind in RULES:
        ours = [rule for rule in rules if type(rule) is kind]
        for name, field in kind.model_fields.items():
            choices = {word for word in get_args(field.annotation) if isinstance(word, str)}
            said = {str(getattr(rule, name)) for rule in ours}
            assert choices <= said, f"{kind.word}: {name}"
            fixed = field.annotation in (NoneType, Literal[Missing.PARK])
            assert fixed or any(name in rule.model_fields_set for rule in ours), (
                f"{kind.word}: {name}"
            )
