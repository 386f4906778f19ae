"""One entity's part of an apply transaction: from events in columns to rows, mapping and what waits.

The transaction itself (locks, checkpoints, commit) is checkpoint.py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import LiteralString

import polars as pl
import psycopg
from psycopg.pq import TransactionStatus

from consumers import images, join_sql, judge_sql, mapping, statement, unique_sql, waiting
from consumers.judge import judge
from consumers.layers import newest
from consumers.numbered import execute
from consumers.overlay import META, what_counts
from consumers.plan import EntityPlan
from consumers.refusal import is_of_a_record, reason_of
from consumers.stage import Stage
from consumers.staging import Lines
from consumers.transform import Transform
from consumers.waiting import Reason, Why
from schemas.errors import RecordError
from schemas.event_id import ZERO, EventId
from schemas.failpoint import reach

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
# Rows are looked up by staged keys. The planner knows nothing of a temporary table, and the plan of a prepared query
# outlives the table that it was made for: one that reads a whole table makes each batch cost as much as that is long.
_BY_INDEX = "SET LOCAL enable_seqscan = off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a transaction knows when it begins, read under its locks.

    Attributes:
        truncated: Events below this are stale.
        watermarks: Commit LSN of the last applied marker, by entity.
    """

    truncated: EventId = ZERO
    watermarks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Events of one entity, with all that can be done to them before the transaction.

    Attributes:
        rows: `META` and the legacy columns; what is left of a batch by `what_counts`.
        lines: All rows as the stage takes them; None where some lack columns or cannot be made ready.
    """

    rows: pl.DataFrame
    lines: Lines | None = None


class Applier:
    """Applies events of one entity."""

    def __init__(self, plan: EntityPlan, transform: Transform) -> None:
        """Take the compiled entity, and its rules in columns."""
        self.plan = plan
        self.stage = Stage(plan, transform)
        self._transform = transform
        self._columns = plan.legacy.columns
        self._replays = False  # Whether the last batch that was written brought nothing new.

    def read(self, connection: Connection, events: pl.DataFrame) -> Events:
        """Make events ready, as the envelope reader yields them.

        Args:
            connection: Outside of a transaction; asked only while topics are replayed, for what is stale.
            events: Of a batch.
        """
        names = (column.name for column in self._columns)
        keyed = events.with_columns(self.stage.keys(events)).select(*META, *names)
        rows = what_counts(keyed)
        if self._replays:
            rows = self._news(connection, rows)
        if rows.is_empty() or rows["__unavailable"].null_count() < rows.height:
            return Events(rows=rows)
        try:
            return Events(rows=rows, lines=self.stage.lines(rows))
        except RecordError:  # Met again, and judged, in the transaction.
            return Events(rows=rows)

    def _news(self, connection: Connection, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows that are not stale: so most of a replay is neither transformed nor staged."""
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_BY_INDEX)
            news = mapping.news(cursor, self.plan, rows)
        return rows.filter(pl.col("__key").is_in(news))

    def nothing(self) -> pl.DataFrame:
        """An empty frame of events."""
        legacy = {column.name: images.frame_type(column) for column in self._columns}
        return pl.DataFrame(schema=META | legacy)

    def settle(self, cursor: Cursor, events: Events, wake: list[str], ground: Ground) -> set[str]:
        """Apply events, and try again what waits for some keys.

        Args:
            cursor: Inside the transaction, after `checkpoint.lock`.
            events: As `read` returned them, any order; may be empty.
            wake: Legacy keys whose waiting image or owed reference is tried again.
            ground: Read after the locks.

        Returns:
            The keys that wait now.
        """
        cursor.execute(_BY_INDEX)
        valid = events.rows.filter(_at_least(ground.truncated))
        found = newest(cursor, self.plan, valid, wake)
        lines = events.lines if found.as_read and valid.height == events.rows.height else None
        lacking = found.rows.filter(pl.col("__unavailable").is_not_null())
        self._set_aside(cursor, lacking, [Reason(why=Why.BASE)] * lacking.height)
        kept = set(lacking["__key"].to_list())
        whole = found.rows.filter(pl.col("__unavailable").is_null())
        kept |= self._apply(cursor, whole, ground, lines, "DELETE FROM")
        waiting.forget(cursor, self.plan, [key for key in found.waited if key not in kept])
        return kept

    def _apply(
        self,
        cursor: Cursor,
        rows: pl.DataFrame,
        ground: Ground,
        lines: Lines | None = None,
        empty: LiteralString = "TRUNCATE",
    ) -> set[str]:
        """Apply whole rows; where they fail, halves of them, down to the record at fault.

        A part that failed stays in the stage as dead rows, so it is truncated before the next.

        Returns:
            The keys that were set aside.
        """
        if rows.is_empty():
            return set()
        try:
            with cursor.connection.transaction():
                cursor.execute(f"{empty} {self.plan.stage}")
                return self._write(cursor, rows, ground, lines or self.stage.lines(rows))
        except (psycopg.Error, RecordError) as error:
            status = cursor.connection.info.transaction_status
            if status is not TransactionStatus.INTRANS or not is_of_a_record(error):
                raise
            if rows.height == 1:
                reason = reason_of(error, self.plan.target.place)
                return self._keep(cursor, rows, {str(rows["__key"][0]): reason})
        half = rows.height // 2
        return self._apply(cursor, rows[:half], ground) | self._apply(cursor, rows[half:], ground)

    def _write(self, cursor: Cursor, rows: pl.DataFrame, ground: Ground, lines: Lines) -> set[str]:
        self.stage.put(cursor, lines)
        deletes = bool((rows["__op"] == "d").any())
        aside = judge(cursor, self.plan, ground.watermarks, deletes=deletes)
        reach("map.before_insert")
        written = self._upsert(cursor, deletes=deletes or self.plan.entity.where is not None)
        self._replays = not (written or aside)
        self._look_after_triggers(cursor)
        kept = self._keep(cursor, rows, aside)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # A deferred one would fail at COMMIT.
        return kept

    def _upsert(self, cursor: Cursor, *, deletes: bool) -> int:
        """Fence and write.

        Returns:
            How many rows were new; without those that were deleted, where one statement does all.
        """
        if self.plan.defers:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        if self.plan.entity.joined:
            written = self._join(cursor)
        elif self.plan.has_secondary:
            written = self._replace(cursor)
        else:
            written = cursor.execute(statement.merge(self.plan, deletes=deletes)).rowcount
        if deletes and self.plan.joined_by:
            cursor.execute(join_sql.part(self.plan, statement.gone(self.plan)))
        return written

    def _replace(self, cursor: Cursor) -> int:
        """Write rows whose table has other unique keys than the UUID."""
        cursor.execute(f"DELETE FROM {statement.winners(self.plan)}")
        won = cursor.execute(statement.win(self.plan)).rowcount
        cursor.execute(statement.delete_winners(self.plan))
        self._release(cursor)
        cursor.execute(statement.update_winners(self.plan))
        cursor.execute(statement.insert_winners(self.plan))
        return won

    def _join(self, cursor: Cursor) -> int:
        """Write columns into the rows of another entity."""
        cursor.execute(join_sql.leave(self.plan))
        cursor.execute(f"DELETE FROM {statement.winners(self.plan)}")
        won = cursor.execute(statement.win(self.plan)).rowcount
        cursor.execute(statement.update_winners(self.plan))
        return won

    def _look_after_triggers(self, cursor: Cursor) -> None:
        """See to it that the target has what was written, where triggers may have it otherwise.

        Raises:
            RecordError: A trigger left a row out, kept one that was deleted, or gave it another UUID.
        """
        target = self.plan.target
        if target.has_row_triggers and cursor.execute(judge_sql.unwritten(self.plan)).fetchall():
            raise RecordError(
                "a trigger of the target does not let the row be", table=target.table.label
            )

    def _release(self, cursor: Cursor) -> None:
        """Let go of unique values that other rows of the batch take over."""
        for key in self.plan.uniques:
            ids = [
                row[0] for row in cursor.execute(unique_sql.takeovers(self.plan, key)).fetchall()
            ]
            query = unique_sql.release(self.plan, key)
            if ids and query:
                execute(cursor, query, ids)

    def _keep(self, cursor: Cursor, rows: pl.DataFrame, aside: Mapping[str, Reason]) -> set[str]:
        """Save what was set aside, but for what is stale; what misses its parent leaves the target.

        Returns:
            The keys that wait now.
        """
        if not aside:
            return set()
        rows = rows.filter(pl.col("__key").is_in(list(aside)))
        stale = mapping.stale(cursor, self.plan, rows)
        rows = rows.filter(~pl.col("__key").is_in(list(stale)))
        keys = rows["__key"].to_list()
        self._set_aside(cursor, rows, [aside[key] for key in keys])
        there = rows.filter(pl.col("__op") != "d")["__key"].to_list()
        absent = [key for key in there if aside[key].misses_parent]
        mapping.withdraw(cursor, self.plan, absent)
        return set(keys)

    def _set_aside(self, cursor: Cursor, rows: pl.DataFrame, reasons: list[Reason]) -> None:
        identified = rows.with_columns(self._transform.ids(rows))
        waiting.save(cursor, self.plan, identified, reasons)


def _at_least(event_id: EventId) -> pl.Expr:
    epoch, lsn, ordinal = pl.col("__epoch"), pl.col("__lsn"), pl.col("__ordinal")
    same_lsn = (lsn > event_id.lsn) | ((lsn == event_id.lsn) & (ordinal >= event_id.ordinal))
    return (epoch > event_id.epoch) | ((epoch == event_id.epoch) & same_lsn)
