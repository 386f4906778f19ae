"""The records of the positions topic: what the producer knows, for itself and for the consumers.

One partition, compacted; a key is a text, a value is JSON with its version `v`. Several producers may have written (one
was killed, another took over), so the highest (epoch, LSN) wins, never the last record.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from schemas.errors import InvariantError
from schemas.event_id import EventId

VERSION = 1
# End offsets by topic and partition: the offset after the last record.
Ends = dict[str, dict[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A slot is about to be created; `suffix` tells our slot from one of the same name."""

    suffix: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """All of the source up to `lsn` is acknowledged by Kafka.

    Attributes:
        epoch: Goes up by a resync only.
        lsn: End LSN of the last transaction whose records are all acknowledged.
        consistent_point: Where the slot began.
        system_identifier: Of the source's cluster.
        timeline: Of the source.
        topic_ids: Kafka's ids, so that a topic that was created anew is noticed.
        ends: End offsets at that point.
    """

    epoch: int
    lsn: int
    consistent_point: int
    system_identifier: str
    timeline: int
    topic_ids: dict[str, str] = field(default_factory=dict)
    ends: Ends = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk of a table's snapshot is acknowledged.

    It holds the rows with `lower <= key < upper` (None: open), in texts of the first column of the key.
    """

    table: str
    number: int
    lower: str | None
    upper: str | None
    rows: int
    lsn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEnd:
    """All chunks of a table are acknowledged; who has reached `ends` has applied its snapshot.

    Attributes:
        lsn: The latest of the points at which its rows were read.
        since: The earliest of them, where the table was read again for a resync: what is known of a key from before,
            and was not seen again, is gone. 0 of a first snapshot.
    """

    table: str
    topic: str
    epoch: int
    lsn: int
    rows: int
    ends: Ends
    since: int = 0

    @property
    def seen_from(self) -> EventId:
        """No key that is still there has an event id below this."""
        return EventId(self.epoch, self.since, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Somebody asked, in the transaction that committed at `lsn`, that a table be read again."""

    table: str
    topic: str
    epoch: int
    lsn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A point of the source in all topics: every record of a commit up to `lsn` lies below `ends`.

    Attributes:
        id: `heartbeat`, or the name that somebody gave it.
        source_ms: Time of the source when it was written, milliseconds since 1970.
        lsn: Commit LSN of the transaction that wrote it.
    """

    id: str
    epoch: int
    lsn: int
    source_ms: int
    ends: Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    """A legacy table was truncated at this event id."""

    table: str
    topic: str
    epoch: int
    lsn: int
    ordinal: int

    @property
    def event_id(self) -> EventId:
        """Where in the history it stands."""
        return EventId(self.epoch, self.lsn, self.ordinal)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaText:
    """The text of a registered schema, so that the topics can be read without the registry."""

    id: int
    subject: str
    text: str


Record = Intent | Position | Chunk | SnapshotEnd | Resync | Marker | Truncate | SchemaText
_KINDS: dict[str, type[Record]] = {
    "intent": Intent,
    "position": Position,
    "chunk": Chunk,
    "snapshot": SnapshotEnd,
    "resync": Resync,
    "marker": Marker,
    "heartbeat": Marker,
    "truncate": Truncate,
    "schema": SchemaText,
}


def key(record: Record) -> str:
    """The key under which a record replaces its predecessor."""
    match record:
        case Chunk():
            parts: tuple[object, ...] = ("chunk", record.table, record.number)
        case SnapshotEnd():
            parts = ("snapshot", record.table)
        case Resync():
            parts = ("resync", record.table)
        case Marker():
            parts = ("heartbeat",) if record.id == "heartbeat" else ("marker", record.id)
        case Truncate():
            parts = ("truncate", record.table)
        case SchemaText():
            parts = ("schema", record.id)
        case Intent():
            parts = ("intent",)
        case _:
            parts = ("position",)
    return "/".join(map(str, parts))


def encode(record: Record) -> tuple[bytes, bytes]:
    """Key and value of a record as bytes."""
    return key(record).encode(), json.dumps(
        {"v": VERSION, **asdict(record)}, separators=(",", ":")
    ).encode()


def decode(raw_key: bytes, value: bytes) -> Record:
    """Read a record back.

    Raises:
        InvariantError: A newer version wrote it, or somebody else did.
    """
    kind = _KINDS.get(raw_key.decode(errors="replace").partition("/")[0])
    try:
        document: dict[str, Any] = json.loads(value)
        version = document.pop("v")
        if kind is None or version != VERSION:
            raise InvariantError(
                "a record of the positions topic has an unknown kind or version", version=version
            )
        if "ends" in document:
            document["ends"] = {
                topic: {int(p): end for p, end in ends.items()}
                for topic, ends in document["ends"].items()
            }
        return kind(**document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvariantError("a record of the positions topic is not readable") from error
