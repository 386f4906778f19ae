"""How much WAL the slot may still hold back, and what follows from that; pure."""

from enum import Enum

from producers.slot import Slot
from schemas.errors import SlotLostError

# Below this share of what max_slot_wal_keep_size grants, the snapshot makes way for the tail.
LOW_SHARE = 0.2


class Budget(Enum):
    """What the WAL that is left allows."""

    ENOUGH = "enough"
    LOW = "low"


def judge(slot: Slot | None, name: str) -> Budget:
    """Judge the slot of a running capture.

    Args:
        slot: As the server shows it; None if it is gone.
        name: Of the slot.

    Raises:
        SlotLostError: The server has thrown away what the slot held, or the slot itself.
    """
    if slot is None:
        raise SlotLostError("the slot was dropped while it was in use", slot=name)
    if slot.wal_status == "lost":
        raise SlotLostError("the server has thrown away its WAL", slot=name)
    if slot.wal_status == "unreserved":
        return Budget.LOW
    if slot.safe_wal_bytes is None:
        return Budget.ENOUGH
    granted = slot.safe_wal_bytes + slot.retained_bytes
    return Budget.LOW if slot.safe_wal_bytes < LOW_SHARE * granted else Budget.ENOUGH
