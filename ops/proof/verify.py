"""Verifying the target: expected rows, made of the source's by the rules of the pipeline itself, beside those it has.

At an exact point nothing is in flight, so whatever differs is a fault, or a row that waits. Expected rows are made with
the plan that the workers have; against a bug in that stand the totals, which each server adds up from its own rows.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl
from psycopg import sql

from consumers.plan import mapping_of
from ops import databases, wiring
from ops.proof import accounting, frames, since, source_rows, verified
from ops.proof.comparing import Comparing, Task
from ops.proof.exact_point import (
    APPLICATION,
    ExactPoint,
    Say,
    exact_point,
    require_unmoved,
)
from ops.proof.plans import Plans
from ops.proof.source_rows import Stretch
from ops.proof.totals import totals
from ops.proof.totals_sql import Summed
from ops.proof.verification import Difference, EntityVerification, Kind, Verification
from ops.proof.verified import Since
from ops.stack.state import Endpoints
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Missing

KEYS_MAX = 5_000
_UNOWNED = sql.SQL("""
    SELECT CAST(t.{id} AS text) FROM {target} t
    WHERE NOT EXISTS (SELECT FROM {mappings} m
        WHERE m.generation = 1 AND m.entity = ANY (%s) AND m.state = 'l' AND m.id = t.{id})""")

_RECORDED = sql.SQL("""
    SELECT legacy_key, CAST(state AS text) FROM {mapping} WHERE generation = 1 AND source = {source}""")
_SHARED = sql.SQL("""
    SELECT legacy_key FROM (
        SELECT legacy_key, id, count(*) OVER (PARTITION BY id) AS rows FROM {mapping}
        WHERE generation = 1 AND state = 'l') AS live
    WHERE rows > 1""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a verification looks at, and how it goes about it.

    Attributes:
        since: Only the rows that have changed since then; since the last verification: those that waited then, too.
            Or where that begins, by entity.
        continues: Whether `since` begins where a clean verification ended, so that another may go on from this one.
        sample: Only about so many rows of each entity, picked at random; 0: all.
        values: Keep the values that differ.
        plans: Of these entities, where they are compiled already.
        rows_per_s: At most so many; 0: as fast as it goes.
        keep: Whether the result says something of the live target, and is kept there.
    """

    since: datetime | Literal["last"] | Mapping[str, Since] | None = None
    continues: bool = False
    sample: int = 0
    values: bool = False
    plans: Plans | None = None
    rows_per_s: float = 0
    keep: bool = True


ALL = Options()


def take(
    migration: Migration,
    at: Endpoints,
    entities: Sequence[str],
    say: Say,
    *,
    timeout_s: float,
    options: Options = ALL,
) -> Verification:
    """Verify some entities at an exact point.

    Args:
        migration: A pipeline that runs.
        at: Where its servers are.
        entities: Names.
        say: Told what is being done.
        timeout_s: As `exact_point`.
        options: Of which rows, and how.

    Raises:
        NotReadyError: As `exact_point`; or there is no verification to go on from.
        ConflictError: As `exact_point`.
    """
    base = _base(migration, at, entities, options)
    with exact_point(migration, at, entities, say, timeout_s=timeout_s) as point:
        say("comparing; the workers go on")
        verifying = _Verifying(migration, at, point, entities, options)
        result = verifying.changed(base) if options.since else verifying.whole()
        versions = accounting.versions(point)
    topics = {name: migration.topic(migration.entities[name]) for name in entities}
    if options.keep:
        with databases.target(at.target_dsn, APPLICATION) as target:
            verified.store(target, result, versions, topics)
    return result


def _base(
    migration: Migration, at: Endpoints, entities: Sequence[str], options: Options
) -> Mapping[str, Since]:
    """Where the changes that are looked at begin; empty: everything is."""
    match options.since:
        case None:
            return {}
        case "last":
            with databases.target(at.target_dsn, APPLICATION) as target:
                return verified.baseline(target, migration, entities)
        case datetime() as when:
            return since.time(migration, wiring.reader(migration, at), entities, when)
        case known:
            return known


class _Verifying:
    """One verification."""

    def __init__(
        self,
        migration: Migration,
        at: Endpoints,
        point: ExactPoint,
        entities: Sequence[str],
        options: Options,
    ) -> None:
        self._migration = migration
        self._at = at
        self._point = point
        self._options = options
        self._entities = [migration.entities[name] for name in entities]
        sides = (point.source, point.target)
        self._plans = options.plans or Plans.compile(migration, at, sides, entities)
        self._found = {
            name: EntityVerification(
                entity=name,
                spec_version=self._plans.stages[name].plan.spec_version,
                has_stubs=self._has_stubs(name),
            )
            for name in entities
        }

    def whole(self) -> Verification:
        """All rows, or a sample of each entity."""
        began, comparing = time.monotonic(), self._comparing()
        comparing.run([task for entity in self._entities for task in self._tasks(entity)])
        if not self._options.sample:
            comparing.run([task for entity in self._entities for task in self._extra(entity)])
            for entity in self._entities:
                self._note_unowned(entity)
                self._add_up(entity)
        require_unmoved(self._point.source, list(self._plans.tables.values()))
        return self._result("sample" if self._options.sample else "all", began)

    def changed(self, base: Mapping[str, Since]) -> Verification:
        """The rows that have changed since another verification."""
        began = time.monotonic()
        tasks = []
        for name, keys in self._changed_keys(base).items():
            every = sorted(keys | set(base[name].waiting))
            tasks += [
                self._task_of(name, every[first : first + KEYS_MAX])
                for first in range(0, len(every), KEYS_MAX)
            ]
        self._comparing().run(tasks)
        goes_on = self._options.since == "last" or self._options.continues
        return self._result("changed" if goes_on else "sample", began)

    def _comparing(self) -> Comparing:
        options = self._options
        return Comparing(
            self._at, self._point, values=options.values, rows_per_s=options.rows_per_s
        )

    def _result(self, scope: str, began: float) -> Verification:
        return Verification(
            pipeline=self._migration.pipeline.pipeline,
            scope=scope,
            lsn=self._point.lsn,
            at=self._point.at,
            held_s=self._point.held_s,
            seconds=time.monotonic() - began,
            offsets=self._point.offsets,
            entities=tuple(self._found.values()),
        )

    def _tasks(self, entity: Entity) -> list[Task]:
        table, source = self._plans.tables[entity.name], self._point.source
        if self._options.sample:
            stretches = source_rows.some_rows(source, table, self._options.sample)
        else:
            stretches = source_rows.all_rows(source, table)
        return [self._task(entity.name, stretch) for stretch in stretches]

    def _task(
        self, name: str, stretch: Stretch | None = None, keys: frozenset[str] = frozenset()
    ) -> Task:
        return Task(
            stage=self._plans.stages[name], found=self._found[name], stretch=stretch, keys=keys
        )

    def _task_of(self, name: str, keys: Sequence[str]) -> Task:
        plan = self._plans.stages[name].plan
        columns = [column.name for column in plan.key]
        rows = [[key] if len(columns) == 1 else json.loads(key) for key in keys]
        parts = [[row[n] for row in rows] for n in range(len(columns))]
        table = self._plans.tables[name]
        return self._task(name, source_rows.rows_of(table, columns, parts), frozenset(keys))

    def _changed_keys(self, base: Mapping[str, Since]) -> dict[str, set[str]]:
        stages = {
            topic: [self._plans.stages[name] for name in names if name in base]
            for topic, names in self._migration.topics.items()
        }
        stretches = {
            (topic, partition): (
                min(base[s.plan.name].offsets.get((topic, partition), 0) for s in stages[topic]),
                end,
            )
            for (topic, partition), end in self._point.offsets.items()
            if stages.get(topic)
        }
        consumer = wiring.reader(self._migration, self._at)
        return since.changed_keys(consumer, stages, stretches, self._plans.schemas.reader)

    def _extra(self, entity: Entity) -> list[Task]:
        """What the mapping records of keys that the source does not have; notes those that it does not record."""
        found = self._found[entity.name]
        query = _RECORDED.format(
            mapping=sql.Identifier(*mapping_of(entity)),
            source=sql.Literal(str(entity.source)),
        )
        recorded = frames.read(self._point.target, query, ["key", "state"])
        ours = pl.DataFrame({"key": pl.concat(found.keys or [pl.Series(dtype=pl.String)])})
        noted = {*found.waiting, *(difference.key for difference in found.differences)}
        for key in ours.join(recorded, on="key", how="anti")["key"].sort().to_list():
            if key not in noted:
                found.note(Difference(key=key, kind=Kind.UNRECORDED))
        live = recorded.filter(pl.col("state") == "l")
        extra = live.join(ours, on="key", how="anti")["key"].to_list()
        return [self._task(entity.name, keys=frozenset(extra))] if extra else []

    def _note_unowned(self, entity: Entity) -> None:
        """Rows of the target that no legacy row was ever made into, and legacy rows that share one."""
        sharing = [
            n for n in self._migration.sharing(entity) if not self._migration.entities[n].joined
        ]
        looked_at = [name for name in sharing if name in self._found]
        if entity.joined or looked_at[0] != entity.name:
            return
        kind = Kind.STUB if self._found[entity.name].has_stubs else Kind.EXTRA
        query = _UNOWNED.format(
            id=sql.Identifier(entity.id_column),
            target=sql.Identifier(*entity.target.place),
            mappings=sql.Identifier(entity.mapping_schema, "migration_mappings"),
        )
        rows = self._point.target.execute(query, [sharing]).fetchall()
        for (row_id,) in rows:
            self._found[entity.name].note(Difference(key=str(row_id), kind=kind))
        # Where two are mapped to one row, the row of one of them is nobody's.
        for name in looked_at if rows else ():
            shared = _SHARED.format(
                mapping=sql.Identifier(*mapping_of(self._migration.entities[name]))
            )
            for (key,) in self._point.target.execute(shared).fetchall():
                self._found[name].note(Difference(key=str(key), kind=Kind.SHARED))

    def _add_up(self, entity: Entity) -> None:
        """The numeric columns of both sides, added up by each server from its own rows."""
        found, plan = self._found[entity.name], self._plans.stages[entity.name].plan
        names = [f"__key{n}" for n in range(len(plan.key))]
        nothing = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        summed = Summed(
            entity=entity,
            legacy=plan.legacy,
            target=plan.target,
            key=tuple(column.name for column in plan.key),
        )
        found.totals = totals(
            self._point.source,
            self._point.target,
            summed,
            pl.concat([nothing, *found.staying]),
            self._plans.identities,
        )

    def _has_stubs(self, name: str) -> bool:
        refs = (rule for e in self._migration.entities.values() for rule in e.refs.values())
        return any(rule.ref == name and rule.missing is Missing.STUB for rule in refs)
