"""How long and with which losses a rebuild, or its swap, may be made."""

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a rebuild or a swap is made.

    Attributes:
        accepted: How many rows of the live target may stay behind in the old tables.
        timeout_s: How long each thing that is waited for may take.
        stop: Ends it; a swap before its lock.
    """

    accepted: int | None
    timeout_s: float
    stop: threading.Event
