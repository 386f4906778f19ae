"""The target as it must be: what each transaction of an entity does to rows, mapping and what waits."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Protocol

from tests.model.history import BAD, Event, EventId, Row
from tests.model.overlay import NOTHING, Mapping, Version, lay_over
from tests.model.scenario import Scenario

# Policies that keep a reference valid; with the other one it is written without being asked for.
VALID_REFERENCES = ("park", "null", "stub", "dead-letter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a version: it waits, is deleted, or is written.

    Attributes:
        waits_for: base, rule, watermark, parent, children or unique; None: it does not wait.
        row: The target row; None for a delete.
        state: Of the mapping.
    """

    waits_for: str | None = None
    row: Row | None = None
    state: str = "live"


@dataclass(slots=True, kw_only=True)
class State:
    """One entity on the target.

    Attributes:
        why: What each waiting key waits for.
    """

    rows: dict[int, Row] = field(default_factory=dict)
    mapping: dict[int, Mapping] = field(default_factory=dict)
    waiting: dict[int, Version] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    truncated: EventId = NOTHING
    watermark: int = 0


class Target(Protocol):
    """What consumers do to a target: the model's, or a real one."""

    def settle(self, table: str, events: list[Event]) -> None:
        """Apply a batch in one transaction."""

    def truncate(self, table: str, event_id: EventId) -> None:
        """Obey a TRUNCATE."""

    def mark(self, table: str, lsn: int) -> None:
        """Record that all of a table is applied up to a marker."""

    def sweep(self) -> None:
        """Try again what waits."""

    def dump(self) -> object:
        """Everything, to be compared with another dump."""

    def states(self) -> dict[str, State]:
        """Rows and what waits, by table."""


class ModelTarget:
    """The rules, in memory.

    Args:
        scenario: Says which rules hold.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._rules = scenario.rules
        self._refers = scenario.shape.refers
        self._has_constraints = scenario.missing in VALID_REFERENCES
        self._states = {table: State() for table in scenario.shape.tables}

    def states(self) -> dict[str, State]:
        """The target."""
        return self._states

    def dump(self) -> object:
        """A copy of it."""
        return deepcopy(self._states)

    def mark(self, table: str, lsn: int) -> None:
        """A marker is applied."""
        self._states[table].watermark = max(self._states[table].watermark, lsn)

    # ------------------------------------------------------------------------------- one batch
    def settle(self, table: str, events: Iterable[Event], wake: Iterable[int] = ()) -> None:
        """One transaction of one entity: a batch, or the keys that something woke."""
        state = self._states[table]
        if "truncate" in self._rules:
            events = [event for event in events if event.id >= state.truncated]
        keys = {event.key for event in events} | set(wake)
        waiting = {key: version for key, version in state.waiting.items() if key in keys}
        newest = lay_over(self._rules, state.mapping, waiting, events)
        fates = self._fates(table, newest)
        for key, fate in fates.items():
            if fate.waits_for is None:
                self._write(state, key, newest[key], fate)
        for key, fate in fates.items():
            if fate.waits_for is not None:
                self._set_aside(table, key, newest[key], fate.waits_for)
        self._check()

    def _fates(self, table: str, newest: dict[int, Version]) -> dict[int, Fate]:
        """Set aside what cannot go in, until what is left goes in together."""
        aside: dict[int, str] = {}
        while True:
            going = {key: version for key, version in newest.items() if key not in aside}
            fates = {key: self._judge(table, key, going) for key in going}
            found = {key: fate.waits_for for key, fate in fates.items() if fate.waits_for}
            found = found or self._first_clash(table, newest, fates)
            if not found:
                return fates | {key: Fate(waits_for=why) for key, why in aside.items()}
            aside |= found

    def _judge(self, table: str, key: int, going: dict[int, Version]) -> Fate:
        version = going[key]
        if version.row is None:
            return self._judge_delete(table, key, going, "deleted")
        if version.is_partial:
            return Fate(waits_for="base")
        if version.row["a"] == BAD:
            return Fate(waits_for="rule")
        if self._is_excluded(version.row):
            return self._judge_delete(table, key, going, "excluded")
        return self._judge_reference(table, version.id, version.row, going)

    def _is_excluded(self, row: Row) -> bool:
        return bool(row["x"]) and "where" in self._rules

    def _judge_delete(self, table: str, key: int, going: dict[int, Version], state: str) -> Fate:
        is_held = "park_delete" in self._rules and key in self._states[table].rows
        if is_held and self._has_constraints and self._children(table, key, going):
            return Fate(waits_for="children")
        return Fate(state=state)

    def _children(self, table: str, key: int, going: dict[int, Version]) -> list[tuple[str, int]]:
        """The rows that will refer to a row when the batch is in."""
        found = []
        for child_table in self._scenario.shape.children(table):
            rows = dict(self._states[child_table].rows)
            for k, version in going.items() if child_table == table else ():
                rows.pop(k, None)
                if version.row is not None and not self._is_excluded(version.row):
                    rows[k] = version.row
            found += [(child_table, k) for k, row in rows.items() if row["p"] == key]
        return found

    def _will_be(self, version: Version) -> bool:
        """Whether a version that goes in leaves a row in the target."""
        return version.row is not None and not self._is_excluded(version.row)

    def _judge_reference(
        self, table: str, event_id: EventId, original: Row, going: dict[int, Version]
    ) -> Fate:
        row = {name: value for name, value in original.items() if name != "x"}
        parent_table, parent = self._refers.get(table), row.get("p")
        if parent_table is None or not isinstance(parent, int) or not self._has_constraints:
            return Fate(row=row)
        own = parent_table == table and parent in going and self._will_be(going[parent])
        if own or parent in self._states[parent_table].rows:
            return Fate(row=row)
        if "watermark" in self._rules and self._states[parent_table].watermark < event_id[0]:
            return Fate(waits_for="watermark")
        if self._scenario.missing == "null":
            return Fate(row={**row, "p": None})
        return Fate(waits_for="parent") if "park_parent" in self._rules else Fate(row=row)

    def _first_clash(
        self, table: str, newest: dict[int, Version], fates: dict[int, Fate]
    ) -> dict[int, str]:
        """The oldest version whose unique value another row will hold."""
        if "unique" not in self._rules:
            return {}
        rows = self._states[table].rows
        holders = {row["u"]: key for key, row in rows.items() if key not in fates}
        for key in sorted(fates, key=lambda key: newest[key].id):
            row = fates[key].row
            if row and row["u"] is not None and holders.setdefault(row["u"], key) != key:
                return {key: "unique"}
        return {}

    def _write(self, state: State, key: int, version: Version, fate: Fate) -> None:
        state.waiting.pop(key, None)
        state.why.pop(key, None)
        mapped = state.mapping.get(key)
        comes_back = mapped is not None and mapped.state == "withdrawn"
        if "fence" in self._rules and mapped and version.id <= mapped.id and not comes_back:
            return
        state.rows.pop(key, None)
        state.mapping[key] = Mapping(id=version.id, state=fate.state, row=version.row)
        if fate.row is not None:
            state.rows[key] = fate.row
        elif "tombs" not in self._rules:
            del state.mapping[key]

    def _set_aside(self, table: str, key: int, version: Version, why: str) -> None:
        state = self._states[table]
        state.waiting[key], state.why[key] = version, why
        if why == "parent" and key in state.rows and "withdraw" in self._rules:
            self._withdraw(table, key)

    def _withdraw(self, table: str, key: int) -> None:
        """Take a row out of the target; a row that others refer to stays until they are gone."""
        state = self._states[table]
        if not self._others(table, key):
            del state.rows[key]
            state.mapping[key] = replace(state.mapping[key], state="withdrawn")

    def _others(self, table: str, key: int) -> list[tuple[str, int]]:
        """The rows that refer to a row, but for itself."""
        return [child for child in self._children(table, key, {}) if child != (table, key)]

    def _check(self) -> None:
        """The constraints of the target."""
        for table, state in self._states.items():
            used = [row["u"] for row in state.rows.values() if row["u"] is not None]
            assert len(used) == len(set(used)), "unique key"
            if self._has_constraints and (parent := self._refers.get(table)):
                parents = {None, *self._states[parent].rows}
                assert all(row["p"] in parents for row in state.rows.values()), "foreign key"

    # ---------------------------------------------------------------------- truncations, sweeps
    def truncate(self, table: str, event_id: EventId) -> None:
        """Delete what is mapped or waits below a TRUNCATE."""
        state = self._states[table]
        if event_id <= state.truncated or "truncate" not in self._rules:
            return
        state.truncated = event_id
        known = {key: m.id for key, m in state.mapping.items() if m.state != "deleted"}
        for key, version in state.waiting.items():
            known[key] = min(version.id, known.get(key, version.id))
        self.settle(
            table,
            [
                Event(id=event_id, table=table, key=key, op="d")
                for key, known_id in known.items()
                if known_id < event_id
            ],
        )

    def sweep(self) -> None:
        """Try again what waits; let go of what holds back a delete; fill references."""
        for table in self._states:
            if "sweep" in self._rules:
                self._wake(table)
        for table in self._states:
            if "dangling" in self._rules:
                self._let_go(table)
        for table in self._refers:
            if "fill" in self._rules:
                self._fill(table)
        self._check()

    def _wake(self, table: str) -> None:
        state, parents = self._states[table], self._states[self._refers.get(table, table)].rows
        waiting = sorted(state.waiting)
        if "knot" not in self._rules:
            rows = {key: state.waiting[key].row for key in waiting if state.why[key] == "parent"}
            waiting = [key for key in waiting if (rows.get(key) or {}).get("p") in {None, *parents}]
        if "ring" in self._rules:
            self.settle(table, (), waiting)
            return
        for one in waiting:
            for other in waiting:
                self.settle(table, (), {one, other})

    def _let_go(self, table: str) -> None:
        """Children that still refer to what should be gone are run again by `missing`."""
        state = self._states[table]
        reasons = {"children", "parent"} if "older" in self._rules else {"children"}
        held = (key for key, why in state.why.items() if why in reasons)
        for key in sorted(key for key in held if key in state.rows):
            for child_table in self._scenario.shape.children(table):
                if self._states[child_table].watermark >= state.waiting[key].id[0]:
                    self._run_again(child_table, key)
            self.settle(table, (), {key})

    def _run_again(self, table: str, parent: int) -> None:
        state = self._states[table]
        for key in [key for key, row in state.rows.items() if row["p"] == parent]:
            if self._scenario.missing == "null":
                state.rows[key] = {**state.rows[key], "p": None}
            elif key in state.rows and ("below" in self._rules or not self._others(table, key)):
                self._take_out(table, key)

    def _take_out(self, table: str, key: int) -> None:
        """A row waits for its parent, and what refers to it is run again in turn."""
        state = self._states[table]
        mapped = state.mapping[key]
        del state.rows[key]
        state.mapping[key] = replace(mapped, state="withdrawn")
        if key not in state.waiting:
            state.waiting[key], state.why[key] = mapped.as_version(), "parent"
        for child_table in self._scenario.shape.children(table):
            self._run_again(child_table, key)

    def _fill(self, table: str) -> None:
        state, parents = self._states[table], self._states[self._refers[table]].rows
        for key, row in state.rows.items():
            original = state.mapping[key].row
            if row["p"] is None and original and original["p"] in parents:
                state.rows[key] = {**row, "p": original["p"]}
