"""The whole comparison of the clinic's two sides."""

from collections.abc import Mapping, Sequence

import polars as pl
import psycopg

from tests.checker.compare import (
    compare_money,
    compare_rows,
    shared_out,
    target_rows,
    unchecked_columns,
)
from tests.checker.database import snapshot
from tests.checker.entities import CLINIC
from tests.checker.entity import Entity
from tests.checker.expected import Born, Expected, expect
from tests.checker.mapping import Recorded, check_mapping, check_waiting, recorded, unaccounted
from tests.checker.references import check_references
from tests.checker.report import Counts, Report


def check(
    source_dsn: str,
    target_dsn: str,
    namespace: str,
    *,
    entities: Sequence[Entity] = CLINIC,
    born: Born | None = None,
    values: bool = False,
) -> Report:
    """Compare source and target; both must be at rest.

    Args:
        source_dsn: The legacy database.
        target_dsn: The new database, with its control schema.
        namespace: The pipeline's namespace.
        entities: What to compare; all that refer to each other.
        born: The UUIDs of rows that the target's applications made, by entity and legacy key, as these know them.
        values: Put row values into the report.
    """
    report = Report()
    with snapshot(source_dsn) as source, snapshot(target_dsn) as target:
        chosen = {
            entity.name: recorded(target, entity).live["legacy_key"]
            for entity in entities
            if entity.unique_by
        }
        expected = expect(source, entities, namespace, chosen, born)
        for table in dict.fromkeys(entity.target for entity in entities):
            sharing = [entity for entity in entities if entity.target == table]
            shares = {entity.name: expected.pop(entity.name) for entity in sharing}
            _check_table(report, target, sharing, shares, values=values)
        report.problems += check_references(target, "clinic")
    return report


def _check_table(
    report: Report,
    target: psycopg.Connection,
    sharing: Sequence[Entity],
    expected: Mapping[str, Expected],
    *,
    values: bool,
) -> None:
    """Compare one target table with the entities that share it; mostly it is one."""
    owners = [entity for entity in sharing if not entity.joins]
    columns = dict.fromkeys(column for entity in owners for column in expected[entity.name].columns)
    found = target_rows(target, owners[0].target, columns)
    shares = shared_out(found, owners, expected)
    report.problems += compare_money(target, owners, expected)
    for entity in owners:
        report.problems += unchecked_columns(target, entity, expected[entity.name])
    for entity in sharing:
        # What joins has no rows of its own: it may be in any.
        rows = shares.get(entity.name, found)
        said = recorded(target, entity)
        _check_entity(report, entity, expected[entity.name], said, rows, values=values)


def _check_entity(
    report: Report,
    entity: Entity,
    expected: Expected,
    said: Recorded,
    found: pl.DataFrame,
    *,
    values: bool,
) -> None:
    rows = [] if entity.joins else compare_rows(entity, expected, found, values=values)
    report.problems += [
        *rows,
        *check_mapping(entity, expected, said, found),
        *check_waiting(entity, expected, said),
    ]
    report.unaccounted += unaccounted(entity, expected, said, found)
    report.entities[entity.name] = Counts(
        rows_source=expected.rows.height,
        rows_target=0 if entity.joins else found.height,
        missing=sum(problem.kind == "missing" for problem in rows),
        extra=sum(problem.kind == "extra" for problem in rows),
        different=len({problem.key for problem in rows if problem.kind == "different"}),
        parked=len(said.parked),
        dead_letters=len(said.dead),
        excluded=len(said.excluded),
        merged=said.live.join(found, on="id", how="semi").height if entity.joins else 0,
    )
