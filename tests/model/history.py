"""The source: random transactions on the legacy tables, and what the server sends of them."""

from dataclasses import dataclass, field
from random import Random

from tests.model.scenario import Scenario

Row = dict[str, int | str | None]
Tables = dict[str, dict[int, Row]]
# (commit LSN, ordinal in the transaction): an event id within one epoch.
EventId = tuple[int, int]

# A TOASTed value that the server did not send, and a value that the rules refuse.
UNAVAILABLE, BAD = "unavailable", -1
# Commits are this far apart; the consistent point of a slot lies half-way between two.
COMMIT_STEP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of one row.

    Attributes:
        op: c insert, u update, d delete, r read by a snapshot.
        row: After the change; None for a delete.
        moved: Whether the insert is one half of a key change.
    """

    id: EventId
    table: str
    key: int
    op: str
    row: Row | None = None
    moved: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether a column was not sent."""
        return self.row is not None and self.row["t"] == UNAVAILABLE


@dataclass(slots=True, kw_only=True)
class History:
    """What the source committed.

    Attributes:
        tables: The rows at the end.
        states: The rows after each commit LSN.
        versions: (table, key, row) of every row that ever was.
        truncations: (event id, table) of every TRUNCATE.
    """

    tables: Tables
    events: list[Event] = field(default_factory=list)
    states: dict[int, Tables] = field(default_factory=dict)
    versions: list[tuple[str, int, Row]] = field(default_factory=list)
    truncations: list[tuple[EventId, str]] = field(default_factory=list)


def history(rng: Random, scenario: Scenario) -> History:
    """Commit random transactions, and at last one that corrects every bad value."""
    writer = _Writer(rng, scenario)
    for _ in range(scenario.transactions):
        writer.begin()
        for _ in range(rng.randint(1, 3)):
            writer.change()
        writer.commit()
    writer.begin()
    writer.correct()
    writer.commit()
    return writer.log


class _Writer:
    def __init__(self, rng: Random, scenario: Scenario) -> None:
        self._rng, self._scenario = rng, scenario
        self._tables: Tables = {table: {} for table in scenario.shape.tables}
        self.log = History(tables=self._tables)
        self._lsn = self._ordinal = self._serial = 0
        self.commit()

    def begin(self) -> None:
        self._lsn += COMMIT_STEP
        self._ordinal = 0

    def commit(self) -> None:
        self.log.states[self._lsn] = {
            table: {key: dict(row) for key, row in rows.items()}
            for table, rows in self._tables.items()
        }

    def change(self) -> None:
        """One random statement on one random row."""
        rng, scenario = self._rng, self._scenario
        table, dice, key = (
            rng.choice(scenario.shape.tables),
            rng.random(),
            rng.choice(scenario.keys),
        )
        row = self._tables[table].get(key)
        if dice < scenario.truncate:
            self._truncate(table)
        elif row is None:
            self._write(table, key, self._random_row(table, key))
        elif dice < 0.25:
            self._remove(table, key)
        elif dice < 0.40 and scenario.moves:
            self._move(table, key)
        elif scenario.unique and dice < (0.65 if scenario.dense else 0.50):
            self._rotate(table)
        elif dice < 0.75:
            self._write(table, key, {**self._random_row(table, key), "t": row["t"]})
        else:
            self._write(table, key, self._random_row(table, key), sends_toast=True)

    def correct(self) -> None:
        for table, rows in self._tables.items():
            for key, row in list(rows.items()):
                if row["a"] == BAD:
                    self._write(table, key, {**row, "a": 0})

    def _random_row(self, table: str, key: int) -> Row:
        rng, scenario = self._rng, self._scenario
        self._serial += 1
        row: Row = {"a": rng.randint(0, 3), "t": f"T{self._serial}"}
        row["x"] = int(rng.random() < scenario.excluded)
        row["a"] = BAD if rng.random() < scenario.bad else row["a"]
        row["u"] = self._free_unique(table, key) if scenario.unique else None
        if parent := scenario.shape.refers.get(table):
            known = self._tables[parent] if scenario.source_fk else scenario.keys
            row["p"] = rng.choice([None, *known])
        return row

    def _free_unique(self, table: str, key: int) -> int | None:
        taken = {other["u"] for k, other in self._tables[table].items() if k != key}
        free = [n for n in (1, 2, 3) if n not in taken]
        return self._rng.choice(free if free and self._scenario.dense else [None, *free])

    def _write(self, table: str, key: int, row: Row, *, sends_toast: bool = False) -> None:
        before = self._tables[table].get(key)
        self._store(table, key, row)
        if before is None:
            self._emit(table, key, "c", row)
            return
        unchanged = before["t"] == row["t"] and not sends_toast
        self._emit(table, key, "u", self._sent(row) if unchanged else row)

    def _store(self, table: str, key: int, row: Row) -> None:
        self._tables[table][key] = dict(row)
        self.log.versions.append((table, key, dict(row)))

    def _sent(self, row: Row) -> Row:
        """A row whose TOASTed value did not change, as it is sent."""
        hidden = self._rng.random() < self._scenario.partial
        return {**row, "t": UNAVAILABLE} if hidden else row

    def _remove(self, table: str, key: int) -> None:
        referring = self._referring(table, key) if self._scenario.source_fk else []
        if referring and self._rng.random() < 0.5:
            return
        del self._tables[table][key]
        for child_table, child in referring:
            if child in self._tables[child_table]:
                self._remove(child_table, child)
        self._emit(table, key, "d")

    def _referring(self, table: str, key: int) -> list[tuple[str, int]]:
        return [
            (child_table, child)
            for child_table in self._scenario.shape.children(table)
            for child, row in self._tables[child_table].items()
            if row["p"] == key
        ]

    def _move(self, table: str, key: int) -> None:
        """Change a key; the children follow, unless the source does not care."""
        rng, scenario = self._rng, self._scenario
        free = [k for k in scenario.keys if k not in self._tables[table]]
        if not free:
            return
        new, row = rng.choice(free), {**self._tables[table].pop(key), "a": rng.randint(0, 3)}
        self._store(table, new, row)
        self._emit(table, key, "d")
        self._emit(table, new, "c", self._sent(row), moved=True)
        if scenario.shape.children(table) and (scenario.source_fk or rng.random() < 0.5):
            for child_table, child in self._referring(table, key):
                self._write(child_table, child, {**self._tables[child_table][child], "p": new})

    def _rotate(self, table: str) -> None:
        """Pass the unique values of some rows on to the next of them."""
        rows = self._tables[table]
        ring = self._rng.sample(sorted(rows), min(len(rows), self._rng.randint(2, 3)))
        values = [rows[key]["u"] for key in ring]
        for key, value in zip(ring, values[1:] + values[:1], strict=True):
            self._write(table, key, {**rows[key], "u": value})

    def _truncate(self, table: str) -> None:
        """It takes an ordinal of its own, and the tables that refer to this one with it."""
        self._ordinal += 1
        for name in self._with_referring(table) if self._scenario.source_fk else (table,):
            self._tables[name].clear()
            self.log.truncations.append(((self._lsn, self._ordinal), name))

    def _with_referring(self, table: str) -> list[str]:
        found = [table]
        for name in found:
            found += [c for c in self._scenario.shape.children(name) if c not in found]
        return found

    def _emit(
        self, table: str, key: int, op: str, row: Row | None = None, *, moved: bool = False
    ) -> None:
        self._ordinal += 1
        self.log.events.append(
            Event(
                id=(self._lsn, self._ordinal),
                table=table,
                key=key,
                op=op,
                row=row and dict(row),
                moved=moved,
            )
        )
