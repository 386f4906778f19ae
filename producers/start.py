"""The start rules: what to do, given what Kafka remembers and what the source holds; pure.

Never resume at the larger of two positions: that would skip changes without a word.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from producers.slot import Slot, System
from schemas.errors import SlotLostError, StartRefusedError, UnderstudyError
from schemas.event_id import lsn_text
from schemas.positions import Intent, Position

_AGAIN = "Drop the pipeline and run it again, so that a new snapshot is taken."


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Create a slot and take a snapshot; before that, drop the slot that was never used."""

    unused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on from the slot with that suffix."""

    position: Position
    suffix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there at the start.

    Attributes:
        intent: Written before the last slot was created.
        position: The last one that was recorded.
        slots: Lasting slots of the pipeline's name, by suffix.
        system: The server that answered.
    """

    intent: Intent | None
    position: Position | None
    slots: Mapping[str, Slot]
    system: System


def decide(found: Found) -> Begin | Resume:
    """How to begin.

    Raises:
        StartRefusedError: Positions and slot do not fit together.
        SlotLostError: The slot is gone, or the server has thrown away what it held.
    """
    ours = found.slots.get(found.intent.suffix) if found.intent else None
    strangers = [slot.name for suffix, slot in found.slots.items() if slot is not ours]
    if strangers:
        raise StartRefusedError(
            "a slot of this pipeline exists that the positions do not know",
            slot=strangers[0],
            remedy=f"If no other pipeline uses it, drop it. {_AGAIN}",
        )
    if found.position is None:
        return Begin(unused=ours.name if ours else None)
    _check_system(found.position, found.system)
    if ours is None or found.intent is None:
        raise SlotLostError("positions exist, but the slot does not")
    refusal = _refusal(found.position, ours)
    if refusal is not None:
        raise refusal
    return Resume(position=found.position, suffix=found.intent.suffix)


def _check_system(position: Position, system: System) -> None:
    known = (position.system_identifier, position.timeline)
    if known == (system.identifier, system.timeline):
        return
    what = "system" if position.system_identifier != system.identifier else "timeline"
    raise StartRefusedError(
        f"the source has another {what} than when the positions were written",
        system=system.identifier,
        timeline=system.timeline,
        known_system=position.system_identifier,
        known_timeline=position.timeline,
        remedy=f"Check the DSN; after a failover or a restore: {_AGAIN[0].lower()}{_AGAIN[1:]}",
    )


def _refusal(position: Position, slot: Slot) -> UnderstudyError | None:
    if slot.wal_status == "lost":
        return SlotLostError("the server has thrown away its WAL", slot=slot.name)
    if position.lsn < slot.confirmed_lsn:
        return StartRefusedError(
            "the slot is ahead of the recorded position: changes between them are lost",
            slot=slot.name,
            position=lsn_text(position.lsn),
            confirmed=lsn_text(slot.confirmed_lsn),
            remedy=_AGAIN,
        )
    return None
