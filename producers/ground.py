"""What a capture stands on: the tables of the source, the topics, and what is already known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient

from producers import catalog, positions, slot, topics
from producers.positions import Known
from producers.settings import CaptureSettings, TableSettings
from producers.slot import Slot
from producers.source import Connection
from producers.topics import Existing, Topic
from schemas.errors import BrokerError, ConfigError
from schemas.positions import Ends, Position
from schemas.table import Table

_AGAIN = "Drop the pipeline and run it again, so that a new history begins."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What was found, and made where it was missing.

    Attributes:
        tables: By schema and name.
        topics: Of the data, and of the positions.
        topic_ids: Kafka's ids of the data topics.
        ends: End offsets of all topics.
        slots: By suffix; looked at before `known`, for a position is recorded before its slot is advanced.
        known: What the positions topic says.
    """

    tables: dict[tuple[str, str], Table]
    topics: tuple[Topic, ...]
    topic_ids: dict[str, str]
    ends: Ends
    slots: dict[str, Slot]
    known: Known


def survey(settings: CaptureSettings, connection: Connection, admin: AdminClient) -> Ground:
    """Read the catalog, and create the topics that are missing.

    Raises:
        ConfigError: A table cannot be captured.
        SourceError: The server is not set up for it.
        BrokerError: A topic is not what it was, or not what it must be.
    """
    catalog.check_server(connection)
    tables = catalog.read_tables(connection, settings.tables)
    wanted = [settings.positions_topic, *(table.topic for table in settings.tables)]
    found = topics.describe(admin, wanted)
    slots = slot.slots_of(connection, settings.pipeline)
    known = _known(settings, admin, found)
    if known.position is not None:
        _check_tables(known.position, wanted)
        _check_ids(known.position, found)
    described = (
        *(
            _topic(table, tables[table.place], found, settings.record_bytes_max)
            for table in settings.tables
        ),
        _positions_topic(settings),
    )
    missing = [topic for topic in described if topic.name not in found]
    topics.create(admin, missing, settings.replication)
    topics.check(admin, described)
    ends = topics.end_offsets(admin, described)
    if known.position is not None:
        _check_ends(known.position.ends, ends)
    found = topics.describe(admin, wanted)
    ids = {table.topic: found[table.topic].id for table in settings.tables}
    return Ground(
        tables=tables, topics=described, topic_ids=ids, ends=ends, slots=slots, known=known
    )


def _known(settings: CaptureSettings, admin: AdminClient, found: Mapping[str, Existing]) -> Known:
    topic = _positions_topic(settings)
    if topic.name not in found:
        return Known()
    ends = topics.end_offsets(admin, [topic])
    return positions.read(settings, ends[topic.name][0])


def _positions_topic(settings: CaptureSettings) -> Topic:
    return Topic(
        name=settings.positions_topic,
        partitions=1,
        table="positions",
        compacted=True,
        record_bytes_max=settings.record_bytes_max,
    )


def _topic(
    settings: TableSettings, table: Table, found: Mapping[str, Existing], record_bytes_max: int
) -> Topic:
    existing = found.get(settings.topic)
    count = settings.partitions or topics.partitions_for(table.rows_estimate)
    if existing is not None and settings.partitions not in (None, existing.partitions):
        raise ConfigError(
            f"the topic has {existing.partitions} partitions, and keeps them",
            topic=settings.topic,
            partitions=settings.partitions,
            remedy=f"Correct the entity file. To have another number: {_AGAIN.lower()}",
        )
    return Topic(
        name=settings.topic,
        partitions=existing.partitions if existing is not None else count,
        table=table.label,
        key=table.key,
        record_bytes_max=record_bytes_max,
    )


def _check_tables(position: Position, wanted: Collection[str]) -> None:
    """A table that is left out would go on being copied into the target by nobody."""
    for name in position.topic_ids:
        if name not in wanted:
            raise ConfigError(
                "no entity reads this table any more, and its rows are in the target",
                topic=name,
                remedy=f"Put its entity file back. To leave it out: {_AGAIN[0].lower()}{_AGAIN[1:]}",
            )


def _check_ids(position: Position, found: Mapping[str, Existing]) -> None:
    """A topic that was deleted, or created anew, has lost its history."""
    for name, known_id in position.topic_ids.items():
        if name in found and found[name].id != known_id:
            raise BrokerError("the topic was created anew", topic=name, remedy=_AGAIN)
        if name not in found and name in position.ends:
            raise BrokerError("the topic was deleted", topic=name, remedy=_AGAIN)


def _check_ends(known: Ends, ends: Ends) -> None:
    for topic, partitions in known.items():
        for partition, end in partitions.items():
            if topic in ends and ends[topic].get(partition, 0) < end:
                raise BrokerError(
                    "the topic has lost records", topic=topic, partition=partition, remedy=_AGAIN
                )
