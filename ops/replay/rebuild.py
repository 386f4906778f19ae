"""`replay --into`: entities are rebuilt from their topics beside the live tables.

Filling a shadow may take hours, and disturbs nobody: no row of the live tables is written or locked for it, but for
the key share of a parent that no foreign key holds.
"""

from collections.abc import Sequence

from ops import databases
from ops.databases import Connection
from ops.proof import verify
from ops.proof.exact_point import Say
from ops.replay import checks, journal, tables
from ops.replay.filling import filling
from ops.replay.patience import Patience
from ops.replay.shadow import Shadow, closed
from ops.stack.state import Endpoints
from schemas import failpoint
from schemas.errors import ConflictError
from schemas.migration import Migration

APPLICATION = "rebuild"


def into(
    migration: Migration,
    at: Endpoints,
    entities: Sequence[str],
    schema: str,
    say: Say,
    patience: Patience,
) -> bool:
    """Fill a shadow until it is in step with the live tables; interrupted, it goes on where it was.

    Args:
        migration: A pipeline that runs.
        at: Where its servers are.
        entities: Names; what cannot be rebuilt without them comes along.
        schema: Of the shadow.
        say: Told what is being done.
        patience: How.

    Returns:
        Whether it is in step; it is not where it was stopped.

    Raises:
        UsageError, NotReadyError, ConflictError, MismatchError: As `checks`.
    """
    shadow = Shadow(live=migration, at=at, schema=schema, entities=closed(migration, entities))
    along = sorted(set(shadow.entities) - set(entities))
    if along:
        say(f"together with {', '.join(along)}: they share a topic or a table")
    with databases.target(at.target_dsn, APPLICATION) as target:
        journal.take(target)
        rebuild = journal.newest(target)
        if rebuild is None or rebuild.swapped:
            _begin(target, shadow, say, patience)
        elif (rebuild.schema, rebuild.entities) != (schema, shadow.entities):
            listed = ", ".join(rebuild.entities)
            raise ConflictError(
                f"{listed} are rebuilt in {rebuild.schema} at present",
                remedy=f"Swap them first, or give it up: understudy replay --into {rebuild.schema} --drop.",
            )
        with filling(shadow, shadow.migration(target), target) as worker:
            return worker.await_step(target, say, patience.stop)


def _begin(target: Connection, shadow: Shadow, say: Say, patience: Patience) -> None:
    checks.require_rebuildable(target, shadow)
    checks.require_whole_topics(shadow)
    say("looking for rows of the live target that others have written")
    found = verify.take(shadow.live, shadow.at, shadow.entities, say, timeout_s=patience.timeout_s)
    others = checks.written_by_others(found)
    checks.require_accepted(others, "that others wrote", patience.accepted)
    tables.create(target, shadow, shadow.migration(target))
    say(f"made the tables of {', '.join(shadow.entities)} in {shadow.schema}")
    failpoint.reach("rebuild.begun")
