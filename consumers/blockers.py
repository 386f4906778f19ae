"""Workers that were stopped in the middle of a transaction: who owns their partitions now ends their sessions."""

from collections.abc import Sequence
from importlib.resources import files

import structlog

from consumers.lane import Lane
from consumers.target import Connection

log = structlog.get_logger(__name__)

# A client that has said nothing for this long while the server waits for it is stopped.
SILENT_S = 5.0
_END = files("consumers").joinpath("blockers.sql").read_bytes()


class Blockers:
    """Those who keep our lanes waiting."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        """Watch over these, while they write batches: of partitions that are ours."""
        self._lanes = lanes

    def end(self, connection: Connection) -> None:
        """End the sessions of stopped workers that block one of ours. They write nothing: they are rolled back."""
        pids = [lane.writing_pid for lane in self._lanes]
        waiting = [pid for pid in pids if pid is not None]
        if waiting:
            parameters = {"waiting": waiting, "silent_s": SILENT_S}
            for ended, _ in connection.execute(_END, parameters).fetchall():
                log.warning("ended the session of a stopped worker", pid=ended)
