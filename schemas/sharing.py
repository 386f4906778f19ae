"""Entities that share a legacy table or a target table, and whether they may. Pure."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.lines import place


def check(entities: Mapping[str, Entity], files: Mapping[str, Path]) -> None:
    """Refuse entities that would write each other's rows, or read one table from two topics.

    Args:
        entities: By name; every reference is to one of them.
        files: Of the entities, by name.

    Raises:
        ConfigError: Names file, key and remedy.
    """
    for entity in entities.values():
        for column, rule in entity.refs.items():
            parent = entities[rule.ref]
            if rule.by and (parent.merge or parent is entity):
                raise _error(
                    files,
                    entity,
                    f"columns.{column}.by",
                    f"{parent.name} cannot be looked up: "
                    + (
                        "its table has rows of others"
                        if parent.merge
                        else "it is the entity itself"
                    ),
                    "Write { sql = ... } that yields the key.",
                )
            if parent.joined:
                raise _error(
                    files,
                    entity,
                    f"columns.{column}",
                    f"{parent.name} has no rows of its own: they are those of {parent.joined}",
                    f"Name {parent.joined}.",
                )
        if entity.joined and entities[entity.joined].target != entity.target:
            raise _error(
                files,
                entity,
                "target",
                f"{entity.joined} writes another table, {entities[entity.joined].target}",
                "Write the same target in both files.",
            )
    for entity, other in combinations(entities.values(), 2):
        if entity.target == other.target:
            _check_target(entity, other, files)
        if entity.source == other.source and entity.topic != other.topic:
            raise _error(
                files,
                other,
                "topic",
                f"{other.source} is also the source of {entity.name}, with another topic",
                "Write the same topic in both files, or in none.",
            )


def _check_target(entity: Entity, other: Entity, files: Mapping[str, Path]) -> None:
    """Two entities write one table: rows of their own, or other columns of the same rows."""
    if entity.id_column != other.id_column:
        raise _error(
            files,
            other,
            f"columns.{other.id_column}",
            f"{entity.name} writes the same table, and its rows are known by {entity.id_column}",
            f"Name the UUID {entity.id_column} in both files.",
        )
    of_one_row = {entity.joined or entity.name, other.joined or other.name}
    if len(of_one_row) == 1:
        both = sorted((entity.columns.keys() & other.columns.keys()) - {entity.id_column})
        if both:
            raise _error(
                files,
                other,
                f"columns.{both[0]}",
                f"{entity.name} writes the same column of the same rows",
                "Leave the column to one of them.",
            )
    elif not (entity.joined or entity.merge) or not (other.joined or other.merge):
        raise _error(
            files,
            other,
            "target",
            f"{other.target} is already the target of {entity.name}",
            'If each has rows of its own there, write merge = "union" in both files; if one adds columns to the '
            "rows of the other, let its UUID be a `join`; otherwise give each a target table of its own.",
        )


def _error(
    files: Mapping[str, Path], entity: Entity, key: str, what: str, remedy: str
) -> ConfigError:
    return ConfigError(what, **place(files[entity.name], key), remedy=remedy)
