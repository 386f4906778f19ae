"""Filling a shadow: a worker of its own, in this process, reads the topics from their beginning and keeps in step."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from ops import wiring
from ops.databases import Connection
from ops.proof.exact_point import Say
from ops.replay.shadow import Shadow
from schemas.errors import NotReadyError
from schemas.migration import Migration

POLL_S = 0.2
SAY_EVERY_S = 5.0
JOIN_S = 10.0
# Records of an entity that a shadow in step may be behind: the live side goes on meanwhile.
NEAR = 1_000
_PROGRESS = files("ops.replay").joinpath("progress.sql").read_bytes()
_RESUME = """
    UPDATE understudy.entities SET stopped_at = NULL, stopped_reason = NULL
    WHERE generation = 2 AND entity = ANY (%s)"""


class Filling:
    """A shadow that is being filled."""

    def __init__(self, shadow: Shadow, migration: Migration) -> None:
        """Prepare the worker."""
        self._shadow = shadow
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._worker = wiring.worker(migration, shadow.inside, shadow.entities, shadow.schema)
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)

    def begin(self, target: Connection) -> None:
        """Have the worker go on where the last one was; what stopped it is tried again."""
        target.execute(_RESUME, [list(self._shadow.entities)])
        self._thread.start()

    def end(self) -> None:
        """Stop the worker."""
        self._stop.set()
        self._thread.join(JOIN_S)

    def _work(self) -> None:
        try:
            self._worker.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self._failure = error

    def behind(self, target: Connection, near: int = 0) -> dict[str, int]:
        """The entities that are not in step with the live ones, and the records that they still have to read.

        Args:
            target: In a session that sees the live generation.
            near: So many records of an entity do not count.

        Raises:
            NotReadyError: One has stopped.
        """
        if self._failure is not None:
            raise self._failure
        found = {}
        rows = target.execute(_PROGRESS, [list(self._shadow.entities)]).fetchall()
        for entity, phase, stopped, records, obeyed in rows:
            if stopped:
                raise NotReadyError(
                    f"the shadow of {entity} has stopped: {stopped}",
                    remedy="Mend the cause, and repeat the command: it goes on from there.",
                )
            if phase != "tail" or not obeyed or int(str(records)) > near:
                found[str(entity)] = int(str(records))
        return found

    def await_step(self, target: Connection, say: Say, stop: threading.Event) -> bool:
        """Wait until the shadow is in step, but for what is written all the time.

        Returns:
            Whether it is; it is not where somebody has asked us to stop.
        """
        said_at = time.monotonic() - SAY_EVERY_S
        while behind := self.behind(target, NEAR):
            if time.monotonic() - said_at >= SAY_EVERY_S:
                said_at = time.monotonic()
                listed = ", ".join(f"{name} {records:,}" for name, records in behind.items())
                say(f"records to go: {listed}")
            if stop.wait(POLL_S):
                return False
        return True


@contextmanager
def filling(shadow: Shadow, migration: Migration, target: Connection) -> Iterator[Filling]:
    """Fill a shadow for as long as the block lasts."""
    worker = Filling(shadow, migration)
    worker.begin(target)
    try:
        yield worker
    finally:
        worker.end()
