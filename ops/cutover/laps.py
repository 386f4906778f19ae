"""How long each part of a step took: of the write pause every part is wanted to be known."""

import time


class Laps:
    """A stopwatch that runs from its making.

    Attributes:
        seconds: By the name of the part.
    """

    def __init__(self) -> None:
        """Start."""
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()

    def end(self, part: str) -> None:
        """End a part; the next one begins."""
        now = time.monotonic()
        self.seconds[part] = round(now - self._began, 3)
        self._began = now
