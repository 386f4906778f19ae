"""Reads tables again because an operator asks for it: as a snapshot beside the tail, which goes on.

The wish comes through the WAL, so that it survives whatever happens to the capture: it is acknowledged to the source
only once Kafka has stored the `resync` record. A chunk, or the end of a snapshot, counts for it if it is later.
"""

from collections.abc import Sequence

import structlog

from producers import catalog
from producers.backfill import Backfill
from producers.positions import Known, PositionWriter
from producers.relations import Shapes
from producers.settings import CaptureSettings, TableSettings
from producers.source import Connection
from producers.table_snapshot import TableSnapshot
from schemas import failpoint
from schemas.positions import Resync
from schemas.table import Table

_log = structlog.get_logger()


class Resyncer:
    """Has tables copied again; used from the tail's thread."""

    def __init__(
        self,
        settings: CaptureSettings,
        known: Known,
        shapes: Shapes,
        positions: PositionWriter,
        backfill: Backfill,
    ) -> None:
        """Hand tables to `backfill`; what `known` says was asked for is in its hands already."""
        self._settings = settings
        self._tables = {f"{table.schema}.{table.name}": table for table in settings.tables}
        self._asked = {table: resync.lsn for table, resync in known.resyncs.items()}
        self._shapes = shapes
        self._positions = positions
        self._backfill = backfill

    def ask(self, table: str, epoch: int, lsn: int, connection: Connection) -> None:
        """Read a table again, as it will be at a point after `lsn`.

        Args:
            table: Its label.
            epoch: Of the capture.
            lsn: Of the commit that asks; after an interruption it comes again.
            connection: To look at the table, which may have other columns by now.

        Raises:
            ConfigError: The table cannot be captured as it is now.
            RegistryError: The registry refuses its schema, or cannot be reached.
        """
        settings = self._tables.get(table)
        if settings is None or not self._settings.snapshot:
            _log.warning("asked to read a table again that is not captured", table=table)
        elif lsn > self._asked.get(table, 0):
            shape = self._shapes.of(catalog.read_table(connection, settings), settings.topic)
            failpoint.reach("resync.asked_not_stored")
            self._positions.send(Resync(table=table, topic=settings.topic, epoch=epoch, lsn=lsn))
            self._asked[table] = lsn
            self._backfill.add(TableSnapshot(shape, {}, again=True))
            _log.info("the table is read again", table=table)


def open_snapshots(
    table: Table, settings: TableSettings, known: Known, shapes: Shapes
) -> Sequence[TableSnapshot]:
    """The snapshots of a table that are not complete: the first one, and one that was asked for later."""
    end, resync = known.snapshots.get(table.label), known.resyncs.get(table.label)
    is_asked = resync is not None and (end is None or end.since <= resync.lsn)
    if end is not None and not is_asked:
        return ()
    shape, done = shapes.of(table, settings.topic), known.chunks.get(table.label, {})
    if end is None:
        again = [TableSnapshot(shape, {}, again=True)] if is_asked else []
        return TableSnapshot(shape, done), *again
    later = {n: chunk for n, chunk in done.items() if resync and chunk.lsn > resync.lsn}
    return (TableSnapshot(shape, later, again=True),)
