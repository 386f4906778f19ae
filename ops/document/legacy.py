"""Which legacy column goes where: read from the rules, those inside SQL by their words. Pure."""

import re
from collections.abc import Iterator

from ops.document.model import Model
from ops.preflight.source_tables import read_columns
from schemas.entity import Entity
from schemas.rules import Ref, Sql
from schemas.table import Table

_COLUMNS = "columns."
_STRING = re.compile(r"'(?:[^']|'')*'")


def readers(entity: Entity, legacy: Table) -> dict[str, tuple[str, ...]]:
    """The target columns that are made from each legacy column; none of one that is kept in the original row alone.

    The key makes the UUID, and a condition (`where`, `[expect]`) makes nothing.
    """
    key = () if entity.joined else entity.key or legacy.key
    found: dict[str, dict[str, None]] = {column.name: {} for column in legacy.columns}
    for name in key:
        found.setdefault(name, {})[entity.id_column] = None
    for target, name in _read(entity, legacy):
        found.setdefault(name, {})[target] = None
    return {name: tuple(targets) for name, targets in found.items()}


def elsewhere(model: Model, entity: Entity) -> dict[str, tuple[str, ...]]:
    """What the other entities of the same legacy table make from each of its columns, as `entity.column`."""
    found: dict[str, list[str]] = {}
    for other in model.migration.entities.values():
        if other.source == entity.source and other.name != entity.name:
            for name, targets in readers(other, model.source_of(other)).items():
                found.setdefault(name, []).extend(f"{other.name}.{target}" for target in targets)
    return {name: tuple(targets) for name, targets in found.items()}


def _read(entity: Entity, legacy: Table) -> Iterator[tuple[str, str]]:
    """Target column and legacy column, for each that a rule names."""
    for key, name in read_columns(entity):
        if key.startswith(_COLUMNS):
            yield key.removeprefix(_COLUMNS), name
    for target, rule in entity.columns.items():
        expressions: tuple[str, ...] = ()
        match rule:
            case Sql():
                expressions = (rule.sql,)
            case Ref():
                expressions = (rule.sql or "", rule.when or "")
            case _:
                pass
        for column in legacy.columns:
            if any(mentions(expression, column.name) for expression in expressions):
                yield target, column.name


def mentions(expression: str, column: str) -> bool:
    """Whether an expression has a column's name as one of its words, outside of strings."""
    text = _STRING.sub(" ", expression).replace('""', '"')
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", text, re.IGNORECASE) is not None
