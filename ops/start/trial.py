"""`understudy try`: some legacy rows through the rules, and nothing written.

Rules, identity, SQL and staging are those of the apply. The target's part is one transaction that is rolled back, with
temporary tables; whether a parent is there is asked of the source, for the target may be empty.
"""

import enum
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl
import psycopg

from consumers import compare_sql, images, judge
from consumers.plan import EntityPlan
from consumers.refusal import is_of_a_record
from consumers.stage import Stage
from ops import databases
from ops.databases import Connection, first_line
from ops.preflight import source_tables
from ops.preflight.expressions import provide_control
from ops.proof import source_rows
from ops.proof.plans import Plans
from ops.stack.state import Endpoints
from ops.start import orphans
from schemas.errors import RecordError
from schemas.migration import Migration
from schemas.rules import Ref, Sql
from schemas.table import Table

APPLICATION = "try"
Cursor = psycopg.Cursor[tuple[object, ...]]
Texts = dict[str, str | None]


class Verdict(enum.StrEnum):
    """What would become of a row; the worst comes first."""

    REFUSED = "refused"
    WAITS = "waits"
    EXCLUDED = "excluded"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A legacy row and what the rules make of it.

    Attributes:
        why: In a sentence; empty where it goes in.
        source: By legacy column.
        target: By target column; empty where there is no such row.
    """

    key: str
    verdict: Verdict
    source: Mapping[str, object]
    target: Texts = field(default_factory=dict)
    why: str = ""

    def as_json(self) -> dict[str, object]:
        """For `--output json`."""
        return {
            "key": self.key,
            "verdict": self.verdict.value,
            "why": self.why or None,
            "source": dict(self.source),
            "target": self.target or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityTrial:
    """The rows of one entity that were tried.

    Attributes:
        rows: The worst first.
        origins: The legacy columns that each target column is made of.
    """

    entity: str
    source: str
    target: str
    rows: Sequence[Row]
    origins: Mapping[str, Sequence[str]]

    def count(self, verdict: Verdict) -> int:
        """Rows with this verdict."""
        return sum(row.verdict is verdict for row in self.rows)

    def as_json(self) -> dict[str, object]:
        """For `--output json`."""
        return {
            "entity": self.entity,
            "source": self.source,
            "target": self.target,
            **{verdict.value: self.count(verdict) for verdict in Verdict},
            "rows": [row.as_json() for row in self.rows],
        }


def take(
    migration: Migration, at: Endpoints, names: Sequence[str], count: int
) -> Iterator[EntityTrial]:
    """Try some rows of each entity, in the order of `names`.

    Args:
        migration: The rules as they are in the folder.
        at: Where the servers are; nothing has to run.
        names: Of the entities.
        count: Rows of each, picked at random, about.

    Raises:
        SourceError: A legacy table does not exist, or cannot be read.
        TargetError: A target table does not exist.
        ConfigError: The rules do not fit the tables.
    """
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
        target.transaction(force_rollback=True),
    ):
        provide_control(target, migration, list(migration.entities))
        parents = {parent for name in names for parent in migration.parents(name)}
        plans = Plans.compile(migration, at, (source, target), sorted({*names, *parents}))
        for name in names:
            yield _Trying(source, target, plans, name).run(count)


class _Trying:
    """The trial of one entity."""

    def __init__(
        self,
        source: Connection,
        target: Connection,
        plans: Plans,
        name: str,
        *,
        is_parent: bool = False,
    ) -> None:
        """Take what is compiled; of a row that others refer to its own parents are not asked for."""
        self._source = source
        self._target = target
        self._plans = plans
        self._stage: Stage = plans.stages[name]
        self._plan: EntityPlan = self._stage.plan
        self._table: Table = plans.tables[name]
        self._is_parent = is_parent
        self._waiting: dict[str, str] = {}

    def run(self, count: int) -> EntityTrial:
        rows: list[Row] = []
        with self._target.cursor() as cursor:
            self._stage.prepare(cursor)
            for stretch in source_rows.some_rows(self._source, self._table, count):
                # All at once: the parents are asked for over the same connection.
                for block in list(source_rows.blocks(self._source, stretch)):
                    # Before the block is staged: its table may be its own parent.
                    self._waiting = self._unfit_parents(cursor, block)
                    rows += self._tried(cursor, block)
        order = list(Verdict)
        return EntityTrial(
            entity=self._plan.name,
            source=str(self._plan.entity.source),
            target=str(self._plan.entity.target),
            rows=sorted(rows, key=lambda row: order.index(row.verdict)),
            origins={
                written.column: self._origins(written.column) for written in self._plan.written
            },
        )

    def _unfit_parents(self, cursor: Cursor, legacy: pl.DataFrame) -> dict[str, str]:
        """What rows wait for whose parent is there and does not go in, by legacy key."""
        found: dict[str, str] = {}
        for parents in orphans.parents(self._source, self._plans, self._plan.name, legacy):
            trying = _Trying(
                self._source, self._target, self._plans, parents.entity, is_parent=True
            )
            trying._stage.prepare(cursor)
            rows = [row for block in parents.rows for row in trying._tried(cursor, block)]
            verdicts = {row.key: row.verdict for row in rows if row.verdict is not Verdict.WRITTEN}
            for key, parent in zip(self._keys(legacy), parents.keys, strict=True):
                if parent in verdicts:
                    says = f"{parents.column}: its row of {parents.entity} is {verdicts[parent]}"
                    found.setdefault(key, says)
        return found

    def _tried(self, cursor: Cursor, legacy: pl.DataFrame) -> list[Row]:
        """What becomes of whole legacy rows; where the rules fail, of halves of them, down to the one at fault."""
        if legacy.is_empty():
            return []
        self._stage.empty(cursor)
        try:
            with cursor.connection.transaction():
                return self._judged(cursor, legacy)
        except (psycopg.Error, RecordError) as error:
            if cursor.connection.closed or not is_of_a_record(error):
                raise
            if legacy.height == 1:
                says = first_line(error) if isinstance(error, psycopg.Error) else error.particulars
                return self._rows(legacy, {}, dict.fromkeys(self._keys(legacy), says), {})
        half = legacy.height // 2
        return self._tried(cursor, legacy[:half]) + self._tried(cursor, legacy[half:])

    def _judged(self, cursor: Cursor, legacy: pl.DataFrame) -> list[Row]:
        self._stage.fill(cursor, legacy)
        refused, _ = judge.by_rules(cursor, self._plan)
        refused |= judge.violating(cursor, self._plan)
        columns = [written.column for written in self._plan.written]
        expected = {
            str(key): dict(zip(columns, map(_text, values), strict=True))
            for key, *values in cursor.execute(compare_sql.expected(self._plan)).fetchall()
        }
        why = {
            key: ": ".join(filter(None, (reason.column or reason.constraint, reason.error)))
            for key, reason in refused.items()
        }
        waiting = self._waiting
        if not self._is_parent:
            waiting = waiting | orphans.find(self._source, self._plans, self._plan.name, legacy)
        return self._rows(legacy, expected, why, waiting)

    def _rows(
        self,
        legacy: pl.DataFrame,
        expected: Mapping[str, Texts],
        refused: Mapping[str, str],
        waiting: Mapping[str, str],
    ) -> list[Row]:
        sources = images.encode(legacy, self._table.columns).to_list()
        found = []
        for key, image in zip(self._keys(legacy), sources, strict=True):
            row = Row(key=key, verdict=Verdict.EXCLUDED, source=json.loads(image), why="`where`")
            if key in refused:
                row = replace(row, verdict=Verdict.REFUSED, why=refused[key])
            elif key in expected:
                verdict = Verdict.WAITS if key in waiting else Verdict.WRITTEN
                why = waiting.get(key, "")
                row = replace(row, verdict=verdict, why=why, target=expected[key])
            found.append(row)
        return found

    def _keys(self, legacy: pl.DataFrame) -> list[str]:
        return [str(key) for key in self._stage.keys(legacy).to_list()]

    def _origins(self, column: str) -> list[str]:
        rule = self._plan.entity.columns[column]
        expression = rule.sql if isinstance(rule, Ref | Sql) else None
        if expression:
            names = [one.name for one in self._table.columns]
            return [
                one for one in names if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", expression)
            ]
        if column == self._plan.entity.id_column:
            return [one.name for one in self._plan.key]
        named = source_tables.read_columns(self._plan.entity)
        return [name for key, name in named if key == f"columns.{column}"]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
