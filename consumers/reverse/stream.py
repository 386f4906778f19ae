"""The apply of the way back, for as long as it is wanted: one writer, in the order of the target's commits."""

import threading
from contextlib import closing

import structlog

from consumers.reverse import control
from consumers.reverse.apply import Applier
from consumers.reverse.compilation import compile_all
from consumers.reverse.control import Connection
from consumers.reverse.reader import Reader
from consumers.reverse.refused import RefusedError
from consumers.reverse.sessions import both
from consumers.reverse.settings import ReverseSettings
from schemas.errors import ConfigError, Disposition, SourceError, UnderstudyError
from schemas.event_id import lsn_text

log = structlog.get_logger(__name__)

RETRY_S = 1.0
# A refused row is tried again this often: somebody may have mended what was wrong.
REFUSED_RETRY_S = 5.0
_REMEDY = (
    "Mend the cause on the legacy side, and it goes on by itself; or the entity file, and start understudy reverse "
    "again. Nothing that was committed later is applied before."
)


class WayBack:
    """Applies what the target commits to the legacy database."""

    def __init__(self, settings: ReverseSettings) -> None:
        """Prepare; nothing is connected yet."""
        self._settings = settings
        self._reached = False

    def run(self, stop: threading.Event) -> None:
        """Apply until `stop` is set or a rollback ends it; a server that was reached and is lost is tried again.

        Raises:
            NotSwitchedError: The entities were not switched to the target when it began.
            ConfigError: A legacy column has no way back.
            UnderstudyError: It cannot go on.
        """
        while not stop.is_set():
            try:
                self._run(stop)
            except control.NotSwitchedError:
                if not self._reached:
                    raise
                log.info("the entities belong to the source again: the way back has ended")
                return
            except UnderstudyError as error:
                if error.disposition is not Disposition.RETRY or not self._reached:
                    raise
                log.warning("the way back begins again", reason=str(error))
                stop.wait(RETRY_S)

    def _run(self, stop: threading.Event) -> None:
        settings = self._settings
        with both(settings.source_dsn, settings.target_dsn) as (legacy, target):
            state = control.require_switched(legacy, settings.pipeline)
            tables, refusals = compile_all(settings.migration, legacy, target)
            if refusals:
                raise ConfigError(
                    refusals[0].what,
                    file=settings.migration.files[refusals[0].entity],
                    key=refusals[0].key,
                    remedy=refusals[0].remedy,
                )
            applier = Applier(settings.migration, tables)
            applier.prepare(legacy)
            offsets = control.offsets(legacy, settings.pipeline)
            begin = {place: offset for place, (offset, _) in offsets.items()}
            with closing(Reader(settings, tables, begin, state.applied_lsn)) as reader:
                self._reached = True
                while not stop.is_set():
                    reader.read()
                    lsn = reader.complete()
                    if lsn is not None:
                        self._apply(applier, (legacy, target), reader, lsn, stop)

    def _apply(
        self,
        applier: Applier,
        sessions: tuple[Connection, Connection],
        reader: Reader,
        lsn: int,
        stop: threading.Event,
    ) -> None:
        """Apply what is complete, or what of it comes before a row that the legacy side refuses."""
        legacy, target = sessions
        refused: RefusedError | None = None
        while True:
            batch = reader.batch(lsn)
            if refused is not None and not batch.frames:
                self._stopped(legacy, refused)
                stop.wait(REFUSED_RETRY_S)
                return
            try:
                applier.apply(legacy, target, batch)
            except RefusedError as error:
                refused, lsn = error, error.lsn - 1
            else:
                reader.confirm(batch)
                return

    def _stopped(self, legacy: Connection, refused: RefusedError) -> None:
        """Say once why it stops, and leave it in the legacy database for others to see."""
        context = {"table": refused.legacy, "row": refused.row, "lsn": lsn_text(refused.lsn)}
        error = SourceError(refused.why, remedy=refused.remedy or _REMEDY, **context)
        if control.stopped(legacy, self._settings.pipeline, error.particulars):
            log.error("the way back is stopped", reason=str(error), remedy=error.advice)
