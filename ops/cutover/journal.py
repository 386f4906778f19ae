"""The journal of a cutover, in the control schema of the target: each step's state and evidence in one transaction."""

import getpass
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from consumers import control
from ops.controls import require_control
from ops.cutover import states
from ops.cutover.gate import Signature
from ops.cutover.states import State
from ops.databases import Connection
from schemas.errors import ConflictError, InvariantError, NotReadyError

# Any number that nobody else takes.
_LOCK = "SELECT pg_try_advisory_lock(hashtext('understudy'), hashtext('cutover'))"
_NEWEST = """
    SELECT id, state, who, began_at, ended_at, accepted, because FROM understudy.cutovers ORDER BY id DESC LIMIT 1"""
_HAS_JOURNAL = "SELECT to_regclass('understudy.cutovers') IS NOT NULL"
_ADD = "INSERT INTO understudy.cutovers (who) VALUES (%s)"
_LOCKED_STATE = "SELECT state FROM understudy.cutovers WHERE id = %s FOR UPDATE"
_MOVE = """
    UPDATE understudy.cutovers SET state = %(then)s, ended_at = CASE WHEN %(ended)s THEN clock_timestamp() END
    WHERE id = %(id)s"""
_STEP = "INSERT INTO understudy.cutover_steps (cutover, step, seconds, evidence) VALUES (%s, %s, %s, %s)"
_STEPS = """
    SELECT step, at, seconds, who, evidence FROM understudy.cutover_steps WHERE cutover = %s ORDER BY n"""
_LAST_EVER = """
    SELECT step, at, seconds, who, evidence FROM understudy.cutover_steps WHERE step = ANY (%s)
    ORDER BY n DESC LIMIT 1"""
_TO_ROLL_BACK = (State.SWITCHED, State.FINISHED, State.RETURNING, State.RETURNED)
_ACCEPT = "UPDATE understudy.cutovers SET accepted = %s, because = %s WHERE id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutover:
    """A row of understudy.cutovers.

    Attributes:
        accepted: As `Signature.as_json`, by gate.
    """

    id: int
    state: State
    who: str
    began_at: datetime
    ended_at: datetime | None
    accepted: dict[str, int | str]
    because: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done: what, when it was done, how long it took, and what shows it."""

    step: str
    at: datetime
    seconds: float | None
    who: str
    evidence: dict[str, Any]


def newest(connection: Connection) -> Cutover | None:
    """The open cutover, or the last one; None before the first.

    Raises:
        NotReadyError: No worker has ever run.
    """
    require_control(connection)
    if connection.execute(_HAS_JOURNAL).fetchall() == [(False,)]:
        return None
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_NEWEST).fetchone()
    return Cutover(**{**row, "state": State(row["state"])}) if row else None


def to_roll_back(connection: Connection) -> Cutover:
    """The newest cutover, if a rollback can begin with it or go on.

    Raises:
        NotReadyError: It is not switched, or there is none.
    """
    cutover = newest(connection)
    if cutover is not None and cutover.state in _TO_ROLL_BACK:
        return cutover
    is_open = cutover is not None and states.is_open(cutover.state)
    raise NotReadyError(
        f"there is nothing to roll back: the cutover is {cutover.state if cutover else 'not begun'}",
        remedy="Before the switch: understudy cutover abort."
        if is_open
        else "Nothing has to be done: the legacy side is written by its applications.",
    )


def steps(connection: Connection, cutover: int) -> list[Step]:
    """What was done, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [Step(**row) for row in cursor.execute(_STEPS, [cutover]).fetchall()]


def _take_lock(connection: Connection) -> None:
    require_control(connection)
    if connection.execute(_LOCK).fetchall() != [(True,)]:
        raise ConflictError(
            "another operator is at the cutover of this target",
            remedy="See understudy cutover status; wait for the other command to end.",
        )


class Journal:
    """The journal of the open cutover, for the one operator who holds its lock."""

    def __init__(self, connection: Connection, cutover: Cutover) -> None:
        """Write with this session, which holds the lock."""
        self._connection = connection
        self.cutover = cutover
        self.state = cutover.state

    @classmethod
    def open(cls, connection: Connection, *, begins: bool) -> Self:
        """Take the lock, and the open cutover.

        Args:
            connection: To the target; the lock goes with it.
            begins: Make one where none is open.

        Raises:
            ConflictError: Another operator is at it.
            NotReadyError: No worker has ever run, or no cutover is open.
        """
        _take_lock(connection)
        control.migrate(connection)
        cutover = newest(connection)
        if cutover is None or not states.is_open(cutover.state):
            if not begins:
                raise NotReadyError("no cutover is open", remedy="understudy cutover begin")
            connection.execute(_ADD, [f"{getpass.getuser()}@{socket.gethostname()}"])
            cutover = newest(connection)
        if cutover is None:
            raise InvariantError("a cutover that was just begun is not there")
        return cls(connection, cutover)

    @classmethod
    def reopen(cls, connection: Connection) -> Self:
        """Take the lock, and the newest cutover if a rollback can begin with it or go on.

        Raises:
            ConflictError: Another operator is at it.
            NotReadyError: It is not switched.
        """
        _take_lock(connection)
        control.migrate(connection)
        return cls(connection, to_roll_back(connection))

    def record(
        self,
        step: str,
        evidence: Mapping[str, object],
        *,
        seconds: float | None = None,
        then: State | None = None,
    ) -> None:
        """Store a step, and the state that it leads to, in one transaction.

        Raises:
            ConflictError: The cutover is no longer in the state that we know.
            InvariantError: That state may not follow.
        """
        with self._connection.transaction():
            known = self.state
            if self.settled_state() is not known:
                raise ConflictError("another operator has moved this cutover on")
            if then is not None:
                states.require_move(self.state, then)
                ended = not states.is_open(then)
                parameters = {"then": then.value, "ended": ended, "id": self.cutover.id}
                self._connection.execute(_MOVE, parameters)
            self._connection.execute(_STEP, [self.cutover.id, step, seconds, Jsonb(dict(evidence))])
        self.state = then or self.state

    def settled_state(self) -> State:
        """The state as stored, once no transaction is about to change it; the rest of ours keeps it so."""
        rows = self._connection.execute(_LOCKED_STATE, [self.cutover.id]).fetchall()
        self.state = State(str(rows[0][0]))
        return self.state

    def accept(self, accepted: Mapping[str, Signature], because: str | None) -> None:
        """Store what was signed off."""
        stored = {name: typed.as_json() for name, typed in accepted.items()}
        self._connection.execute(_ACCEPT, [Jsonb(stored), because, self.cutover.id])

    def accepted(self) -> dict[str, Signature]:
        """What was signed off, by gate."""
        stored = newest(self._connection)
        accepted = stored.accepted if stored else {}
        return {name: Signature.from_json(value) for name, value in accepted.items()}

    def last_ever(self, *names: str) -> Step | None:
        """The last of these steps in any cutover."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(_LAST_EVER, [list(names)]).fetchone()
        return Step(**row) if row else None

    def last(self, *names: str) -> Step | None:
        """The last of these steps, if one was done."""
        found = [s for s in steps(self._connection, self.cutover.id) if s.step in names]
        return found[-1] if found else None
