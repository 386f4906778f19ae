"""What an entity cannot change once it has rows: namespace, name, source and target decide which rows are its own."""

from collections.abc import Collection, Sequence
from uuid import UUID

import psycopg

from consumers.columns import file_of
from consumers.conversion import ident
from consumers.identity import Identity
from consumers.plan import mapping_of
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.migration import PIPELINE_FILE

Connection = psycopg.Connection[tuple[object, ...]]

_TARGETS = """
SELECT entity, target FROM understudy.entities
WHERE generation = understudy.generation(entity) AND entity = ANY(%s) ORDER BY entity"""
_KNOWN = "SELECT DISTINCT entity FROM understudy.entities ORDER BY entity"
_REMEDY = "Change it back; or drop the pipeline, empty its target tables, and run it again."


def check(connection: Connection, namespace: UUID, entities: Sequence[Entity]) -> None:
    """Refuse entities whose rows were written under another identity.

    Args:
        connection: To the target, whose control schema is there.
        namespace: Of the pipeline.
        entities: As their files say now.

    Raises:
        ConfigError: The rows of one of them would get other UUIDs, or lie in another table.
    """
    by_name = {entity.name: entity for entity in entities}
    for name, target in connection.execute(_TARGETS, [list(by_name)]).fetchall():
        entity = by_name[str(name)]
        row = connection.execute(_row_of(entity).encode(), [entity.name]).fetchone()
        if row is None:
            continue
        key, uuid, source = map(str, row)
        _compare(entity, "target", str(entity.target), str(target))
        _compare(entity, "source", str(entity.source), source)
        if not entity.joined:
            _compare(entity, "namespace", Identity(namespace, entity.name).one(key), UUID(uuid).hex)


def require_files(connection: Connection, entities: Collection[str]) -> None:
    """Refuse a folder that lacks the file of an entity whose rows are in the target: nobody would keep them up.

    Raises:
        ConfigError: A file is gone.
    """
    for (name,) in connection.execute(_KNOWN).fetchall():
        if name not in entities:
            raise ConfigError(
                "an entity has no file any more, and its rows are in the target",
                entity=name,
                remedy="Put its file back. To leave it out, drop the pipeline and run it again.",
            )


def _row_of(entity: Entity) -> str:
    """Any row of an entity that got its UUID by rule."""
    return f"""
    SELECT m.legacy_key, m.id, m.source FROM {ident(*mapping_of(entity))} m
    WHERE m.generation = 1 AND m.legacy_key NOT IN (
        SELECT o.legacy_key FROM understudy.identity_overrides o WHERE o.entity = %s)
    LIMIT 1"""


def _compare(entity: Entity, what: str, now: str, before: str) -> None:
    if now != before:
        is_theirs = what == "namespace"
        raise ConfigError(
            f"the {what} is not the one that the entity's rows were written with",
            file=PIPELINE_FILE if is_theirs else file_of(entity),
            key=what,
            **({} if is_theirs else {"written_with": before}),
            remedy=_REMEDY,
        )
