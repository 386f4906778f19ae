"""Applies a batch of the target's changes to the legacy tables: rows, identities and checkpoint in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from consumers.numbered import execute
from consumers.reverse import batch as batches
from consumers.reverse import control, moves, statement
from consumers.reverse.batch import Rows
from consumers.reverse.births import Births, defaults_of
from consumers.reverse.completion import completed
from consumers.reverse.control import Connection, Cursor, Progress, State
from consumers.reverse.keys import Keys, look_up
from consumers.reverse.owners import Owners
from consumers.reverse.plan import Back, TableBack
from consumers.reverse.refused import RefusedError
from consumers.reverse.stage import Stages
from consumers.reverse.steps import Steps
from schemas import failpoint
from schemas.migration import Migration

# Beyond the number of any row of a batch.
_LAST = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything that the target has committed up to an LSN and that was not applied before.

    Attributes:
        frames: By topic, as `decoding.laid_over` returns them.
        truncated: LSN of the first TRUNCATE among it, with the target table.
        progress: Where the checkpoint goes.
    """

    frames: Mapping[str, pl.DataFrame]
    truncated: tuple[int, str] | None
    progress: Progress


class Applier:
    """Applies batches; for one thread."""

    def __init__(self, migration: Migration, tables: Sequence[TableBack]) -> None:
        """Compile nothing more.

        Args:
            migration: For its name, its namespace and the order of its entities.
            tables: The way back of each target table.
        """
        self._pipeline = migration.pipeline.pipeline
        self._tables = {table.topic: table for table in tables}
        names = [name for group in migration.waves for name in group]
        self._order = {name: place for place, name in enumerate(names)}
        self._stages = Stages(migration.pipeline.namespace)
        self._births = Births(self._stages, {})

    def prepare(self, legacy: Connection) -> None:
        """Make the stages of a session, and read the defaults of the legacy keys."""
        defaults = {}
        for table in self._tables.values():
            legacy.execute(statement.create_stage(table).encode())
            for back in table.entities:
                defaults[back.name] = defaults_of(legacy, back)
        self._births = Births(self._stages, defaults)

    def apply(self, legacy: Connection, target: Connection, batch: Batch) -> None:
        """Apply a batch, all of it or nothing.

        Args:
            legacy: Prepared, outside of a transaction.
            target: For what the mapping knows.
            batch: The next.

        Raises:
            RefusedError: The legacy side does not take a row; what is committed before its commit can go in without it.
            NotReadyError: The entities are not switched to the target.
            OwnershipLostError: Somebody else applies too.
            psycopg.Error: A server is in trouble.
        """
        with legacy.transaction(), legacy.cursor() as cursor:
            state = control.lock(cursor, self._pipeline)
            self._check_truncation(batch, state)
            rows = batches.ordered(_fresh(batch.frames, state), self._tables)
            if rows:
                self._write(cursor, target, rows)
            control.advance(cursor, self._pipeline, batch.progress)
            if rows:
                failpoint.reach("back.before_commit")
        if rows:
            failpoint.reach("back.after_commit")

    def _check_truncation(self, batch: Batch, state: State) -> None:
        if batch.truncated is None:
            return
        lsn, table = batch.truncated
        if lsn > max(state.truncated_lsn, state.applied_lsn) and lsn >= (state.switched_lsn or 0):
            raise RefusedError(
                f"{table} was truncated on the target; delete its rows on the legacy side by hand, then say there: "
                f"UPDATE understudy.way_back SET truncated_lsn = {lsn}",
                lsn=lsn,
                legacy=table,
            )

    def _write(self, cursor: Cursor, target: Connection, rows: list[Rows]) -> None:
        keys = look_up(cursor, target, _ids(rows))
        try:
            judged, owners = self._judge(cursor, target, rows, keys)
            steps = Steps(cursor)
            first: int | None = 0
            while first is not None:
                for each in judged:
                    self._stages.fill(cursor, target, each, keys)
                    _check_faults(cursor, each)
                first = _stretch(judged, keys, steps, owners, first)
            steps.end()
            for each in judged:
                _check_excluded(cursor, each)
        except RefusedError as error:
            error.row = _row_of(rows, error.number)
            raise

    def _judge(
        self, cursor: Cursor, target: Connection, rows: list[Rows], keys: Keys
    ) -> tuple[list[Rows], Owners]:
        """Say what becomes of each row, and give keys to the new ones, parents before children."""
        judged, born = [], []
        for each in rows:
            told, places = batches.judged(each, keys)
            told = completed(target, told)
            judged.append(told)
            born += [
                (told, back, new) for back, new in zip(told.table.entities, places, strict=True)
            ]
        for item in sorted(born, key=lambda item: self._order[item[1].name]):
            self._births.give(cursor, target, item, keys)
        ids = {
            back.name: set(told.frame[told.table.id_column].gather(new)) for told, back, new in born
        }
        return judged, Owners(born=ids)


def _stretch(rows: list[Rows], keys: Keys, steps: Steps, owners: Owners, first: int) -> int | None:
    """Write all rows from a number on; or those before one whose legacy key changes, which then has its new key.

    Returns:
        The number to go on with, once the stages know the new key; None: all is written.
    """
    cursor = steps.cursor
    moving = moves.first_from(cursor, rows, first)
    last = _LAST if moving is None else moving[0] - 1
    written = [each.between(first, last) for each in rows]
    for step in batches.steps(written):
        steps.take(step)
    owners.record(cursor, written, keys)
    if moving is None:
        return None
    moves.move(cursor, moving, keys)
    return moving[0]


def _row_of(rows: Sequence[Rows], number: int | None) -> str:
    """Target table and UUID of a row."""
    for each in rows:
        found = each.frame.filter(pl.col(statement.NUMBER) == number)
        if found.height:
            return f"{each.table.label} {found[each.table.id_column][0]}"
    return ""


def _fresh(frames: Mapping[str, pl.DataFrame], state: State) -> dict[str, pl.DataFrame]:
    """The rows that are neither applied already nor the forward side's own."""
    first = max(state.applied_lsn + 1, state.switched_lsn or 0)
    fresh = {topic: frame.filter(pl.col("__lsn") >= first) for topic, frame in frames.items()}
    return {topic: frame for topic, frame in fresh.items() if frame.height}


def _ids(rows: Sequence[Rows]) -> set[str]:
    """The UUIDs of rows, and of those that they refer to."""
    found: set[str] = set()
    for each in rows:
        columns = {each.table.id_column}
        columns |= {r.column for back in each.table.entities for r in back.references}
        for name in columns:
            found |= set(each.frame[name].drop_nulls().to_list())
    return found


def _check_excluded(cursor: Cursor, rows: Rows) -> None:
    """Refuse a row that the forward side would leave out: after a rollback it would delete it from the target."""
    for back in rows.table.entities:
        query = statement.excluded(rows.table, back)
        found = execute(cursor, query).fetchone() if query else None
        if found is not None:
            _refuse(rows, back, int(str(found[0])), "the rule `where` would leave the row out")


def _refuse(rows: Rows, back: Back, number: int, why: str) -> NoReturn:
    row = rows.frame.filter(pl.col(statement.NUMBER) == number)
    legacy = str(back.entity.source)
    raise RefusedError(why, lsn=row["__lsn"][0], number=number, legacy=legacy)


def _check_faults(cursor: Cursor, rows: Rows) -> None:
    """Refuse the first row with a value that its legacy column cannot have."""
    for back in rows.table.entities:
        query = statement.faults(rows.table, back)
        fault = execute(cursor, query).fetchone() if query else None
        if fault is not None:
            why = f"the value cannot be one of the legacy column {fault[1]}"
            _refuse(rows, back, int(str(fault[0])), why)
