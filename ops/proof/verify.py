"""Verifying the target: expected rows, made of the source's by the rules of the pipeline itself, beside those it has.

At an exact point nothing is in flight, so whatever differs is a fault, or a row that waits. Expected rows are made with
the plan that the workers have; against a bug in that stand the totals, which each server adds up from its own rows.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from consumers.plain import Plain
from ops import databases, wiring
from ops.amounts import how_many
from ops.cutover.gate import Gate
from ops.proof import accounting, since, storing, structure, verified
from ops.proof.comparing import Comparing, Task
from ops.proof.exact_point import (
    APPLICATION,
    ExactPoint,
    Say,
    exact_point,
    require_unmoved,
)
from ops.proof.plans import Plans
from ops.proof.prints import Prints
from ops.proof.storing import Storing, Unfinished
from ops.proof.tasks import Tasks
from ops.proof.verification import EntityVerification, Verification
from ops.proof.verified import Since
from ops.proof.whole import Whole, has_stubs
from ops.stack.state import Endpoints
from producers.source import source_errors
from schemas.event_id import lsn_text
from schemas.migration import Migration

# Entities that are compared while what was found of another is concluded: the keys of so many more are in memory.
AHEAD = 1
# Of the rows of an entity, how many are compared in full by their keys.
KEYS_SHARE_MAX = 0.1


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
        structure: Whether the target's structure is looked at even where not all rows are.
    """

    since: datetime | Literal["last"] | Mapping[str, Since] | None = None
    continues: bool = False
    sample: int = 0
    values: bool = False
    plans: Plans | None = None
    rows_per_s: float = 0
    keep: bool = True
    structure: bool = False

    @property
    def scope(self) -> str:
        """Of the verification: `all`, `changed` where another may go on from it, or `sample`."""
        if self.since is None:
            return "sample" if self.sample else "all"
        return "changed" if self.since == "last" or self.continues else "sample"


ALL = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What was begun of an entity.

    Attributes:
        prints: What its rows are compared by, if that can be done.
    """

    name: str
    tasks: Sequence[Future[None]]
    prints: Prints | None = None

    def await_end(self) -> None:
        """Wait until all of it is done; raises what a task has raised."""
        for future in self.tasks:
            future.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is verified.

    Attributes:
        names: Entities, in their order.
        base: Where the changes begin that are looked at; empty: all rows are.
        run: What was stopped, and goes on.
    """

    names: Sequence[str]
    base: Mapping[str, Since] = field(default_factory=dict)
    run: Unfinished | None = None


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
    asked = _Asked(names=entities, base=_base(migration, at, entities, options))
    with exact_point(migration, at, entities, say, timeout_s=timeout_s) as point:
        say("comparing; the workers go on")
        return _Verifying(migration, at, point, asked, options).run()


def resume(
    migration: Migration, at: Endpoints, say: Say, *, timeout_s: float, options: Options = ALL
) -> Verification:
    """Go on with a verification of all rows that was stopped: entities that it has found clean are not read again.

    Args:
        migration: As `take`.
        at: As `take`.
        say: As `take`.
        timeout_s: As `take`.
        options: Of all rows.

    Raises:
        NotReadyError: As `exact_point`; or none was stopped.
        ConflictError: As `exact_point`.
    """
    with databases.target(at.target_dsn, APPLICATION) as target:
        run = storing.unfinished(target, migration)
    for stored in run.done:
        rows = how_many(stored.rows, "row was", "rows were")
        say(f"{stored.entity}: {rows} verified at {lsn_text(stored.lsn)}")
    asked = _Asked(names=run.entities, run=run)
    with exact_point(migration, at, run.entities, say, timeout_s=timeout_s) as point:
        say("comparing the others; the workers go on")
        return _Verifying(migration, at, point, asked, options).run()


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
        asked: _Asked,
        options: Options,
    ) -> None:
        self._migration = migration
        self._at = at
        self._point = point
        self._asked = asked
        self._options = options
        sides = (point.source, point.target)
        self._plans = options.plans or Plans.compile(migration, at, sides, asked.names)
        left = asked.run.left if asked.run else asked.names
        self._found = {name: self._nothing_yet(name) for name in left}
        self._rows = Tasks(migration=migration, at=at, point=point, plans=self._plans)
        self._whole = Whole(migration, point, self._plans, asked.names)
        self._began = time.monotonic()

    def run(self) -> Verification:
        """Compare, entity after entity; what was found of each is kept as soon as it is done."""
        with ExitStack() as open_:
            kept = self._kept(open_) if self._options.keep else None
            comparing = open_.enter_context(self._comparing())
            tasks, running = self._tasks(), deque[_Running]()
            for name in self._found:
                running.append(self._begin(comparing, tasks, name))
                if len(running) > AHEAD:
                    self._conclude(running.popleft(), comparing, kept)
            # While the last one is compared.
            checks = self._checks()
            while running:
                self._conclude(running.popleft(), comparing, kept)
            result = self._result(checks)
            if kept:
                kept.finish(result)
        return result

    def _nothing_yet(self, name: str) -> EntityVerification:
        return EntityVerification(
            entity=name,
            spec_version=self._plans.stages[name].plan.spec_version,
            has_stubs=has_stubs(self._migration, name),
        )

    def _kept(self, open_: ExitStack) -> Storing:
        connection = open_.enter_context(databases.target(self._at.target_dsn, APPLICATION))
        run = self._asked.run.run if self._asked.run else None
        kept = Storing(connection, self._migration)
        kept.begin(self._result(), self._asked.names, accounting.versions(self._point), run)
        return kept

    def _comparing(self) -> Comparing:
        options = self._options
        return Comparing(
            self._at, self._point, values=options.values, rows_per_s=options.rows_per_s
        )

    def _tasks(self) -> Callable[[str], list[Task]]:
        """What makes the tasks of an entity."""
        tasks = self._rows
        if self._options.since is not None:
            keys = tasks.changed(self._asked.base)
            return lambda name: tasks.of_keys(self._found[name], keys[name])
        if self._options.sample:
            return lambda name: tasks.sample(self._found[name], self._options.sample)
        return lambda name: tasks.whole(self._found[name])

    def _begin(
        self, comparing: Comparing, tasks: Callable[[str], list[Task]], name: str
    ) -> _Running:
        """Have the rows of an entity compared; by numbers where all are, as fast as it goes, and the rules allow it."""
        by_number = self._options.scope == "all" and not self._options.rows_per_s
        plain = Plain.of(self._plans.stages[name]) if by_number else None
        if plain is None:
            return _Running(name=name, tasks=list(map(comparing.submit, tasks(name))))
        prints = Prints()
        scans = self._rows.scans(plain, self._found[name], prints)
        return _Running(name=name, tasks=list(map(comparing.submit, scans)), prints=prints)

    def _conclude(self, running: _Running, comparing: Comparing, kept: Storing | None) -> None:
        """See an entity to its end; the target is asked while its rows are compared."""
        found = self._found[running.name]
        recorded = self._whole.ask(found.entity) if self._options.scope == "all" else None
        running.await_end()
        if running.prints:
            self._compare_rest(comparing, found, running.prints.differing(found.keys))
        # Rolled back, so that the legacy table is not locked while the other entities are compared.
        with self._point.source.transaction(force_rollback=True):
            if recorded:
                self._whole.conclude(found, recorded, values=self._options.values)
            with source_errors():
                require_unmoved(self._point.source, [self._plans.tables[found.entity]])
        found.forget()
        if kept:
            kept.keep(self._result(), found)

    def _compare_rest(
        self, comparing: Comparing, found: EntityVerification, keys: Sequence[str]
    ) -> None:
        """Compare in full what cannot be told by numbers; where that is much, all of it: by pages it is faster."""
        if len(keys) > found.rows * KEYS_SHARE_MAX:
            tasks = self._rows.whole(found, again=True)
        else:
            tasks = self._rows.of_keys(found, keys, again=True)
        _Running(name=found.entity, tasks=list(map(comparing.submit, tasks))).await_end()

    def _checks(self) -> list[Gate]:
        """What holds of the target's tables as a whole; of a shadow that is being filled, nothing has to."""
        options = self._options
        if not options.keep or not (options.scope == "all" or options.structure):
            return []
        return self._whole.checks()

    def _result(self, checks: Sequence[Gate] = ()) -> Verification:
        entities = tuple(self._found.values())
        sums = [total for entity in entities for total in entity.totals]
        return Verification(
            pipeline=self._migration.pipeline.pipeline,
            scope=self._options.scope,
            lsn=self._point.lsn,
            at=self._point.at,
            held_s=self._point.held_s,
            seconds=time.monotonic() - self._began,
            offsets=self._point.offsets,
            entities=entities,
            resumed=self._asked.run.done if self._asked.run else (),
            checks=(*checks, structure.add_up(sums)) if checks else (),
        )
