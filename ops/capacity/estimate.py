"""The estimate: a sample of each table, times the rows that the catalog counts; the source's WAL over some seconds."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files

from psycopg import sql

from consumers import images
from ops import databases
from ops.capacity import sizes
from ops.capacity.sizes import RowSizes
from ops.databases import Connection
from ops.preflight import catalogs
from ops.proof import source_rows
from ops.stack.state import Endpoints
from producers.source import current_lsn, source_errors
from schemas.avro_write import RowEncoder, SourceInfo
from schemas.entity import Entity
from schemas.event_id import EventId
from schemas.migration import Migration
from schemas.table import Table

APPLICATION = "capacity"
SAMPLE_ROWS = 1_000
WAL_S = 5.0
HOUR_S = 3600.0
# From table to table, on two cores that all servers share (see capacity.md): one table of 14 columns, and the clinic's
# 55 that wait for each other beside a live writer.
ROWS_PER_S_MAX, ROWS_PER_S_MIN = 22_000, 7_500
_KEEP = "SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'"
_INDEXES = files("ops.capacity").joinpath("indexes.sql").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityEstimate:
    """What one entity takes; `kafka_bytes` 0 where another entity has the same topic.

    Attributes:
        rows: As the catalog of the source counts them.
    """

    entity: str
    source: str
    rows: int
    kafka_bytes: int
    target_bytes: int
    mapping_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a migration takes.

    Attributes:
        snapshot_hours_min: At the rate that was measured of one table alone.
        snapshot_hours_max: At that of many tables that wait for each other.
        wal_bytes_per_hour: What the source writes now.
        wal_keep_bytes: What it keeps for a slot; None: all there is room for.
        replicas: Copies of each topic; `kafka_bytes` is one.
    """

    entities: tuple[EntityEstimate, ...]
    snapshot_hours_min: float
    snapshot_hours_max: float
    wal_bytes_per_hour: float
    wal_keep_bytes: int | None
    replicas: int

    @property
    def kafka_bytes(self) -> int:
        """One copy of all topics, after the snapshot."""
        return sum(one.kafka_bytes for one in self.entities)

    @property
    def disk_bytes(self) -> int:
        """Of the target, after the snapshot: rows, mapping and originals, with their indexes."""
        return sum(one.target_bytes + one.mapping_bytes for one in self.entities)

    @property
    def away_hours(self) -> float | None:
        """How long the capture may be away before its slot is lost; None: until the source's disk is full."""
        if self.wal_keep_bytes is None or not self.wal_bytes_per_hour:
            return None
        return self.wal_keep_bytes / self.wal_bytes_per_hour

    def as_json(self) -> dict[str, object]:
        """For `--output json`."""
        return {
            "entities": [asdict(one) for one in self.entities],
            "kafka_bytes": self.kafka_bytes,
            "replicas": self.replicas,
            "disk_bytes": self.disk_bytes,
            "snapshot_hours_min": self.snapshot_hours_min,
            "snapshot_hours_max": self.snapshot_hours_max,
            "wal_bytes_per_hour": self.wal_bytes_per_hour,
            "wal_keep_bytes": self.wal_keep_bytes,
            "away_hours": self.away_hours,
        }


def estimate(migration: Migration, at: Endpoints, wal_s: float | None = None) -> Estimate:
    """Look at the catalogs, read some rows of each table, and watch the source for a while; nothing is written.

    Raises:
        SourceError: It cannot be reached, or a table does not exist.
        TargetError: It cannot be reached.
    """
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        began, before = time.monotonic(), current_lsn(source)
        entities = tuple(_entities(migration, source, target))
        time.sleep(max(0.0, began + (WAL_S if wal_s is None else wal_s) - time.monotonic()))
        rate = (current_lsn(source) - before) / (time.monotonic() - began)
        megabytes = int(str(source.execute(_KEEP).fetchall()[0][0]))
    rows = sum(one.rows for one in entities)
    return Estimate(
        entities=entities,
        snapshot_hours_min=rows / ROWS_PER_S_MAX / HOUR_S,
        snapshot_hours_max=rows / ROWS_PER_S_MIN / HOUR_S,
        wal_bytes_per_hour=rate * HOUR_S,
        wal_keep_bytes=None if megabytes < 0 else megabytes << 20,
        replicas=migration.pipeline.kafka.replication,
    )


def _entities(
    migration: Migration, source: Connection, target: Connection
) -> Iterator[EntityEstimate]:
    tables = source_rows.tables(source, list(migration.entities.values()))
    indexes = _indexes(target, migration)
    seen: set[str] = set()
    for name, entity in migration.entities.items():
        table, topic = tables[name], migration.topic(entity)
        row = _row(source, table, entity)
        own = sizes.target_bytes(row, 1 + len(entity.refs), indexes.get(entity.target.place, ()))
        mapped = sizes.mapping_bytes(row, name, str(entity.source), originals=entity.originals)
        yield EntityEstimate(
            entity=name,
            source=str(entity.source),
            rows=table.rows_estimate,
            kafka_bytes=0 if topic in seen else round(table.rows_estimate * row.record),
            target_bytes=0 if entity.joined else round(table.rows_estimate * own),
            mapping_bytes=round(table.rows_estimate * mapped),
        )
        seen.add(topic)


def _row(source: Connection, table: Table, entity: Entity) -> RowSizes:
    """The average of some rows, picked at random."""
    (stretch,) = source_rows.some_rows(source, table, SAMPLE_ROWS)
    texts = next(source_rows.texts(source, stretch, SAMPLE_ROWS), None)
    if texts is None or texts.is_empty():
        return RowSizes(record=0.0, key=0.0, original=0.0, stored=0.0)
    columns = [
        [None if text is None else text.encode() for text in column.to_list()] for column in texts
    ]
    encoder = RowEncoder(table, 1, 2, SourceInfo(version="0", name="capacity", db="legacy"))
    pairs = encoder.snapshot(columns, EventId(1, 1, 0), int(time.time() * 1000))
    originals = images.encode(source_rows.typed(texts, table.columns), table.columns)
    keys = [texts[name].str.len_bytes().mean() or 0.0 for name in entity.key or table.key]
    return RowSizes(
        record=sizes.record_bytes(pairs),
        key=sum(float(str(size)) for size in keys),
        original=float(str(originals.str.len_bytes().mean() or 0.0)),
        stored=_stored(source, table, stretch.item),
    )


def _stored(source: Connection, table: Table, item: sql.Composable) -> float:
    """What the columns of a row take as the source stores them, on average of some."""
    parts = sql.SQL(" + ").join(
        sql.SQL("coalesce(pg_catalog.pg_column_size({}), 0)").format(sql.Identifier(column.name))
        for column in table.columns
    )
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    query = sql.SQL("SELECT avg({}) FROM (SELECT {} FROM {}) AS sampled").format(parts, names, item)
    with source_errors(table=table.label):
        return float(str(source.execute(query).fetchall()[0][0] or 0))


def _indexes(target: Connection, migration: Migration) -> dict[tuple[str, str], tuple[int, ...]]:
    """The bytes of an entry's columns, of each index of the target tables."""
    places = catalogs.places([entity.target.place for entity in migration.entities.values()])
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for schema, table, width in target.execute(_INDEXES, places).fetchall():
        place = str(schema), str(table)
        found[place] = (*found.get(place, ()), int(str(width)))
    return found
