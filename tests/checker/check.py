"""The whole comparison of the clinic's two sides."""

from collections.abc import Sequence

import psycopg

from tests.checker.compare import compare_money, compare_rows, target_rows, unchecked_columns
from tests.checker.database import snapshot
from tests.checker.entities import CLINIC
from tests.checker.entity import Entity
from tests.checker.expected import Expected, expect
from tests.checker.mapping import check_mapping, check_waiting, recorded, unaccounted
from tests.checker.references import check_references
from tests.checker.report import Counts, Report


def check(
    source_dsn: str,
    target_dsn: str,
    namespace: str,
    *,
    entities: Sequence[Entity] = CLINIC,
    values: bool = False,
) -> Report:
    """Compare source and target; both must be at rest.

    Args:
        source_dsn: The legacy database.
        target_dsn: The new database, with its control schema.
        namespace: The pipeline's namespace.
        entities: What to compare; all that refer to each other.
        values: Put row values into the report.
    """
    report = Report()
    with snapshot(source_dsn) as source:
        expected = expect(source, entities, namespace)
    with snapshot(target_dsn) as target:
        for entity in entities:
            _check_entity(report, target, entity, expected[entity.name], values=values)
        report.problems += check_references(target, "clinic")
    return report


def _check_entity(
    report: Report, target: psycopg.Connection, entity: Entity, expected: Expected, *, values: bool
) -> None:
    found = target_rows(target, entity, expected.columns)
    said = recorded(target, entity)
    rows = compare_rows(entity, expected, found, values=values)
    report.problems += [
        *rows,
        *unchecked_columns(target, entity, expected),
        *compare_money(target, entity, expected),
        *check_mapping(entity, expected, said, set(found)),
        *check_waiting(entity, expected, said),
    ]
    report.unaccounted += len(unaccounted(expected, said, set(found)))
    report.entities[entity.name] = Counts(
        rows_source=len(expected.ids),
        rows_target=len(found),
        missing=sum(problem.kind == "missing" for problem in rows),
        extra=sum(problem.kind == "extra" for problem in rows),
        different=len({problem.key for problem in rows if problem.kind == "different"}),
        parked=len(said.parked),
        dead_letters=len(said.dead),
        excluded=len(said.excluded),
    )
