"""The real apply with one rule of the design switched off: the search must find what goes wrong then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
import psycopg
import pytest

from consumers import (
    apply,
    dependants,
    judge,
    judge_sql,
    layers,
    mapping,
    refusal,
    statement,
    sweep,
    sweep_sql,
    truncation,
    waiting,
)
from consumers.overlay import FIRST
from consumers.plan import EntityPlan
from consumers.released import Waiter
from consumers.waiting import Why
from tests.model.scenario import ALL_RULES, CHAIN, FAMILY, TREE, Shape

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
Patch = Callable[[pytest.MonkeyPatch], None]
_NO_LIST = pl.lit(None, dtype=pl.List(pl.String)).alias("__unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A rule of tests/model/scenario.py that is switched off.

    Attributes:
        patch: Switches it off in the code; None: it is the producer's or the reader's.
        bounds: Of the scenario, where its absence is seen soon.
        design: Of the target, where nothing else stands in for the rule.
        policy: Rules that are off with and without the mutant: what they would mend later is seen so.
        is_quick: Whether it is found in a second or two.
    """

    rule: str
    patch: Patch | None
    shape: Shape = FAMILY
    bounds: dict[str, Any] = field(default_factory=dict)
    design: dict[str, Any] = field(default_factory=dict)
    policy: tuple[str, ...] = ()
    is_quick: bool = False

    @property
    def rules_before(self) -> frozenset[str]:
        """The rules that hold before it is switched off."""
        return ALL_RULES.difference(self.policy)

    @property
    def rules_after(self) -> frozenset[str]:
        """The rules that hold then."""
        return self.rules_before - {self.rule}

    def switch_off(self, patch: pytest.MonkeyPatch) -> None:
        """Change the code."""
        if self.patch:
            self.patch(patch)


def _answering(module: object, name: str, answer: object) -> Patch:
    """A function always answers the same."""
    return lambda patch: patch.setattr(module, name, lambda *_, **__: answer)


def _fence_lets_all_pass(patch: pytest.MonkeyPatch) -> None:
    fence = statement.fence

    def open_fence(plan: EntityPlan) -> str:
        head, where, tail = fence(plan).rpartition("WHERE (")
        assert where, "the fence is no longer where the mutant expects it"
        return f"{head}WHERE true OR ({tail}"

    patch.setattr(statement, "fence", open_fence)


def _deletes_leave_nothing(patch: pytest.MonkeyPatch) -> None:
    settle = apply.Applier.settle

    def forgetful(self: apply.Applier, cursor: Cursor, *rest: Any) -> set[str]:
        kept = settle(self, cursor, *rest)
        cursor.execute("DELETE FROM understudy.migration_mappings WHERE state IN ('d', 'x')")
        return kept

    patch.setattr(apply.Applier, "settle", forgetful)


def _unavailable_is_null(patch: pytest.MonkeyPatch) -> None:
    read = apply.Applier.read

    def blind(self: apply.Applier, connection: Connection, events: pl.DataFrame) -> apply.Events:
        return read(self, connection, events.with_columns(_NO_LIST))

    patch.setattr(apply.Applier, "read", blind)


def _no_base_is_null(patch: pytest.MonkeyPatch) -> None:
    newest = layers.newest

    def complete(*arguments: Any) -> layers.Newest:
        found = newest(*arguments)
        return replace(found, rows=found.rows.with_columns(_NO_LIST))

    patch.setattr(apply, "newest", complete)


def _batch_ignores_what_waits(patch: pytest.MonkeyPatch) -> None:
    newest = layers.newest

    def ignorant(
        cursor: Cursor, plan: EntityPlan, events: pl.DataFrame, wake: Sequence[str]
    ) -> layers.Newest:
        with pytest.MonkeyPatch.context() as inner:
            if events.height:
                inner.setattr(waiting, "exists", lambda *_: False)
            return newest(cursor, plan, events, wake)

    patch.setattr(apply, "newest", ignorant)


def _last_offset_wins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        apply,
        "what_counts",
        lambda events: events.unique("__key", keep="last", maintain_order=True),
    )


def _stale_rows_are_set_aside(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mapping, "stale", lambda *_: set())
    patch.setattr(statement, "drop_stale", lambda _: "SELECT")


def _absent_at_once(patch: pytest.MonkeyPatch) -> None:
    orphan = judge.orphan
    patch.setattr(judge, "orphan", lambda *args, **_: orphan(*args, absent=True))


def _conflicts_are_dead_letters(patch: pytest.MonkeyPatch) -> None:
    reason_of = refusal.reason_of
    patch.setattr(judge, "_clashes", lambda *_: {})
    patch.setattr(apply, "reason_of", lambda *args: replace(reason_of(*args), why=Why.RULE))


def _inserts_take_any_base(patch: pytest.MonkeyPatch) -> None:
    batch = layers._batch
    patch.setattr(
        layers,
        "_batch",
        lambda events: batch(events).with_columns(
            pl.lit(0, dtype=pl.Int64).alias(name) for name in FIRST
        ),
    )


def _one_is_woken_at_a_time(patch: pytest.MonkeyPatch) -> None:
    wake = sweep._wake

    def one_by_one(cursor: Cursor, applier: apply.Applier, keys: list[str], ground: Any) -> int:
        return sum(wake(cursor, applier, [key], ground) for key in keys)

    patch.setattr(sweep, "_wake", one_by_one)


def _only_deletes_are_let_go(patch: pytest.MonkeyPatch) -> None:
    held = sweep._held

    def deletes(cursor: Cursor, plan: EntityPlan) -> dict[str, str]:
        query = (
            "SELECT legacy_key FROM understudy.waiting WHERE entity = %s AND reason = 'children'"
        )
        keys = {row[0] for row in cursor.execute(query, [plan.name]).fetchall()}
        return {key: row_id for key, row_id in held(cursor, plan).items() if key in keys}

    patch.setattr(sweep, "_held", deletes)


def _who_is_referred_to_stays(patch: pytest.MonkeyPatch) -> None:
    below = dependants._below

    def first_level(
        cursor: Cursor, plans: dependants.Plans, plan: EntityPlan, parent: str
    ) -> dependants.Found:
        found = below(cursor, plans, plan, parent)
        referred_to = {dependant.parent for dependant in found.values()}
        return {
            key: dependant
            for key, dependant in found.items()
            if dependant.parent == parent and dependant.id not in referred_to
        }

    patch.setattr(dependants, "_below", first_level)


def _rings_of_parents_wait(patch: pytest.MonkeyPatch) -> None:
    def ready(waiters: Sequence[Waiter]) -> list[str]:
        return [waiter.key for waiter in waiters if waiter.is_ready]

    patch.setattr(sweep, "released", ready)


# A source that does not check its references, so that parents are absent.
_ORPHANS = {"missing": "park", "source_fk": False}
# A source that checks them: a reference that is NULL for a moment is a mistake, unless it is filled later.
_NO_ORPHANS = {
    "missing": "null",
    "source_fk": True,
    "excluded": 0,
    "bad": 0,
    "truncate": 0,
    "moves": False,
    "unique": False,
    "partial": 0,
}
_PLAIN = {"unique": ""}
_UNCHECKED = {"foreign_keys": False}
_ROTATING = {"unique": True, "dense": True, "missing": "keep"}

MUTANTS = (
    Mutant(
        rule="fence",
        patch=_fence_lets_all_pass,
        bounds={"unique": False},
        design=_PLAIN,
        is_quick=True,
    ),
    Mutant(rule="tombs", patch=_deletes_leave_nothing),
    Mutant(rule="unavailable", patch=_unavailable_is_null, is_quick=True),
    Mutant(rule="base", patch=_no_base_is_null, is_quick=True),
    Mutant(rule="merged", patch=_batch_ignores_what_waits),
    Mutant(rule="order", patch=_last_offset_wins, is_quick=True),
    Mutant(rule="stale_aside", patch=_stale_rows_are_set_aside),
    Mutant(
        rule="watermark",
        patch=_absent_at_once,
        bounds=_NO_ORPHANS,
        policy=("fill",),
        is_quick=True,
    ),
    Mutant(
        rule="park_parent",
        patch=_answering(judge, "orphan", None),
        bounds=_ORPHANS,
        design=_UNCHECKED,
    ),
    Mutant(
        rule="park_delete",
        patch=_answering(judge, "_held", {}),
        bounds=_ORPHANS,
        design=_UNCHECKED,
    ),
    Mutant(rule="sweep", patch=_answering(sweep, "_worth_a_try", []), is_quick=True),
    Mutant(rule="where", patch=_answering(judge_sql, "exclude", None), bounds={"excluded": 0.2}),
    Mutant(
        rule="truncate",
        patch=_answering(truncation, "obey", None),
        bounds={"truncate": 0.1},
        is_quick=True,
    ),
    Mutant(rule="unique", patch=_conflicts_are_dead_letters, bounds=_ROTATING, is_quick=True),
    Mutant(rule="gate", patch=None, bounds=_NO_ORPHANS, policy=("fill",)),
    Mutant(rule="reread", patch=None, bounds={"moves": True, "partial": 0.9}),
    Mutant(
        rule="insert_base",
        patch=_inserts_take_any_base,
        bounds={"moves": True, "partial": 0.9, "truncate": 0.15, "missing": "keep"},
    ),
    Mutant(rule="ring", patch=_one_is_woken_at_a_time, shape=TREE, bounds=_ROTATING),
    Mutant(rule="withdraw", patch=_answering(mapping, "withdraw", None), bounds=_ORPHANS),
    Mutant(
        rule="dangling",
        patch=_answering(sweep, "_let_go", sweep.Swept(tried=0, kept=0)),
        bounds=_ORPHANS,
    ),
    Mutant(rule="older", patch=_only_deletes_are_let_go, shape=TREE, bounds=_ORPHANS),
    Mutant(rule="below", patch=_who_is_referred_to_stays, shape=CHAIN, bounds=_ORPHANS),
    Mutant(rule="knot", patch=_rings_of_parents_wait, shape=TREE, bounds=_ORPHANS),
    Mutant(
        rule="fill",
        patch=_answering(sweep_sql, "owed", "SELECT WHERE false"),
        bounds={"missing": "null", "source_fk": False},
    ),
)
