"""A migration folder: understudy.toml and one file per entity, read, checked and put in order."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas import complaints, lines, names, sharing
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.pipeline import Pipeline, with_environment
from schemas.rules import Missing

PIPELINE_FILE = "understudy.toml"
ENTITY_FOLDER = "entities"
TARGET_FILE = "target.sql"  # Where `init` writes the tables that the target lacks.
_WANTED = "Name a migration folder, such as examples/clinic."
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A whole migration.

    Attributes:
        folder: Where it was read from.
        pipeline: understudy.toml with the environment laid over it.
        entities: By name, in alphabetical order.
        files: Where each entity's rules stand.
        waves: Groups of entities, parents before children; the members of one inner tuple refer to each other.
    """

    folder: Path
    pipeline: Pipeline
    entities: dict[str, Entity]
    files: dict[str, Path]
    waves: tuple[tuple[str, ...], ...]

    def topic(self, entity: Entity) -> str:
        """The data topic that an entity reads."""
        return entity.topic or names.topic(self.pipeline.pipeline, *entity.source.place)

    def domain(self, name: str) -> str:
        """The folder of an entity file below entities/, with slashes; empty if it is in none."""
        return "/".join(self.files[name].relative_to(self.folder / ENTITY_FOLDER).parts[:-1])

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
        folder: Holds understudy.toml and entities/, with the entity files in it or in folders below.
        environment: Usually `os.environ`.

    Raises:
        ConfigError: A file is missing, is not TOML, or has a key or value that nobody knows; names file, key, remedy;
            further ones of the same file are its notes.
    """
    _require_folder(folder)
    document = _toml(folder / PIPELINE_FILE)
    pipeline = _validated(Pipeline, with_environment(document, environment), folder / PIPELINE_FILE)
    files = _entity_files(folder / ENTITY_FOLDER)
    entities = {
        name: _validated(Entity, {**_toml(file), "name": name}, file)
        for name, file in files.items()
    }
    _check_refs(entities, files)
    sharing.check(entities, files)
    order = waves(entities)
    return Migration(folder=folder, pipeline=pipeline, entities=entities, files=files, waves=order)


def _require_folder(folder: Path) -> None:
    try:
        is_folder, is_there = folder.is_dir(), folder.exists()
    except OSError as error:
        raise ConfigError(
            f"the folder cannot be read: {error.strerror}", folder=folder, remedy=_WANTED
        ) from error
    if not is_there:
        raise ConfigError("the folder does not exist", folder=folder, remedy=_WANTED)
    if not is_folder:
        raise ConfigError(
            "a folder is wanted, not a file of it", file=folder, remedy=f"Name {folder.parent}."
        )


def _entity_files(folder: Path) -> dict[str, Path]:
    """The entity files by the names of their entities, in alphabetical order."""
    files: dict[str, Path] = {}
    for file in sorted(folder.rglob("*.toml"), key=lambda file: file.stem):
        if file.stem in files:
            raise ConfigError(
                f"there are two files of the entity {file.stem}, the other is {files[file.stem]}",
                file=file,
                remedy="Name one of them otherwise: an entity is called as its file is.",
            )
        files[file.stem] = file
    if not files:
        raise ConfigError(
            "there is no entity file",
            folder=folder,
            remedy="Write one TOML file per entity into it.",
        )
    return files


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "the file does not exist",
            file=file,
            remedy=_WANTED,
        ) from error
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", file=file) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not readable as TOML: {error}", file=file) from error


def _validated(model: type[Model], document: dict[str, Any], file: Path) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise complaints.complaint(error, model, file) from error


def _check_refs(entities: Mapping[str, Entity], files: Mapping[str, Path]) -> None:
    for entity in entities.values():
        for column, rule in entity.refs.items():
            if rule.ref not in entities:
                hint = complaints.did_you_mean(rule.ref, list(entities))
                raise ConfigError(
                    f"no entity is called {rule.ref}{hint}",
                    **lines.place(files[entity.name], f"columns.{column}.{rule.word}"),
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
