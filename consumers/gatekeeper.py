"""Opens and closes units by what the control tables say, and moves entities from the backfill to the tail."""

from datetime import datetime

import structlog

from consumers import gate
from consumers.gate import State
from consumers.points import Points
from consumers.schedule import Schedule
from consumers.target import Connection
from consumers.unit import Unit
from consumers.watermarks import Watermarks
from schemas.errors import RulesChangedError
from schemas.migration import Migration

log = structlog.get_logger(__name__)


class Gatekeeper:
    """Keeps the units of a worker in step with understudy.entities."""

    def __init__(
        self,
        migration: Migration,
        schedule: Schedule,
        points: Points,
        watermarks: Watermarks,
        since: datetime,
    ) -> None:
        """Look at nothing yet: all units stay closed.

        Args:
            migration: As it was read.
            schedule: Holds the units.
            points: Tell where snapshots end.
            watermarks: Told which truncations are obeyed.
            since: When the migration was read, by the target's clock.
        """
        self._since = since
        self._migration = migration
        self._waits = gate.waits(migration)
        self._schedule = schedule
        self._points = points
        self._watermarks = watermarks
        self.states: dict[str, State] = {}

    def look(self, connection: Connection) -> None:
        """Read the states, end backfills that are over, open and close.

        Raises:
            RulesChangedError: Rules of ours were changed since they were read.
        """
        self.states = gate.states(connection)
        self._require_present_rules()
        moved = [self._end_backfills(connection, unit) for unit in self._schedule.units]
        if any(moved):
            self.states = gate.states(connection)
        held = gate.holds(connection)
        changed: dict[str, bool] = {}
        for unit in self._schedule.units:
            truncated = [
                self.states[name].truncated for name in unit.entities if name in self.states
            ]
            if truncated:
                self._watermarks.obeyed[unit.topic] = min(truncated)
            self._schedule.limit(unit, held.get(unit.topic, {}))
            open_ = gate.is_open(unit.entities, self._waits[unit.topic], self.states)
            if open_ is not unit.open:
                changed[unit.topic] = open_
                self._schedule.set_open(unit, open_=open_)
        for topic, open_ in changed.items():
            log.info("open" if open_ else "closed", topic=topic)

    def _require_present_rules(self) -> None:
        for unit in self._schedule.units:
            for name in unit.entities:
                reload_at = self.states[name].reload_at if name in self.states else None
                if reload_at is not None and reload_at > self._since:
                    raise RulesChangedError(entity=name)

    def _end_backfills(self, connection: Connection, unit: Unit) -> bool:
        snapshot = self._points.snapshots.get(unit.topic)
        known = [name for name in unit.entities if name in self.states]
        filling = [name for name in known if snapshot and self.states[name].phase == "backfill"]
        moved = [n for n in filling if snapshot and gate.end_backfill(connection, n, snapshot)]
        for name in moved:
            gate.analyze(connection, self._migration.entities[name])
        return bool(moved)
