"""What is done for a unit between two batches: obeying truncations, ending resyncs, trying again what waits."""

import time
from functools import partial

from consumers import resync, sweep, truncation
from consumers.assembly import Assembly
from consumers.gate import State
from consumers.points import Points
from consumers.schedule import Schedule
from consumers.target import Connection, Session
from consumers.unit import Unit
from consumers.vain import Vain
from schemas.event_id import EventId
from schemas.migration import Migration

SWEEP_EVERY_S = 1.0
# Sooner after a batch of a parent, but an entity is not swept for more than a fiftieth of the time, and while some
# entity has a backlog for less: of what waits, most may wait for ever.
SWEEP_SOON_S = 0.3
REST_TIMES, REST_TIMES_BUSY = 50.0, 300.0
REST_MAX_S, REST_MAX_BUSY_S = 1.0, 5.0
# The worker that has this partition of a topic does the chores of its entities.
_FIRST_PARTITION = 0


class Chores:
    """Finds out what has to be done, and has the lanes do it; for one thread."""

    def __init__(
        self, migration: Migration, schedule: Schedule, assembly: Assembly, points: Points
    ) -> None:
        """Nothing is due yet."""
        self._migration = migration
        self._schedule = schedule
        self._assembly = assembly
        self._points = points
        self._due_at: dict[str, float] = {}
        self._handed_out: dict[str, float] = {}
        self._swept: dict[str, tuple[float, float]] = {}  # When it ended, and what it took.
        self._parent_rows: dict[str, int] = {}
        self._vain = Vain()

    def look(self, connection: Connection, states: dict[str, State]) -> None:
        """Hand out what is due.

        Args:
            connection: To the target.
            states: Of the entities.
        """
        for unit in self._schedule.units:
            if unit.open and _FIRST_PARTITION in unit.committed:
                self._truncate(unit, states)
                for name in unit.entities:
                    self._resync(connection, unit, states[name], name)
                    self._sweep(connection, unit, name)

    def _truncate(self, unit: Unit, states: dict[str, State]) -> None:
        event_id = self._points.truncations.get(unit.topic)
        if event_id and any(states[name].truncated < event_id for name in unit.entities):
            chore = partial(self._obey, unit.topic, event_id)
            self._schedule.put_off(unit, "truncation", chore)

    def _obey(self, topic: str, event_id: EventId, session: Session) -> None:
        appliers = self._assembly.of(session.connection(), topic)
        session.prepare(appliers)
        for applier in appliers:
            truncation.obey(session.connection(), applier, event_id)

    def _resync(self, connection: Connection, unit: Unit, state: State, name: str) -> None:
        end = self._points.snapshots.get(unit.topic)
        if end is None or not end.since or state.resynced >= end.seen_from:
            return
        if resync.is_applied(connection, name, end):
            chore = partial(self._delete_unseen, unit.topic, name, end.seen_from)
            self._schedule.put_off(unit, f"resync {name}", chore)

    def _delete_unseen(self, topic: str, name: str, seen_from: EventId, session: Session) -> None:
        appliers = self._assembly.of(session.connection(), topic)
        session.prepare(appliers)
        for applier in appliers:
            if applier.plan.name == name:
                resync.delete_unseen(session.connection(), applier, seen_from)

    def _sweep(self, connection: Connection, unit: Unit, name: str) -> None:
        if not self._is_due(name):
            return
        applier = self._assembly.appliers.get(name)
        if applier is None:
            self._schedule.put_off(unit, "compile", partial(self._compile, unit.topic))
        elif sweep.may_have_work(connection, applier):
            self._schedule.put_off(
                unit, f"sweep {name}", partial(self._try_again, unit.topic, name)
            )

    def _compile(self, topic: str, session: Session) -> None:
        """Know how to apply a topic without having seen a record of it: what waits may be older than this worker."""
        self._assembly.of(session.connection(), topic)

    def _is_due(self, name: str) -> bool:
        """Once a second, and soon after a parent's batch was applied here."""
        now = time.monotonic()
        if now < self._handed_out.get(name, 0.0) + SWEEP_SOON_S or self._rests(name, now):
            return False
        parents = self._migration.parents(name)
        units = self._schedule.units
        rows = sum(u.applied_rows for u in units if not set(u.entities).isdisjoint(parents))
        due = now >= self._due_at.get(name, 0.0) or rows != self._parent_rows.get(name, 0)
        if due:
            self._handed_out[name] = now
            self._due_at[name] = now + SWEEP_EVERY_S
            self._parent_rows[name] = rows
        return due

    def _try_again(self, topic: str, name: str, session: Session) -> None:
        connection = session.connection()
        if sweep.is_asked_for(connection, name):
            self._assembly.forget(topic)
            self._vain.forget()
        applier = next(a for a in self._assembly.of(connection, topic) if a.plan.name == name)
        for child in applier.plan.children:
            if child.entity is not None:
                entity = self._migration.entities[child.entity]
                self._assembly.of(connection, self._migration.topic(entity))
        children = {child.entity for child in applier.plan.children}
        appliers = self._assembly.appliers
        session.prepare([applier, *(a for other, a in appliers.items() if other in children)])
        began = time.monotonic()
        swept = sweep.sweep(connection, applier, appliers, self._vain)
        if swept.tried < sweep.WAKE_MAX or swept.kept == swept.tried:
            now = time.monotonic()
            self._swept[name] = (now, now - began)
        else:
            self._swept.pop(name, None)

    def _rests(self, name: str, now: float) -> bool:
        """Whether its last sweep was only just; a rest that a backlog makes long ends with the backlog."""
        ended, took_s = self._swept.get(name, (0.0, 0.0))
        if self._schedule.is_busy():
            return now < ended + min(took_s * REST_TIMES_BUSY, REST_MAX_BUSY_S)
        return now < ended + min(took_s * REST_TIMES, REST_MAX_S)
