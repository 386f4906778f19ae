"""The rules of an entity file in words that a person reads, as Markdown. Pure."""

from consumers.compilation import effective_missing
from ops.document.markdown import code, codes
from ops.document.model import Model
from schemas.entity import Entity
from schemas.rules import (
    AnyRule,
    Constant,
    Copy,
    Default,
    Join,
    Json,
    Missing,
    Python,
    Ref,
    Sql,
    Timezone,
    Uuid,
    Values,
)

_MISSING = {
    Missing.PARK: "waits for it",
    Missing.KEEP: "written whether it is there or not",
    Missing.NULL: "NULL until it is there",
    Missing.STUB: "an empty one is made where it is missing",
    Missing.DEAD_LETTER: "a dead letter without it",
}
_OTHERWISE = {
    "keep": "any other as it is",
    "null": "any other NULL",
    "dead-letter": "any other is a dead letter",
}
_GAP = {"shift": "is shifted", "dead-letter": "is a dead letter"}
_OVERLAP = {
    "first": "the first of the two",
    "second": "the second of the two",
    "dead-letter": "a dead letter",
}


def made_from(model: Model, entity: Entity, column: str) -> str:
    """What a target column is made from."""
    rule = entity.columns[column]
    match rule:
        case Uuid():
            key = entity.key or model.source_of(entity).key
            return f"UUID of this row, from its legacy key {codes(key)}"
        case Join():
            return (
                f"UUID of the row of {code(rule.ref)} that {codes(rule.columns)} names (waits for it), "
                "to which this row adds its columns"
            )
        case Ref():
            return _reference(rule, effective_missing(rule, column, model.target_of(entity)))
        case _:
            return _value(rule)


def _reference(rule: Ref, missing: Missing) -> str:
    key = f"the expression {code(rule.sql)}" if rule.sql else codes(rule.columns)
    named = f"UUID of the row of {code(rule.ref)} that {key} names ({_MISSING[missing]})"
    if not rule.by:
        return named
    return f"{named}; where {code(rule.when)}, it names the row by its {code(rule.by)}"


def _value(rule: AnyRule) -> str:
    match rule:
        case Copy():
            text = f"copy of {code(rule.source)}"
        case Default():
            text = f"copy of {code(rule.source)}, {code(rule.default)} where it is NULL"
        case Constant():
            text = f"always {code(rule.constant)}"
        case Values():
            pairs = ", ".join(code(f"{old}={new}") for old, new in rule.values.items())
            text = f"code {code(rule.source)}: {pairs}; {_OTHERWISE[rule.otherwise]}"
        case Sql():
            text = f"SQL expression {code(rule.sql)}"
        case Timezone():
            text = (
                f"local time {code(rule.source)} of {rule.timezone}; a skipped hour {_GAP[rule.gap]}, "
                f"of a repeated one {_OVERLAP[rule.overlap]}"
            )
        case Python():
            text = f"function {code(rule.python)} of {code(rule.source)}"
        case Json():
            text = f"JSON object of {codes(rule.json_columns)}"
        case _:
            text = code(rule.word)
    return text
