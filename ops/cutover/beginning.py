"""What `begin` does, state by state. Each step may be done again: it looks at what is so already.

Whatever goes wrong between the closing of the fence and the switch opens the fence again; only a process that is killed
leaves it closed, and the next `begin` goes on from there.
"""

import time
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import version

from ops import databases
from ops.controls import audit
from ops.cutover import drain, gates, hooks, phases, reverse, sequences
from ops.cutover.changed import compiled, verify_changed
from ops.cutover.gate import Gate, judge, require_met
from ops.cutover.gates import Sight
from ops.cutover.journal import Journal
from ops.cutover.laps import Laps
from ops.cutover.markers import Markers, quick_heartbeats
from ops.cutover.opening import TAKES, opening_on_failure, taken
from ops.cutover.order import APPLICATION, Order
from ops.cutover.states import NEXT, State
from ops.cutover.target_fence import open_target, target_fence
from ops.databases import Connection
from ops.proof.plans import Plans
from producers.source import source_errors
from schemas import failpoint
from schemas.errors import NotReadyError
from schemas.event_id import lsn_text, lsn_value

WAY_BACK = "way back begun"
VERIFY_S = 60.0  # Before the fence nobody waits for it.
_LSN = "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_NOTIFY = "NOTIFY understudy, 'switched'"


class Beginning:
    """One `begin`, by the operator who holds the lock of the journal."""

    def __init__(self, order: Order, seen: Sight, journal: Journal) -> None:
        """Do nothing yet."""
        self._order = order
        self._seen = seen
        self._journal = journal
        self._deadline = time.monotonic() + order.timeout_s
        self._plans: Plans | None = None

    def run(self) -> None:
        """Bring the cutover on until it is switched.

        Raises:
            NotReadyError: A gate is not met, or the source is not drained in time: the fence is open again.
            MismatchError: What changed since the last verification differs: the fence is open again.
        """
        failpoint.reach("cut.planned")
        state = self._journal.state
        if state is State.DRAINED:
            # Nobody watched since another process drained it.
            self._journal.record("drained again", {}, then=State.FENCED)
        elif state is State.PREPARED and taken(self._journal) is None:
            self._look()
        do = {
            State.PREPARED: lambda: self._look(State.PREPARED),
            State.FENCED: self._close_fence,
            State.DRAINED: self._drain,
            State.SWITCHED: self._switch,
        }
        while (then := NEXT.get(self._journal.state)) is not None:
            do[then]()
        self._begin_way_back()
        fence = target_fence(self._seen.target, self._seen.migration)
        open_target(self._seen.target, self._journal, fence, "switched again")
        if self._journal.last("after_switch") is None:
            hooks.run(self._order, self._journal, "after_switch")

    def _look(self, then: State | None = None) -> None:
        """Have the gates met and the way back prepared."""
        began, order = time.monotonic(), self._order
        order.say("looking at the gates")
        found = judge(gates.look(self._seen), order.accepted)
        require_met(found)
        evidence: dict[str, object] = {
            "gates": [gate.as_json() for gate in found],
            "versions": _versions(self._seen),
        }
        evidence["way_back"] = self._prepare_way_back(found)
        with self._seen.target.transaction():
            self._journal.accept(order.accepted, order.because)
            for gate in found:
                if gate.accepted:
                    detail = {
                        "count": gate.count,
                        "typed": order.accepted[gate.name].as_json(),
                        "because": order.because,
                    }
                    audit(self._seen.target, "cutover accept", gate.name, detail)
            self._journal.record("gates", evidence, seconds=time.monotonic() - began, then=then)
        failpoint.reach("cut.prepared")
        # What it looks at now need not be looked at while nobody can write.
        verify_changed(self._seen, self._compiled(), VERIFY_S)

    def _compiled(self) -> Plans:
        """All entities, compiled once; a `begin` that goes on after a kill has not done it before the fence."""
        if self._plans is None:
            self._plans = compiled(self._seen)
        return self._plans

    def _prepare_way_back(self, found: list[Gate]) -> dict[str, object] | None:
        """Have the target captured from now on, unless it was signed off that there is no way back."""
        if any(gate.name == gates.INVERSE and gate.accepted for gate in found):
            return None
        self._order.say(
            "preparing the way back; its slot waits for open transactions of the target"
        )
        prepared = asdict(reverse.prepare(self._seen.migration, self._seen.at))
        return {**prepared, "from_lsn": lsn_text(int(prepared["from_lsn"]))}

    def _close_fence(self) -> None:
        seen, journal = self._seen, self._journal
        before = taken(journal)
        if before is None:
            hooks.run(self._order, journal, "before_fence")
        with source_errors():
            takes = seen.fence.takes(before)
        if takes != before:
            journal.record(TAKES, takes.as_json())
        failpoint.reach("cut.fence_recorded")
        began = time.monotonic()
        self._deadline = began + self._order.timeout_s
        self._order.say("closing the fence: the write pause begins")
        with opening_on_failure(self._seen, self._journal):
            with source_errors():
                closed = seen.fence.close(takes, self._deadline)
            failpoint.reach("cut.fence_closed")
            seconds = time.monotonic() - began
            journal.record("fenced", asdict(closed), seconds=seconds, then=State.FENCED)
        failpoint.reach("cut.fenced")

    def _drain(self) -> None:
        began = time.monotonic()
        with opening_on_failure(self._seen, self._journal):
            evidence = self._drained()
            failpoint.reach("cut.before_drained")
            seconds = time.monotonic() - began
            self._journal.record("drained", evidence, seconds=seconds, then=State.DRAINED)
        failpoint.reach("cut.drained")

    def _drained(self) -> dict[str, object]:
        """Have all applied that was written before the fence, and prove it.

        Returns:
            The evidence.
        """
        seen, deadline, say = self._seen, self._deadline, self._order.say
        laps = Laps()
        with (
            closing(Markers(seen.migration, seen.at)) as markers,
            quick_heartbeats(seen.at.source_dsn),
        ):
            say("draining: what was written before the fence is being applied")
            first = markers.place(seen.source, f"cutover-{self._journal.cutover.id}-1", deadline)
            laps.end("marker")
            drain.await_applied(seen.target, seen.migration, first, deadline)
            laps.end("applied")
            failpoint.reach("cut.applied")
            plans = self._compiled()
            with databases.target(seen.at.target_dsn, APPLICATION) as session:
                waits = drain.await_nothing_new_waits(
                    session, seen.migration, plans.of_entities, self._journal.accepted(), deadline
                )
            laps.end("waiting")
            say("verifying what changed since the last verification")
            checked = verify_changed(seen, plans, max(1.0, deadline - time.monotonic()))
            laps.end("verified")
            raised = sequences.raise_all(seen.target, seen.migration)
            laps.end("sequences")
            say("proving that nobody wrote meanwhile")
            second = markers.place(seen.source, f"cutover-{self._journal.cutover.id}-2", deadline)
            leaks = markers.between(first, second)
            laps.end("second marker")
        if leaks:
            raise NotReadyError(
                f"the fence leaks: {leaks[0].table} was written to",
                lsn=leaks[0].lsn,
                op=leaks[0].op,
                changes=len(leaks),
                remedy="Find who writes with understudy.fence = off, or as a role that writers does not name.",
            )
        return {
            "marker_lsn": lsn_text(first.lsn),
            "second_marker_lsn": lsn_text(second.lsn),
            "ends": second.ends,
            "waiting": waits,
            "verified": checked,
            "sequences": [one.as_json() for one in raised],
            "seconds": laps.seconds,
        }

    def _switch(self) -> None:
        """Take the entities from the forward side, for good, in the transaction that says so."""
        target, entities = self._seen.target, list(self._seen.migration.entities)
        with opening_on_failure(self._seen, self._journal), target.transaction():
            phases.move(target, entities, "tail", "switched")
            drain.require_nothing_owed(target, self._compiled().of_entities)
            lsn = int(str(target.execute(_LSN).fetchall()[0][0]))
            evidence = {"entities": entities, "target_lsn": lsn_text(lsn)}
            self._journal.record("switched", evidence, then=State.SWITCHED)
            audit(target, "cutover switch", self._seen.migration.pipeline.pipeline, evidence)
            target.execute(_NOTIFY)
            failpoint.reach("cut.before_switch")
        failpoint.reach("cut.switched")
        self._order.say("switched: the target is written by its applications from now on")

    def _begin_way_back(self) -> None:
        """Tell the way back from where on it takes over; again, if that was not recorded."""
        journal, seen = self._journal, self._seen
        switched, looked = journal.last("switched"), journal.last("gates")
        if switched is None or looked is None or looked.evidence["way_back"] is None:
            return
        lsn = str(switched.evidence["target_lsn"])
        if journal.last(WAY_BACK) is None:
            reverse.begin_at_switch(seen.migration, seen.at, lsn_value(lsn))
            journal.record(WAY_BACK, {"from_lsn": lsn})


def _versions(seen: Sight) -> dict[str, str]:
    servers: dict[str, Connection] = {"source": seen.source, "target": seen.target}
    found = {
        side: str(session.execute("SHOW server_version").fetchall()[0][0])
        for side, session in servers.items()
    }
    return {"understudy": version("understudy"), **found}
