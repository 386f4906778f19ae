"""What the target must hold, worked out from the source alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.checker.database import Row, read
from tests.checker.entity import Entity, Missing
from tests.checker.identity import uuid5

QUERIES = Path(__file__).parent / "expected"
_LEADING = 3  # legacy_key, excluded, dead come before the target columns.


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What becomes of the rows of one legacy table; all by legacy key.

    Attributes:
        columns: The target columns without the id, in the order of the rows.
        live: Rows that the target must hold.
        ids: UUIDs of all legacy rows.
        parked: Rows that wait for a parent.
        dead: Rows that break a rule, with the rule.
        excluded: Rows that stay behind by rule.
    """

    columns: tuple[str, ...]
    live: dict[str, Row]
    ids: dict[str, str]
    parked: frozenset[str]
    dead: dict[str, str]
    excluded: frozenset[str]

    @property
    def keys(self) -> set[str]:
        """The legacy keys of all source rows."""
        return set(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """The rows of one entity, with legacy keys where the target has references."""

    entity: Entity
    columns: tuple[str, ...]
    candidates: dict[str, Row]
    dead: dict[str, str]
    excluded: frozenset[str]

    def column(self, name: str) -> int:
        return self.columns.index(name)


def expect(
    source: psycopg.Connection, entities: Sequence[Entity], namespace: str
) -> dict[str, Expected]:
    """Work out what becomes of every row of the source.

    Args:
        source: A connection of `snapshot`.
        entities: All that refer to each other.
        namespace: The namespace of the pipeline.
    """
    drafts = {entity.name: _draft(source, entity) for entity in entities}
    present = _present(drafts)
    return {name: _finish(draft, present, namespace) for name, draft in drafts.items()}


def _draft(source: psycopg.Connection, entity: Entity) -> _Draft:
    found = read(source, (QUERIES / f"{entity.name}.sql").read_bytes())
    columns = found.columns[_LEADING:]
    candidates: dict[str, Row] = {}
    dead: dict[str, str] = {}
    excluded = set()
    for key, is_excluded, reason, *values in found.rows:
        if key is None:
            message = f"{entity.name}: a legacy key is NULL"
            raise ValueError(message)
        if is_excluded == "t":
            excluded.add(key)
        elif reason is not None:
            dead[key] = reason
        else:
            candidates[key] = _converted(entity, columns, values)
    return _Draft(
        entity=entity,
        columns=columns,
        candidates=candidates,
        dead=dead,
        excluded=frozenset(excluded),
    )


def _converted(entity: Entity, columns: tuple[str, ...], values: list[str | None]) -> Row:
    if not entity.conversions:
        return tuple(values)
    conversions = entity.conversions
    return tuple(
        conversions[column](value) if column in conversions else value
        for column, value in zip(columns, values, strict=True)
    )


def _present(drafts: dict[str, _Draft]) -> dict[str, set[str]]:
    """The rows of each entity whose parents are all there, and their parents' parents."""
    present = {name: set(draft.candidates) for name, draft in drafts.items()}
    shrinking = True
    while shrinking:
        shrinking = False
        for name, draft in drafts.items():
            orphans = _orphans(draft, present)
            present[name] -= orphans
            shrinking = shrinking or bool(orphans)
    return present


def _orphans(draft: _Draft, present: dict[str, set[str]]) -> set[str]:
    orphans = set()
    for column, reference in draft.entity.references.items():
        if reference.missing is Missing.PARK:
            position = draft.column(column)
            parents = present[reference.parent]
            orphans |= {
                key
                for key in present[draft.entity.name]
                if (parent := draft.candidates[key][position]) is not None and parent not in parents
            }
    return orphans


def _finish(draft: _Draft, present: dict[str, set[str]], namespace: str) -> Expected:
    name = draft.entity.name
    live = {key: draft.candidates[key] for key in draft.candidates if key in present[name]}
    for column in draft.entity.references:
        live = _resolved(draft, column, live, present, namespace)
    return Expected(
        columns=draft.columns,
        live=live,
        ids=_ids(namespace, name, (*draft.candidates, *draft.dead, *draft.excluded)),
        parked=frozenset(draft.candidates.keys() - live.keys()),
        dead=draft.dead,
        excluded=draft.excluded,
    )


def _resolved(
    draft: _Draft, column: str, rows: dict[str, Row], present: dict[str, set[str]], namespace: str
) -> dict[str, Row]:
    """Replace the parents' legacy keys in one column by their UUIDs."""
    reference = draft.entity.references[column]
    position = draft.column(column)
    keys = {key for row in rows.values() if (key := row[position]) is not None}
    if reference.missing is not Missing.KEEP:
        keys &= present[reference.parent]
    ids = _ids(namespace, reference.parent, keys)
    return {
        key: (*row[:position], ids.get(row[position] or ""), *row[position + 1 :])
        for key, row in rows.items()
    }


def _ids(namespace: str, entity: str, keys: Iterable[str]) -> dict[str, str]:
    return {key: uuid5(namespace, f"{entity}:{key}") for key in keys}
