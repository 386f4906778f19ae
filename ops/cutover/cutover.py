"""The cutover itself: `begin` brings the state on, step by step; `abort` leads back; `finish` ends it.

Each step may be done again: it looks at what is so already. Whatever goes wrong between the closing of the fence and
the switch opens the fence again; only a process that is killed leaves it closed, and `begin` goes on from there.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version

from ops import databases
from ops.controls import audit
from ops.cutover import drain, gates, hooks, sequences
from ops.cutover.fence import Fence, Taken
from ops.cutover.gate import Gate, judge, require_met
from ops.cutover.gates import Sight
from ops.cutover.journal import Journal
from ops.cutover.markers import Markers, quick_heartbeats
from ops.cutover.states import NEXT, State, may_abort
from ops.databases import Connection
from ops.proof import verify
from ops.proof.exact_point import Say
from ops.stack.state import Endpoints
from producers.source import source_errors
from schemas import failpoint
from schemas.errors import ConflictError, MismatchError, NotReadyError
from schemas.event_id import lsn_text
from schemas.migration import Migration

APPLICATION = "cutover"
TAKES, OPENED, AFTER_SWITCH = "fence takes", "fence opened", "after_switch"
VERIFY_S = 60.0  # Before the fence nobody waits for it.
_ENTITIES = """
    SELECT entity, phase FROM understudy.entities WHERE generation = 1 AND entity = ANY (%s)
    ORDER BY entity FOR UPDATE"""
_SWITCH = (
    "UPDATE understudy.entities SET phase = 'switched' WHERE generation = 1 AND entity = ANY (%s)"
)
_LSN = "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_NOTIFY = "NOTIFY understudy, 'switched'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator wants.

    Attributes:
        say: Told each step as it is done.
        timeout_s: How long the write pause may be; then the fence opens again.
        max_lag_s: How far behind the pipeline may be when the fence closes.
        accepted: Gates that are signed off, each with the count that was typed.
        because: Why they are.
    """

    migration: Migration
    at: Endpoints
    say: Say
    timeout_s: float
    max_lag_s: float
    accepted: Mapping[str, int]
    because: str | None


@contextmanager
def sight(order: Order) -> Iterator[Sight]:
    """A session with each side.

    Raises:
        SourceError: The source refuses.
        TargetError: The target refuses.
    """
    migration, at = order.migration, order.at
    places = list(dict.fromkeys(entity.source.place for entity in migration.entities.values()))
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        yield Sight(
            migration=migration,
            at=at,
            source=source,
            target=target,
            fence=Fence(source, migration.pipeline.cutover, places),
            max_lag_s=order.max_lag_s,
        )


def look(order: Order) -> list[Gate]:
    """The gates as they stand, with what is signed off; nothing is changed."""
    with sight(order) as seen:
        return judge(gates.look(seen), order.accepted)


def begin(order: Order) -> None:
    """Bring a cutover on until it is switched: a new one, or the one that is open.

    Raises:
        NotReadyError: A gate is not met, or the source is not drained in time: the fence is open again.
        MismatchError: What changed since the last verification differs: the fence is open again.
        ConflictError: Another operator is at it.
    """
    with sight(order) as seen:
        _Beginning(order, seen, Journal.open(seen.target, begins=True)).run()


def abort(order: Order) -> None:
    """Open the fence and leave everything as before.

    Raises:
        NotReadyError: No cutover is open, or it is switched already.
        ConflictError: Another operator is at it.
    """
    with sight(order) as seen:
        journal = Journal.open(seen.target, begins=False)
        if not may_abort(journal.state):
            raise NotReadyError(
                "the target is written by its applications already", remedy="understudy rollback"
            )
        _open_fence(seen, journal, State.ABORTED, "aborted by the operator")
        order.say("aborted: the legacy side is written as before, and the pipeline goes on")
        _run_hook(order, journal, "after_abort")


def finish(order: Order) -> None:
    """End a cutover that is switched. The fence of the legacy tables stays closed.

    Raises:
        NotReadyError: No cutover is open, or it is not switched.
        ConflictError: Another operator is at it.
    """
    with sight(order) as seen:
        journal = Journal.open(seen.target, begins=False)
        if journal.state is not State.SWITCHED:
            raise NotReadyError(
                f"the cutover is {journal.state}, not switched", remedy="understudy cutover begin"
            )
        journal.record("finished", {}, then=State.FINISHED)
        failpoint.reach("cut.finished")


class _Beginning:
    def __init__(self, order: Order, seen: Sight, journal: Journal) -> None:
        self._order = order
        self._seen = seen
        self._journal = journal
        self._deadline = time.monotonic() + order.timeout_s

    def run(self) -> None:
        failpoint.reach("cut.planned")
        state = self._journal.state
        if state is State.DRAINED:
            # Nobody watched since another process drained it.
            self._journal.record("drained again", {}, then=State.FENCED)
        elif state is State.PREPARED and _taken(self._journal) is None:
            self._look()
        do = {
            State.PREPARED: lambda: self._look(State.PREPARED),
            State.FENCED: self._close_fence,
            State.DRAINED: self._drain,
            State.SWITCHED: self._switch,
        }
        while (then := NEXT.get(self._journal.state)) is not None:
            do[then]()
        _run_hook(self._order, self._journal, AFTER_SWITCH)

    def _look(self, then: State | None = None) -> None:
        """Have the gates met and the way back prepared."""
        began, order = time.monotonic(), self._order
        order.say("looking at the gates")
        found = judge(gates.look(self._seen), order.accepted)
        require_met(found)
        evidence = {"gates": [gate.as_json() for gate in found], "versions": _versions(self._seen)}
        with self._seen.target.transaction():
            self._journal.accept(order.accepted, order.because)
            for gate in found:
                if gate.accepted:
                    detail = {"count": gate.count, "because": order.because}
                    audit(self._seen.target, "cutover accept", gate.name, detail)
            self._journal.record("gates", evidence, seconds=time.monotonic() - began, then=then)
        failpoint.reach("cut.prepared")
        # What it looks at now need not be looked at while nobody can write.
        self._verify(VERIFY_S)

    def _verify(self, timeout_s: float) -> dict[str, object]:
        """Verify what has changed since the last verification.

        Returns:
            The evidence.

        Raises:
            MismatchError: A row differs.
        """
        seen, options = self._seen, verify.Options(since="last")
        entities = list(seen.migration.entities)
        found = verify.take(
            seen.migration, seen.at, entities, _silent, timeout_s=timeout_s, options=options
        )
        if not found.is_clean:
            raise MismatchError(
                "what changed since the last verification differs",
                rows=found.differing,
                remedy=f"understudy verify {seen.migration.folder}",
            )
        return {"lsn": lsn_text(found.lsn), "at": found.at.isoformat(), "seconds": found.seconds}

    def _close_fence(self) -> None:
        seen, journal = self._seen, self._journal
        before = _taken(journal)
        if before is None:
            _run_hook(self._order, journal, "before_fence")
        with source_errors():
            taken = seen.fence.takes(before)
        if taken != before:
            journal.record(TAKES, taken.as_json())
        failpoint.reach("cut.fence_recorded")
        began = time.monotonic()
        self._deadline = began + self._order.timeout_s
        self._order.say("closing the fence: the write pause begins")
        with self._opening_on_failure():
            with source_errors():
                closed = seen.fence.close(taken, self._deadline)
            failpoint.reach("cut.fence_closed")
            seconds = time.monotonic() - began
            journal.record("fenced", asdict(closed), seconds=seconds, then=State.FENCED)
        failpoint.reach("cut.fenced")

    def _drain(self) -> None:
        began = time.monotonic()
        with self._opening_on_failure():
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
        with (
            closing(Markers(seen.migration, seen.at)) as markers,
            quick_heartbeats(seen.at.source_dsn),
        ):
            say("draining: what was written before the fence is being applied")
            first = markers.place(seen.source, f"cutover-{self._journal.cutover.id}-1", deadline)
            drain.await_applied(seen.target, seen.migration, first, deadline)
            failpoint.reach("cut.applied")
            with databases.target(seen.at.target_dsn, APPLICATION) as session:
                accepted = self._journal.accepted()
                waits = drain.await_nothing_new_waits(session, seen.migration, accepted, deadline)
            say("verifying what changed since the last verification")
            checked = self._verify(max(1.0, deadline - time.monotonic()))
            raised = sequences.raise_all(seen.target, seen.migration)
            say("proving that nobody wrote meanwhile")
            second = markers.place(seen.source, f"cutover-{self._journal.cutover.id}-2", deadline)
            leaks = markers.between(first, second)
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
        }

    def _switch(self) -> None:
        """Take the entities from the forward side, for good, in the transaction that says so."""
        target, entities = self._seen.target, list(self._seen.migration.entities)
        with self._opening_on_failure(), target.transaction():
            # Whoever applies a batch has these rows locked.
            phases = target.execute(_ENTITIES, [entities]).fetchall()
            if {str(phase) for _, phase in phases} != {"tail"} or len(phases) != len(entities):
                raise ConflictError("an entity has left the tail meanwhile")
            target.execute(_SWITCH, [entities])
            lsn = int(str(target.execute(_LSN).fetchall()[0][0]))
            evidence = {"entities": entities, "target_lsn": lsn_text(lsn)}
            self._journal.record("switched", evidence, then=State.SWITCHED)
            audit(target, "cutover switch", self._seen.migration.pipeline.pipeline, evidence)
            target.execute(_NOTIFY)
            failpoint.reach("cut.before_switch")
        failpoint.reach("cut.switched")
        self._order.say("switched: the target is written by its applications from now on")

    @contextmanager
    def _opening_on_failure(self) -> Iterator[None]:
        """Open the fence again whatever goes wrong; where that is not possible, say that it is closed."""
        try:
            yield
        except BaseException as error:
            try:
                _open_fence(self._seen, self._journal, State.PREPARED, str(error))
            except Exception as second:  # noqa: BLE001 - noted; the first error is the one to be raised
                error.add_note(
                    f"the fence could not be opened ({type(second).__name__}): the legacy side is closed to writes "
                    "until understudy cutover begin or abort"
                )
            raise


def _open_fence(seen: Sight, journal: Journal, then: State, why: str) -> None:
    """Give back what the fence took, in the transaction that says so: nobody can switch meanwhile."""
    with seen.target.transaction():
        if not may_abort(journal.settled_state()):
            return
        taken = _taken(journal)
        if taken is not None:
            with source_errors():
                seen.fence.open(taken)
        journal.record(OPENED, {"why": why}, then=None if journal.state is then else then)


def _taken(journal: Journal) -> Taken | None:
    """What the fence has taken and not given back."""
    step = journal.last(TAKES, OPENED)
    return Taken.from_json(step.evidence) if step and step.step == TAKES else None


def _run_hook(order: Order, journal: Journal, name: str) -> None:
    command = getattr(order.migration.pipeline.cutover, name)
    if command is None or (name == AFTER_SWITCH and journal.last(name)):
        return
    order.say(f"running {name}")
    began = time.monotonic()
    ran = hooks.run(name, command)
    journal.record(name, ran.as_json(), seconds=time.monotonic() - began)


def _silent(_text: str) -> None:
    """The steps of a verification within a step of ours are not told."""


def _versions(seen: Sight) -> dict[str, str]:
    servers: dict[str, Connection] = {"source": seen.source, "target": seen.target}
    found = {
        side: str(session.execute("SHOW server_version").fetchall()[0][0])
        for side, session in servers.items()
    }
    return {"understudy": version("understudy"), **found}
