"""What the target should have of legacy rows, beside what it has; nothing is written but the staging table.

Rules, identity, SQL and staging are those of the apply. A row that is as expected costs one look-up; only of the others
it is asked what the control schema knows of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import psycopg

from consumers import compare_sql, images, judge
from consumers.numbered import execute
from consumers.refusal import is_of_a_record
from consumers.stage import Stage
from schemas.errors import RecordError

Cursor = psycopg.Cursor[tuple[object, ...]]
Values = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the control schema records of a legacy key.

    Attributes:
        state: Of the mapping; None: nothing was ever applied.
        owed: UUIDs of parents that the row does without for now.
        current: Whether the image in the mapping is the legacy row as it is; None: it was not kept, or the table has
            other columns since.
        waits: Why something waits for the key; None: nothing does.
        deleted: Whether what waits is a delete.
        given_up: Whether an operator has given the row up.
    """

    state: str | None = None
    spec_version: int | None = None
    owed: tuple[str, ...] = ()
    current: bool | None = None
    waits: str | None = None
    deleted: bool = False
    given_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexpected:
    """A row that the target has otherwise than the rules make it.

    Attributes:
        is_expected: Whether it should be in the target.
        is_there: Whether it is.
        columns: Expected and found text of each column that differs.
    """

    key: str
    is_expected: bool
    is_there: bool
    standing: Standing
    columns: dict[str, Values] = field(default_factory=dict)


class Expectation:
    """Compares rows of one entity; in a transaction of the caller, with the stage prepared."""

    def __init__(self, stage: Stage) -> None:
        """Compare by the rules of this stage."""
        self._stage = stage
        self._plan = stage.plan

    def unexpected(self, cursor: Cursor, legacy: pl.DataFrame) -> list[Unexpected]:
        """Compare whole legacy rows with the target.

        Where the rules fail on a row, halves of them are compared, down to the one at fault.

        Args:
            cursor: In a transaction that sees the target as it was when the rows were.
            legacy: In the legacy columns, as `Stage.fill` takes them.
        """
        if legacy.is_empty():
            return []
        self._stage.empty(cursor)
        try:
            with cursor.connection.transaction():
                return self._compare(cursor, legacy)
        except (psycopg.Error, RecordError) as error:
            if cursor.connection.closed or not is_of_a_record(error):
                raise
            if legacy.height == 1:
                return self._refused(cursor, legacy, self._stage.keys(legacy).to_list())
        half = legacy.height // 2
        return self.unexpected(cursor, legacy[:half]) + self.unexpected(cursor, legacy[half:])

    def remaining(self, cursor: Cursor, keys: Sequence[str]) -> list[Unexpected]:
        """Of legacy keys that the source does not have, those whose rows the target has."""
        rows = execute(cursor, compare_sql.present(self._plan), list(keys)).fetchall()
        there = {str(key): True for (key,) in rows}
        return self._found(cursor, None, there, expected=False)

    def _compare(self, cursor: Cursor, legacy: pl.DataFrame) -> list[Unexpected]:
        self._stage.fill(cursor, legacy)
        refused, excluded = judge.by_rules(cursor, self._plan)
        rows = cursor.execute(compare_sql.differing(self._plan)).fetchall()
        found = self._found(cursor, legacy, {str(key): bool(there) for key, there in rows})
        if excluded and not self._plan.entity.joined:
            rows = cursor.execute(compare_sql.left_in(self._plan)).fetchall()
            left = {str(key): True for (key,) in rows}
            found += self._found(cursor, legacy, left, expected=False)
        return found + self._refused(cursor, legacy, list(refused))

    def _refused(self, cursor: Cursor, legacy: pl.DataFrame, keys: list[str]) -> list[Unexpected]:
        """Rows that the rules refuse: they are expected to wait."""
        rows = execute(cursor, compare_sql.present(self._plan), keys).fetchall() if keys else []
        there = {str(key) for (key,) in rows}
        known = {key: key in there for key in keys}
        return self._found(cursor, legacy, known, expected=False)

    def _found(
        self,
        cursor: Cursor,
        legacy: pl.DataFrame | None,
        keys: dict[str, bool],
        *,
        expected: bool = True,
    ) -> list[Unexpected]:
        """What is known of some keys, each with whether the target has it; rows whose texts are equal are left out."""
        if not keys:
            return []
        standing = self._standing(cursor, legacy, list(keys))
        both = self._side_by_side(cursor, keys) if expected else {}
        found = []
        for key, is_there in keys.items():
            columns = self._without_owed(both.get(key, {}), standing[key])
            if is_there and expected and not columns:
                continue
            found.append(
                Unexpected(
                    key=key,
                    is_expected=expected,
                    is_there=is_there,
                    standing=standing[key],
                    columns=columns,
                )
            )
        return found

    def _side_by_side(self, cursor: Cursor, keys: dict[str, bool]) -> dict[str, dict[str, Values]]:
        there = [key for key, is_there in keys.items() if is_there]
        names = [written.column for written in compare_sql.compared(self._plan)]
        rows = execute(cursor, compare_sql.side_by_side(self._plan), there).fetchall()
        return {
            str(key): {
                name: (_text(texts[2 * at]), _text(texts[2 * at + 1]))
                for at, name in enumerate(names)
                if texts[2 * at] != texts[2 * at + 1]
            }
            for key, *texts in rows
        }

    def _without_owed(self, columns: dict[str, Values], standing: Standing) -> dict[str, Values]:
        """Without the references that the row does without until their parent comes."""
        references = {reference.column for reference in self._plan.references}
        return {
            name: (ours, theirs)
            for name, (ours, theirs) in columns.items()
            if not (name in references and theirs is None and ours in standing.owed)
        }

    def _standing(
        self, cursor: Cursor, legacy: pl.DataFrame | None, keys: list[str]
    ) -> dict[str, Standing]:
        rows = execute(cursor, compare_sql.standing(self._plan), keys).fetchall()
        now = {} if legacy is None else self._images(legacy, keys)
        return {
            str(key): Standing(
                state=_text(state),
                spec_version=None if version is None else int(str(version)),
                owed=tuple(map(str, owed)) if isinstance(owed, list) else (),
                current=_is_current(original, now.get(str(key))),
                waits=_text(waits),
                deleted=bool(deleted),
                given_up=bool(given_up),
            )
            for key, state, version, owed, original, waits, deleted, given_up in rows
        }

    def _images(self, legacy: pl.DataFrame, keys: list[str]) -> dict[str, dict[str, object]]:
        named = legacy.with_columns(self._stage.keys(legacy))
        chosen = named.filter(pl.col("__key").is_in(keys))
        encoded = images.encode(chosen, self._plan.legacy.columns).to_list()
        return dict(zip(chosen["__key"].to_list(), map(json.loads, encoded), strict=True))


def _is_current(original: object, now: dict[str, object] | None) -> bool | None:
    """Whether an image is the legacy row as it is; None where that cannot be told."""
    if original is None or now is None:
        return None
    then = json.loads(str(original))
    if any(then[name] != now[name] for name in then.keys() & now.keys()):
        return False
    return True if then.keys() == now.keys() else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
