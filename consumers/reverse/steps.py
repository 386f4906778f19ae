"""Writes the steps of a batch into the legacy tables, in commit order.

Rows that follow one another go in by one statement; where that is refused, one by one, in the order that the target has
accepted. What is refused then stops the way back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psycopg

from consumers.numbered import execute
from consumers.refusal import FOREIGN_KEYS, is_of_a_record
from consumers.reverse import statement
from consumers.reverse.batch import DELETED, Step
from consumers.reverse.control import Cursor
from consumers.reverse.plan import Back, TableBack
from consumers.reverse.refused import RefusedError
from consumers.reverse.statement import GONE, NEW, PUT

Build = Callable[[TableBack, Back], str]


class _LeftOutError(Exception):
    """The legacy side has written fewer rows than it was given."""

    def __init__(self, legacy: str) -> None:
        super().__init__(legacy)
        self.legacy = legacy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Postponed:
    """A delete that something still refers to; the target may have deleted the parent before its children."""

    step: Step
    number: int
    lsn: int

    def is_among(self, step: Step) -> bool:
        """Whether a step is about the same row."""
        id_ = self.step.ids[self.number - self.step.first]
        return step.table is self.step.table and id_ in step.ids


class Steps:
    """Takes the steps of one batch, in their order."""

    def __init__(self, cursor: Cursor) -> None:
        """Write in the transaction of this cursor."""
        self.cursor = cursor
        self._postponed: list[_Postponed] = []
        self._built: dict[tuple[str, str, int, frozenset[str]], str] = {}

    def take(self, step: Step) -> None:
        """Write the rows of a step.

        Raises:
            RefusedError: The legacy side does not take one.
        """
        self._settle(before=step.lsns[0])
        if step.op != DELETED and self._postponed:
            self._make_way(step)
        if step.first == step.last:
            self._one(step, step.first, step.lsns[0])
            return
        try:
            with self.cursor.connection.transaction():
                self._write(step, step.first, step.last)
        except _LeftOutError:
            self._each(step)
        except psycopg.Error as error:
            if not is_of_a_record(error):
                raise
            self._each(step)

    def end(self) -> None:
        """Do what was postponed; the batch is at its end.

        Raises:
            RefusedError: Something still refers to a row that the target has deleted.
        """
        self._settle(before=None)

    def _each(self, step: Step) -> None:
        for number, lsn in zip(range(step.first, step.last + 1), step.lsns, strict=True):
            self._settle(before=lsn)
            self._one(step, number, lsn)

    def _one(self, step: Step, number: int, lsn: int) -> None:
        try:
            if step.op == DELETED:
                with self.cursor.connection.transaction():
                    self._write(step, number, number)
            else:
                self._write(step, number, number)
        except psycopg.Error as error:
            if step.op == DELETED and error.sqlstate in FOREIGN_KEYS:
                self._postponed.append(_Postponed(step=step, number=number, lsn=lsn))
                return
            raise _refused(error, step, number, lsn) from error
        except _LeftOutError as error:
            why = "the legacy database left the row out without an error: a trigger does that"
            raise RefusedError(why, lsn=lsn, number=number, legacy=error.legacy) from error

    def _settle(self, before: int | None) -> None:
        """Delete what was postponed in transactions that have ended, the last first: children came after parents."""
        due = [p for p in self._postponed if before is None or p.lsn < before]
        if not due:
            return
        self._postponed = [p for p in self._postponed if p not in due]
        for postponed in reversed(due):
            try:
                self._write(postponed.step, postponed.number, postponed.number)
            except psycopg.Error as error:
                raise _refused(error, postponed.step, postponed.number, postponed.lsn) from error

    def _make_way(self, step: Step) -> None:
        """Delete what was postponed and can go by now: others may get its unique values, or it is written again.

        What is written again and cannot go yet stays: it has only changed.
        """
        kept = []
        for postponed in reversed(self._postponed):
            try:
                with self.cursor.connection.transaction():
                    self._write(postponed.step, postponed.number, postponed.number)
            except psycopg.Error as error:
                if error.sqlstate not in FOREIGN_KEYS:
                    raise _refused(
                        error, postponed.step, postponed.number, postponed.lsn
                    ) from error
                if not postponed.is_among(step):
                    kept.append(postponed)
        self._postponed = kept[::-1]

    def _write(self, step: Step, first: int, last: int) -> None:
        """Write a range of a step: what joins rows after the rows, and deletes the other way round."""
        backs = list(zip(step.table.entities, step.kinds, strict=True))
        size = last - first + 1
        for back, kind in reversed(backs) if step.op == DELETED else backs:
            if kind == GONE:
                self._run(statement.delete, step, back, (first, last))
            elif kind == NEW:
                self._expect(back, size, self._run(statement.insert, step, back, (first, last)))
            elif kind == PUT:
                self._put(step, back, first, last)

    def _put(self, step: Step, back: Back, first: int, last: int) -> None:
        update = partial(statement.update, without=step.unavailable)
        size = last - first + 1
        updated = self._run(update, step, back, (first, last))
        if updated < size and not step.unavailable:
            updated += self._run(statement.restore, step, back, (first, last))
        self._expect(back, size, updated)

    def _run(self, build: Build, step: Step, back: Back, numbers: tuple[int, int]) -> int:
        """Run a statement over some rows, built once a batch; how many it has written."""
        name = getattr(build, "__name__", "update")
        key = name, step.table.topic, back.number, step.unavailable
        if key not in self._built:
            self._built[key] = build(step.table, back)
        return execute(self.cursor, self._built[key], *numbers).rowcount

    def _expect(self, back: Back, expected: int, written: int) -> None:
        if written != expected:
            raise _LeftOutError(str(back.entity.source))


def _refused(error: psycopg.Error, step: Step, number: int, lsn: int) -> Exception:
    """What the server says of a row, without its text: that may quote values."""
    if not is_of_a_record(error):
        return error
    place = error.diag.constraint_name or error.diag.column_name or ""
    why = f"the legacy database refuses the row: {type(error).__name__} {place}".rstrip()
    return RefusedError(why, lsn=lsn, number=number, legacy=_legacy_of(step.table, error))


def _legacy_of(table: TableBack, error: psycopg.Error) -> str:
    names = [str(back.entity.source) for back in table.entities]
    told = f"{error.diag.schema_name}.{error.diag.table_name}"
    return told if told in names else names[0]
