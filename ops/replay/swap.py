"""`swap`: a shadow that is proved takes the places of the live tables.

Everything that takes long comes before the lock (getting into step, verification) or after the commit (validating the
foreign keys). A swap that was killed has happened or not; repeated, it goes on.
"""

import time

import psycopg

from ops import databases
from ops.databases import Connection
from ops.proof import verify
from ops.proof.exact_point import Say
from ops.replay import checks, journal, own
from ops.replay.filling import Filling, filling
from ops.replay.flip import Flip
from ops.replay.journal import Rebuild
from ops.replay.own import Own
from ops.replay.patience import Patience
from ops.replay.shadow import Shadow
from ops.stack.state import Endpoints
from schemas import failpoint
from schemas.errors import ConflictError, MismatchError, NotReadyError
from schemas.migration import Migration

APPLICATION = "swap"
RETRY_S = 0.5
# The shadow may be ahead of the live side by as much.
SETTLE_S = 5.0
_VALIDATED = (
    "UPDATE understudy.rebuilds SET unvalidated = array_remove(unvalidated, %s) WHERE id = %s"
)


def swap(migration: Migration, at: Endpoints, say: Say, patience: Patience) -> Rebuild:
    """Swap the shadow that was filled, or finish a swap.

    Args:
        migration: As the workers will have it afterwards: by these rules the shadow was filled.
        at: Where the servers are.
        say: Told what is being done.
        patience: How.

    Returns:
        What was swapped; its old tables are in its schema's name with `_old`.

    Raises:
        NotReadyError: Nothing is rebuilt; or the shadow does not get into step.
        MismatchError: The shadow is not what the rules make of the source; or rows would stay behind.
        ConflictError: As `checks`; or a table is in use for long.
    """
    with databases.target(at.target_dsn, APPLICATION) as target:
        journal.take(target)
        rebuild = journal.newest(target)
        if rebuild is None:
            raise NotReadyError(
                "nothing is rebuilt", remedy="understudy replay --entity E --into SCHEMA"
            )
        if not rebuild.swapped:
            _swap(target, _shadow(migration, at, rebuild), rebuild, say, patience)
            failpoint.reach("swap.swapped")
            rebuild = journal.newest(target, rebuild.schema) or rebuild
        _validate(target, rebuild, say)
    return rebuild


def _shadow(migration: Migration, at: Endpoints, rebuild: Rebuild) -> Shadow:
    gone = set(rebuild.entities) - migration.entities.keys()
    if gone:
        raise ConflictError(
            f"the migration has no {', '.join(sorted(gone))} any more",
            remedy=f"understudy replay --into {rebuild.schema} --drop",
        )
    return Shadow(live=migration, at=at, schema=rebuild.schema, entities=rebuild.entities)


def _swap(
    target: Connection, shadow: Shadow, rebuild: Rebuild, say: Say, patience: Patience
) -> None:
    checks.require_movable(target, shadow)
    migration = shadow.migration(target)
    with filling(shadow, migration, target) as worker:
        say("waiting for the shadow to be in step")
        if not worker.await_step(target, say, patience.stop):
            raise NotReadyError("it was stopped before the swap", remedy="Repeat the command.")
        own_values = _carry(target, shadow, say)
        _prove(target, shadow, migration, say, patience)
        failpoint.reach("swap.proved")
        say("swapping")
        _patiently(target, Flip(target, shadow, rebuild, own_values), worker, patience.timeout_s)


def _carry(target: Connection, shadow: Shadow, say: Say) -> list[Own]:
    """Take along what the rules do not write."""
    found = own.find(target, shadow)
    if found:
        say(f"taking along what no rule writes: {', '.join(one.label for one in found)}")
    kept = own.carry_first(target, shadow, found)
    for one in sorted({one.label for one in found} - {one.label for one in kept}):
        say(f"a trigger has values of its own in a column of {one}: these are kept")
    return kept


def _prove(
    target: Connection, shadow: Shadow, migration: Migration, say: Say, patience: Patience
) -> None:
    timeout_s = patience.timeout_s
    say(f"verifying {shadow.schema}")
    found = verify.take(
        migration, shadow.inside, shadow.entities, say,
        timeout_s=timeout_s, options=verify.Options(keep=False),
    )  # fmt: skip
    if not found.is_clean:
        raise MismatchError(
            f"{shadow.schema} is not what the rules make of the source",
            differing=found.differing,
            remedy=f"Give it up, and begin again: understudy replay --into {shadow.schema} --drop.",
        )
    say("looking for rows of the live target that would stay behind")
    live = verify.take(shadow.live, shadow.at, shadow.entities, say, timeout_s=timeout_s)
    behind = {name: list(keys) for name, keys in checks.written_by_others(live).items()}
    for name, keys in _new_dead_letters(target, shadow).items():
        behind.setdefault(name, []).extend(keys)
    checks.require_accepted(
        behind,
        "that others wrote, or that the rules of the rebuild make dead letters",
        patience.accepted,
    )
    _require_parents(target, shadow, timeout_s)


def _new_dead_letters(target: Connection, shadow: Shadow) -> checks.Keys:
    """Rows that only the rules of the rebuild refuse; what the live side has not come to yet it may refuse too."""
    deadline = time.monotonic() + SETTLE_S
    while (found := checks.new_dead_letters(target, shadow)) and time.monotonic() < deadline:
        time.sleep(RETRY_S)
    return found


def _require_parents(target: Connection, shadow: Shadow, timeout_s: float) -> None:
    """See to it that no row will refer to nothing; what is on its way may, for a moment."""
    deadline = time.monotonic() + timeout_s
    target.execute("SET statement_timeout = 0")
    while found := checks.orphans(target, shadow):
        if time.monotonic() > deadline:
            raise MismatchError(
                "rows would refer to nothing after the swap",
                **found,
                remedy="Rebuild the entities of both sides together, or mend these rows.",
            )
        time.sleep(RETRY_S)


def _patiently(target: Connection, flip: Flip, worker: Filling, timeout_s: float) -> None:
    """Try until every lock is had: whoever reads a table for long would make all others wait behind us."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with target.transaction():
                flip.run(worker)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise ConflictError(
                    "a table, or a row of the control schema, is in use all the time",
                    remedy="Try again at a quieter time; pg_stat_activity shows who.",
                ) from error
            time.sleep(RETRY_S)
        else:
            return


def _validate(target: Connection, rebuild: Rebuild, say: Say) -> None:
    """Validate the foreign keys that cross to other tables; these stay open to writers."""
    target.execute("SET statement_timeout = 0")
    for statement in rebuild.unvalidated:
        say("validating a foreign key")
        with target.transaction():
            target.execute(statement.encode())
            target.execute(_VALIDATED, [statement, rebuild.id])
