"""A migration folder: understudy.toml and one file per entity, read, checked and put in order."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas import complaints, names, sharing
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.pipeline import Pipeline, with_environment
from schemas.rules import Missing

PIPELINE_FILE = "understudy.toml"
ENTITY_FOLDER = "entities"
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A whole migration.

    Attributes:
        folder: Where it was read from.
        pipeline: understudy.toml with the environment laid over it.
        entities: By name, in alphabetical order.
        waves: Groups of entities, parents before children; the members of one inner tuple refer to each other.
    """

    folder: Path
    pipeline: Pipeline
    entities: dict[str, Entity]
    waves: tuple[tuple[str, ...], ...]

    def topic(self, entity: Entity) -> str:
        """The data topic that an entity reads."""
        return entity.topic or names.topic(self.pipeline.pipeline, *entity.source.place)

    def sharing(self, entity: Entity) -> tuple[str, ...]:
        """The entities that write the same target table, this one included."""
        return tuple(e.name for e in self.entities.values() if e.target == entity.target)

    @property
    def topics(self) -> dict[str, tuple[str, ...]]:
        """The names of the entities by topic."""
        found: dict[str, tuple[str, ...]] = {}
        for entity in self.entities.values():
            topic = self.topic(entity)
            found[topic] = (*found.get(topic, ()), entity.name)
        return found

    @property
    def levels(self) -> dict[str, int]:
        """How far down each entity is: 1 waits for nobody, 2 for some of 1, and so on; a ring is on one level."""
        found: dict[str, int] = {}
        for group in self.waves:
            above = {other for name in group for other in _waits_for(self.entities[name])}
            level = 1 + max((found[name] for name in above.difference(group)), default=0)
            found |= dict.fromkeys(group, level)
        return found

    def group_of(self, name: str) -> tuple[str, ...]:
        """The entities that refer to each other in a ring with this one, itself included."""
        return next(group for group in self.waves if name in group)

    def parents(self, name: str) -> tuple[str, ...]:
        """The entities that this one refers to, without itself, whatever their `missing`."""
        return tuple(sorted({rule.ref for rule in self.entities[name].refs.values()} - {name}))


def load(folder: Path, environment: Mapping[str, str]) -> Migration:
    """Read a migration folder.

    Args:
        folder: Holds understudy.toml and entities/*.toml.
        environment: Usually `os.environ`.

    Raises:
        ConfigError: A file is missing, is not TOML, or has a key or value that nobody knows; names file, key, remedy;
            further ones of the same file are its notes.
    """
    if folder.is_file():
        raise ConfigError(
            "a folder is wanted, not a file of it", file=folder, remedy=f"Name {folder.parent}."
        )
    document = _toml(folder / PIPELINE_FILE)
    pipeline = _validated(Pipeline, with_environment(document, environment), folder / PIPELINE_FILE)
    files = sorted((folder / ENTITY_FOLDER).glob("*.toml"))
    if not files:
        raise ConfigError(
            "there is no entity file",
            folder=folder / ENTITY_FOLDER,
            remedy="Write one TOML file per entity into it.",
        )
    entities = {
        file.stem: _validated(Entity, {**_toml(file), "name": file.stem}, file) for file in files
    }
    _check_refs(folder, entities)
    sharing.check(entities, folder / ENTITY_FOLDER)
    return Migration(folder=folder, pipeline=pipeline, entities=entities, waves=waves(entities))


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "the file does not exist",
            file=file,
            remedy="Name a migration folder, such as examples/clinic.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"not readable as TOML: {error}", file=file) from error


def _validated(model: type[Model], document: dict[str, Any], file: Path) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise complaints.complaint(error, model, file) from error


def _check_refs(folder: Path, entities: dict[str, Entity]) -> None:
    for entity in entities.values():
        for column, rule in entity.refs.items():
            if rule.ref not in entities:
                hint = complaints.did_you_mean(rule.ref, list(entities))
                raise ConfigError(
                    f"no entity is called {rule.ref}{hint}",
                    file=folder / ENTITY_FOLDER / f"{entity.name}.toml",
                    key=f"columns.{column}.{rule.word}",
                )


def waves(entities: Mapping[str, Entity]) -> tuple[tuple[str, ...], ...]:
    """Order entities so that parents come before children; rings stay together.

    Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) yields the strongly connected groups
    with what they refer to first. References with missing = "keep" wait for nobody and do not count.
    """
    edges = {name: sorted(_waits_for(entity)) for name, entity in sorted(entities.items())}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[tuple[str, ...]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            groups.append(tuple(sorted(stack[at:])))
            del stack[at:]

    for name in edges:
        if name not in index:
            visit(name)
    return tuple(groups)


def _waits_for(entity: Entity) -> set[str]:
    return {rule.ref for rule in entity.refs.values() if rule.missing is not Missing.KEEP}
