"""Which rows are compared: all of an entity, a sample, or those with some keys; and which keys have changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from consumers.plain import Plain
from ops import wiring
from ops.proof import since, source_rows
from ops.proof.comparing import Scan, Task
from ops.proof.exact_point import ExactPoint
from ops.proof.plans import Plans
from ops.proof.prints import Prints, target_table
from ops.proof.verification import EntityVerification
from ops.proof.verified import Since
from ops.stack.state import Endpoints
from producers.source import source_errors
from schemas.migration import Migration

KEYS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Makes the tasks of a verification."""

    migration: Migration
    at: Endpoints
    point: ExactPoint
    plans: Plans

    def whole(self, found: EntityVerification, *, again: bool = False) -> list[Task]:
        """All rows of an entity."""
        return [self._task(found, stretch=one, again=again) for one in self._all(found.entity)]

    def scans(self, plain: Plain, found: EntityVerification, prints: Prints) -> list[Scan]:
        """All rows of an entity on both sides, in turn: the one server works while the other one waits."""
        scan = partial(Scan, plain=plain, found=found, prints=prints)
        table = target_table(plain)
        ours = [scan(stretch=one) for one in self._all(found.entity)]
        theirs = [
            scan(stretch=one, of_target=True)
            for one in source_rows.all_rows(self.point.target, table)
        ]
        return [one for pair in zip_longest(ours, theirs) for one in pair if one]

    def _all(self, name: str) -> list[source_rows.Stretch]:
        table = self.plans.tables[name]
        with source_errors(table=table.label):
            return source_rows.all_rows(self.point.source, table)

    def sample(self, found: EntityVerification, count: int) -> list[Task]:
        """About so many rows of an entity."""
        table = self.plans.tables[found.entity]
        with source_errors(table=table.label):
            stretches = source_rows.some_rows(self.point.source, table, count)
        return [self._task(found, stretch=stretch) for stretch in stretches]

    def of_keys(
        self, found: EntityVerification, keys: Sequence[str], *, again: bool = False
    ) -> list[Task]:
        """The rows of some legacy keys."""
        parts = (keys[first : first + KEYS_MAX] for first in range(0, len(keys), KEYS_MAX))
        return [self._of_keys(found, part, again=again) for part in parts]

    def _of_keys(self, found: EntityVerification, keys: Sequence[str], *, again: bool) -> Task:
        table = self.plans.tables[found.entity]
        columns = [column.name for column in self.plans.stages[found.entity].plan.key]
        rows = [[key] if len(columns) == 1 else json.loads(key) for key in keys]
        parts = [[row[n] for row in rows] for n in range(len(columns))]
        stretch = source_rows.rows_of(table, columns, parts)
        return self._task(found, stretch=stretch, keys=frozenset(keys), again=again)

    def _task(
        self,
        found: EntityVerification,
        *,
        stretch: source_rows.Stretch,
        keys: frozenset[str] = frozenset(),
        again: bool = False,
    ) -> Task:
        stage = self.plans.stages[found.entity]
        return Task(stage=stage, found=found, stretch=stretch, keys=keys, again=again)

    def changed(self, base: Mapping[str, Since]) -> dict[str, list[str]]:
        """The legacy keys of rows that have changed, or waited, since another verification; by entity, in order."""
        stages = {
            topic: [self.plans.stages[name] for name in names if name in base]
            for topic, names in self.migration.topics.items()
        }
        stretches = {
            (topic, partition): (
                min(base[s.plan.name].offsets.get((topic, partition), 0) for s in stages[topic]),
                end,
            )
            for (topic, partition), end in self.point.offsets.items()
            if stages.get(topic)
        }
        consumer = wiring.reader(self.migration, self.at)
        found = since.changed_keys(consumer, stages, stretches, self.plans.schemas.reader)
        return {name: sorted(keys | set(base[name].waiting)) for name, keys in found.items()}
