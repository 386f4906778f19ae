"""Verifying what has changed since the last verification: in the write pause every second counts."""

from ops.cutover.gates import Sight
from ops.proof import verified, verify
from ops.proof.plans import Plans
from schemas.errors import MismatchError
from schemas.event_id import lsn_text


def compiled(seen: Sight) -> Plans:
    """All entities, compiled: before the fence nobody waits for it."""
    entities = list(seen.migration.entities)
    return Plans.compile(seen.migration, seen.at, (seen.source, seen.target), entities)


def verify_changed(seen: Sight, plans: Plans, timeout_s: float) -> dict[str, object]:
    """Verify the entities that have taken in records since, or of which rows waited then; the others are as they were.

    Args:
        seen: Both sides; every record that matters is applied.
        plans: Of all entities.
        timeout_s: As `verify.take`.

    Returns:
        The evidence.

    Raises:
        MismatchError: A row differs.
        NotReadyError: There is no verification to go on from, or no exact point in time.
    """
    entities = list(seen.migration.entities)
    known = verified.baseline(seen.target, seen.migration, entities)
    changed = [name for name in entities if known[name].records or known[name].waiting]
    if not changed:
        return {"entities": changed}
    options = verify.Options(since="last", plans=plans)
    found = verify.take(
        seen.migration, seen.at, changed, _silent, timeout_s=timeout_s, options=options
    )
    if not found.is_clean:
        raise MismatchError(
            "what changed since the last verification differs",
            rows=found.differing,
            remedy=f"understudy verify {seen.migration.folder}",
        )
    point = {"lsn": lsn_text(found.lsn), "at": found.at.isoformat(), "held_s": found.held_s}
    return {"entities": changed, "seconds": found.seconds, **point}


def _silent(_text: str) -> None:
    """The steps of a verification within a step of ours are not told."""
