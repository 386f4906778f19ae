"""An apply lane: a thread with a session of its own that decodes and applies batches of any unit."""

import threading
import time

import psycopg
import structlog

from consumers import checkpoint, decoding
from consumers.assembly import Assembly
from consumers.refusal import is_retried
from consumers.schedule import Schedule
from consumers.target import Session, sentence
from consumers.unit import Batch, Job, Task, Unit, Work
from consumers.watermarks import Watermarks
from schemas import failpoint, spans
from schemas.errors import (
    Disposition,
    NotReadyError,
    OwnershipLostError,
    RegistryError,
    UnderstudyError,
)

log = structlog.get_logger(__name__)

_STOP = """
UPDATE understudy.entities SET stopped_at = now(), stopped_reason = %s
WHERE generation = understudy.generation(entity) AND entity = ANY(%s) AND stopped_at IS NULL"""
_SERVER_ERROR = 500
# The server is no longer the primary: the next connection may find the one that is.
_READ_ONLY = "25006"


class Lane(threading.Thread):
    """Takes tasks until the schedule is closed."""

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        assembly: Assembly,
        watermarks: Watermarks,
        session: Session,
    ) -> None:
        """Prepare the thread; its session is opened by the first task."""
        super().__init__(name=name, daemon=True)
        self._schedule = schedule
        self._assembly = assembly
        self._watermarks = watermarks
        self.session = session
        self._writing = False

    @property
    def writing_pid(self) -> int | None:
        """Process id of the session while it writes a batch."""
        return self.session.pid if self._writing else None

    def run(self) -> None:
        """Do tasks. An error that is nobody's ends the worker."""
        try:
            while (task := self._schedule.next()) is not None:
                self._do(task)
        except BaseException as error:  # noqa: BLE001 - handed to the worker's own thread
            self._schedule.fail(error)
        finally:
            self.session.close()

    def _do(self, task: Task) -> None:
        if task.batch is not None and task.job is Job.DECODE:
            self._decode_ahead(task.batch)
        elif task.batch is not None:
            self._apply(task.batch)
        elif task.chore is not None:
            try:
                task.chore(self.session)
            except Exception as error:  # noqa: BLE001 - judged there
                self._answer(task.unit, error)
            else:
                self._schedule.rest(task.unit)

    def _decode_ahead(self, batch: Batch) -> None:
        work = None
        try:
            work = self._decode(batch)
        except Exception as error:  # noqa: BLE001 - met again, and judged, when the batch is applied
            log.debug("not decoded ahead", topic=batch.unit.topic, reason=sentence(error))
        self._schedule.decoded(batch, work)

    def _decode(self, batch: Batch) -> Work:
        topic, schemas = batch.unit.topic, self._assembly.schemas
        with spans.span("decode", topic=topic, rows=batch.load.records) as batch.mark:
            parts = decoding.read(batch.load, schemas.reader)
            if not parts:
                return ()
            connection = self.session.connection()
            appliers = self._assembly.of(connection, topic, decoding.newest(parts))
            rows = decoding.laid_over(parts, appliers[0].plan.legacy)
        with spans.span("transform", batch.mark, topic=topic, rows=rows.height):
            return tuple((applier, applier.read(connection, rows)) for applier in appliers)

    def _apply(self, batch: Batch) -> None:
        try:
            if batch.work is None:
                batch.hold(self._decode(batch))
            self._writing = True
            began = time.monotonic()
            with spans.span("apply", batch.mark, topic=batch.unit.topic, rows=batch.load.records):
                self._write(batch.unit, batch)
        except Exception as error:  # noqa: BLE001 - judged there
            self._answer(batch.unit, error)
        else:
            self._schedule.applied(batch, time.monotonic() - began)
            failpoint.reach("cons.after_commit")
        finally:
            self._writing = False

    def _write(self, unit: Unit, batch: Batch) -> None:
        """The transaction: rows, mapping, checkpoints."""
        work, stretches = batch.work or (), batch.load.stretches
        self.session.prepare(applier for applier, _ in work)
        connection = self.session.connection()
        with connection.transaction(), connection.cursor() as cursor:
            grounds = checkpoint.lock(cursor, unit.entities, stretches)
            for applier, events in work:
                applier.settle(cursor, events, [], grounds[applier.plan.name])
            failpoint.reach("cons.applied_not_offset")
            checkpoint.advance(cursor, unit.entities, stretches)
            self._watermarks.with_batch(cursor, unit.entities, stretches)
            failpoint.reach("cons.before_commit")
        failpoint.reach("cons.commit_unknown")

    def _answer(self, unit: Unit, error: Exception) -> None:
        """Decide what becomes of a unit after an error.

        Where the answer to COMMIT is lost, the next attempt finds the checkpoint moved, and reading goes on from there.
        """
        if getattr(error, "sqlstate", None) == _READ_ONLY:
            self.session.close()
        if isinstance(error, OwnershipLostError):
            self._schedule.rewind(unit)
        elif isinstance(error, NotReadyError):
            self._schedule.set_open(unit, open_=False)
        elif not _passes(error):
            error = self._give_up(unit, error)
        delay_s = round(self._schedule.postpone(unit), 2)
        tell = log.info if isinstance(error, NotReadyError) else log.warning
        tell("not applied", topic=unit.topic, delay_s=delay_s, reason=sentence(error))

    def _give_up(self, unit: Unit, error: Exception) -> Exception:
        """Stop the entities of a unit; the others flow on.

        Returns:
            The same error, or why the target could not be told of it just now.
        """
        reason = sentence(error)
        try:
            self.session.connection().execute(_STOP, [reason, list(unit.entities)])
        except psycopg.Error as failure:
            if not is_retried(failure):
                raise
            return failure
        self._schedule.set_open(unit, open_=False)
        log.error("stopped", entities=",".join(unit.entities), reason=reason)
        return error


def _passes(error: Exception) -> bool:
    """Whether the same batch is tried again."""
    if isinstance(error, RegistryError):
        return getattr(error.__cause__, "http_status_code", _SERVER_ERROR) >= _SERVER_ERROR
    if isinstance(error, UnderstudyError):
        return error.disposition is Disposition.RETRY
    return isinstance(error, psycopg.Error) and is_retried(error)
