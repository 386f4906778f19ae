"""What the way back needs to know, as values; `ops` builds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas import names, session
from schemas.migration import Migration

if TYPE_CHECKING:
    from schemas.registry import (
        Registry,  # Its client takes a quarter of a second that most commands need not pay.
    )

OptionValue = str | int | bool
# One reader has all partitions: fetches are smaller than a worker's.
_BOUNDED = {
    "queued.max.messages.kbytes": 16_384,
    "fetch.max.bytes": 1_048_576,
    "max.partition.fetch.bytes": 262_144,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseSettings:
    """The way back of one pipeline.

    Attributes:
        migration: Whose entities go back.
        source_dsn: The legacy database, which is written here.
        target_dsn: The new database, whose mapping is read.
        bootstrap: Kafka's brokers.
        registry: The schema registry.
        kafka_options: Go to librdkafka as they are, above our own.
    """

    migration: Migration
    source_dsn: str = field(repr=False)
    target_dsn: str = field(repr=False)
    bootstrap: str
    registry: "Registry"
    kafka_options: Mapping[str, OptionValue] = field(default_factory=dict, repr=False)

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.migration.pipeline.pipeline

    @property
    def name(self) -> str:
        """Name under which the target is captured."""
        return names.back(self.pipeline)

    @property
    def positions_topic(self) -> str:
        """The topic of the markers of the way back."""
        return names.positions_topic(self.name)

    def topic(self, schema: str, table: str) -> str:
        """The topic of a target table."""
        return names.topic(self.name, schema, table)

    @property
    def consumer_options(self) -> dict[str, OptionValue]:
        """What librdkafka's consumer is given for the data topics."""
        ours = session.consumer_options(self.bootstrap, self.name, f"{self.name}.apply")
        return {**ours, **_BOUNDED, **self.kafka_options}

    @property
    def follower_options(self) -> dict[str, OptionValue]:
        """What librdkafka's consumer is given for the positions topic, whose first records may be compacted away."""
        return {**self.consumer_options, "auto.offset.reset": "earliest"}
