"""The order of all changes: (epoch, commit LSN, ordinal in the transaction).

Source: PostgreSQL manual, "Logical Replication Message Formats" (Begin.final_lsn) and "pg_lsn Type".
"""

from typing import NamedTuple

from schemas.errors import InvariantError


class EventId(NamedTuple):
    """Position of one change in the history of a pipeline; compares as the tuple it is.

    A row of the snapshot has the consistent point of its slot and ordinal 0.
    """

    epoch: int
    lsn: int
    ordinal: int


ZERO = EventId(0, 0, 0)


def lsn_text(lsn: int) -> str:
    """Write an LSN as PostgreSQL prints it: 22282240 becomes 0/1540000."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_value(text: str) -> int:
    """Read an LSN that PostgreSQL printed.

    Raises:
        InvariantError: The text is not an LSN.
    """
    high, slash, low = text.partition("/")
    try:
        return (int(high, 16) << 32) | int(low, 16)
    except ValueError as error:
        raise InvariantError("not an LSN", text=text, slash=bool(slash)) from error
