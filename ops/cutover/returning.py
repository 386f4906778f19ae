"""What `rollback` does, state by state: the target is fenced, the way back drained, and the legacy side written again.

The forward side goes on where it stood; what it hears of first are the rows that the way back has written. The target
stays closed to its applications until the next switch. Each step may be done again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from ops.controls import audit
from ops.cutover import hooks, phases, reverse
from ops.cutover.beginning import WAY_BACK
from ops.cutover.gates import Sight
from ops.cutover.journal import Journal
from ops.cutover.laps import Laps
from ops.cutover.markers import quick_heartbeats
from ops.cutover.opening import OPENED, taken
from ops.cutover.order import Order
from ops.cutover.states import State
from ops.cutover.target_fence import TAKES, open_target, taken_of_target, target_fence
from ops.waiting import wait_until
from producers.source import source_errors
from schemas import failpoint
from schemas.errors import ConflictError, NotReadyError
from schemas.event_id import lsn_text

REMOVED = "way back removed"
CAUGHT_UP_S = 30.0  # Before the fence nobody waits for it.
POLL_S = 0.05
_LSN = "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_NOTIFY = "NOTIFY understudy, 'returned'"


class Returning:
    """One `rollback`, by the operator who holds the lock of the journal."""

    def __init__(self, order: Order, seen: Sight, journal: Journal) -> None:
        """Do nothing yet."""
        self._order = order
        self._seen = seen
        self._journal = journal
        self._fence = target_fence(seen.target, order.migration)
        self._deadline = time.monotonic() + order.timeout_s

    def run(self) -> None:
        """Bring it on until the legacy side is written again and the way back is gone.

        Raises:
            NotReadyError: There is no way back, it does not run, or is not drained in time: the target is open again.
            ConflictError: Workers do not begin again; or `understudy reverse` does not end.
        """
        if self._journal.state in (State.SWITCHED, State.FINISHED):
            self._require_way_back()
            self._close_fence()
        if self._journal.state is State.RETURNING:
            # Once it is ended it was drained, and the target has been closed ever since.
            if not self._is_way_back_ended():
                self._drain()
            self._return()
        if self._journal.last("after_rollback") is None:
            hooks.run(self._order, self._journal, "after_rollback")
        if self._journal.last(REMOVED) is None:
            self._remove()

    def _is_way_back_ended(self) -> bool:
        """Whether a rollback that was killed has ended the way back already: it takes over nothing any more."""
        state = reverse.state(self._seen.migration, self._seen.at)
        return state is not None and state.switched_lsn is None

    def _require_way_back(self) -> None:
        """See to it that the way back runs, and is not far behind."""
        if self._journal.last(WAY_BACK) is None:
            raise NotReadyError(
                "there is no way back: it was signed off that there would be none",
                remedy="Bring the legacy side up by hand; the target is not touched.",
            )
        self._order.say("waiting until the way back has caught up")
        self._await_applied(self._lsn(), time.monotonic() + CAUGHT_UP_S)

    def _close_fence(self) -> None:
        takes = self._fence.takes(taken_of_target(self._journal))
        self._journal.record(TAKES, takes.as_json())
        failpoint.reach("back.fence_recorded")
        began = time.monotonic()
        self._deadline = began + self._order.timeout_s
        self._order.say("closing the fence of the target: the write pause begins")
        with self._opening_on_failure():
            closed = self._fence.close(takes, self._deadline)
            seconds = time.monotonic() - began
            self._journal.record(
                "target fenced", asdict(closed), seconds=seconds, then=State.RETURNING
            )
        failpoint.reach("back.fenced")

    def _drain(self) -> None:
        """Have all of the target's changes written to the legacy side."""
        self._order.say("draining: what was written on the target is taken back")
        began = time.monotonic()
        with self._opening_on_failure(), quick_heartbeats(self._seen.at.target_dsn):
            lsn = self._lsn()
            self._await_applied(lsn, self._deadline)
            evidence = {"target_lsn": lsn_text(lsn)}
            self._journal.record("way back drained", evidence, seconds=time.monotonic() - began)
        failpoint.reach("back.drained")

    def _return(self) -> None:
        """Give the entities back to the forward side, and the legacy tables to their writers."""
        seen, laps, entities = self._seen, Laps(), list(self._seen.migration.entities)
        self._order.say("the workers begin again, with the identities of rows born on the target")
        with self._opening_on_failure():
            born = reverse.end_at_rollback(seen.migration, seen.at)
            laps.end("workers")
            failpoint.reach("back.ended")
        with seen.target.transaction():
            phases.move(seen.target, entities, "switched", "tail")
            evidence = {"born_on_the_target": born, "seconds": laps.seconds}
            if (given_back := taken(self._journal)) is not None:
                with source_errors():
                    seen.fence.open(given_back)
                self._journal.record(OPENED, {"why": "rolled back"})
            self._journal.record("returned", evidence, then=State.RETURNED)
            audit(seen.target, "rollback", seen.migration.pipeline.pipeline, evidence)
            seen.target.execute(_NOTIFY)
            failpoint.reach("back.before_return")
        failpoint.reach("back.returned")
        closed, opened = self._journal.last("target fenced"), self._journal.last("returned")
        pause = (opened.at - closed.at).total_seconds() if closed and opened else 0.0
        self._order.say(
            f"rolled back: the legacy side is written again; write pause: {pause:.2f} s"
        )

    def _remove(self) -> None:
        """Remove the way back, which would hold back WAL of the target; `understudy reverse` ends by itself."""
        deadline = time.monotonic() + CAUGHT_UP_S
        while True:
            try:
                reverse.drop(self._seen.migration, self._seen.at)
            except ConflictError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
            else:
                break
        self._journal.record(REMOVED, {})

    def _await_applied(self, lsn: int, deadline: float) -> None:
        migration, at = self._seen.migration, self._seen.at

        def late() -> NotReadyError:
            return NotReadyError(
                "the way back does not take over what the target has committed",
                lsn=lsn_text(lsn),
                remedy=f"understudy reverse {migration.folder} must run; then try again.",
            )

        wait_until(lambda: reverse.has_applied(migration, at, lsn), deadline, late, POLL_S)

    def _lsn(self) -> int:
        return int(str(self._seen.target.execute(_LSN).fetchall()[0][0]))

    @contextmanager
    def _opening_on_failure(self) -> Iterator[None]:
        """Open the target again whatever goes wrong within: its applications go on."""
        try:
            yield
        except BaseException as error:
            with self._seen.target.transaction():
                open_target(self._seen.target, self._journal, self._fence, str(error))
                if self._journal.state is State.RETURNING:
                    self._journal.record("rollback given up", {}, then=State.SWITCHED)
            raise
