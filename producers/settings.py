"""What the capture of one pipeline needs to know, as values; `ops` builds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas import names, session

if TYPE_CHECKING:
    from schemas.registry import (
        Registry,  # Its client takes a quarter of a second that most commands need not pay.
    )

OptionValue = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """One legacy table and the topic that it goes to; `partitions` None: by the table's size."""

    schema: str
    name: str
    topic: str
    partitions: int | None = None

    @property
    def label(self) -> str:
        """Schema and name with a dot."""
        return f"{self.schema}.{self.name}"

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSettings:
    """The capture of one pipeline.

    Attributes:
        pipeline: Gives slot, publication and topic names.
        source_dsn: The legacy database, in either of libpq's forms.
        bootstrap: Kafka's brokers.
        registry: The schema registry.
        tables: What is captured.
        kafka_options: Go to librdkafka as they are, above our own.
        heartbeat_ms: Between two heartbeats written into the source's WAL.
        snapshot_readers: Connections that read the snapshot side by side.
        chunk_rows: Rows in a chunk of the snapshot, about.
        snapshot: Whether the tables are copied first; otherwise only what is committed from the slot on is captured.
        replication: Copies of each partition.
        compatibility: Of each registry subject.
        version: Of understudy; goes into each row's `source`.
    """

    pipeline: str
    source_dsn: str = field(repr=False)
    bootstrap: str
    registry: "Registry"
    tables: tuple[TableSettings, ...]
    kafka_options: Mapping[str, OptionValue] = field(default_factory=dict, repr=False)
    heartbeat_ms: int = 1_000
    snapshot_readers: int = 2
    chunk_rows: int = 100_000
    snapshot: bool = True
    replication: int = 1
    compatibility: str = "BACKWARD"
    version: str = "0"

    @property
    def positions_topic(self) -> str:
        """The topic of positions, markers and truncations."""
        return names.positions_topic(self.pipeline)

    @property
    def producer_options(self) -> dict[str, OptionValue]:
        """What librdkafka's producer is given, but for callbacks."""
        ours = session.producer_options(self.bootstrap, self.client)
        return {**ours, "enable.gapless.guarantee": True, **self.kafka_options}

    @property
    def record_bytes_max(self) -> int:
        """The largest record that the producer may send."""
        return int(self.producer_options["message.max.bytes"])

    @property
    def client(self) -> str:
        """How Kafka's logs call us."""
        return f"{self.pipeline}.capture"
