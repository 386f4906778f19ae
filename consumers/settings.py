"""What a worker needs to know, as values; `ops` builds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas import names
from schemas.migration import Migration

if TYPE_CHECKING:
    from schemas.registry import (
        Registry,  # Its client takes a quarter of a second that most commands need not pay.
    )

OptionValue = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """One worker.

    Attributes:
        migration: What it applies.
        target_dsn: The new database, in either of libpq's forms.
        bootstrap: Kafka's brokers.
        registry: The schema registry.
        kafka_options: Go to librdkafka as they are, above our own.
        entities: Which entities, always with those that share their topics; none: all.
        shadow: The schema in which they are rebuilt; None: they are live.
        client: How the servers' logs call it.
    """

    migration: Migration
    target_dsn: str = field(repr=False)
    bootstrap: str
    registry: "Registry"
    kafka_options: Mapping[str, OptionValue] = field(default_factory=dict, repr=False)
    entities: tuple[str, ...] = ()
    shadow: str | None = None
    client: str = "worker"

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.migration.pipeline.pipeline

    @property
    def group(self) -> str:
        """The Kafka group that all workers of the pipeline join, or those that fill a shadow."""
        return names.shadow_group(self.pipeline) if self.shadow else names.group(self.pipeline)

    @property
    def positions_topic(self) -> str:
        """The topic of positions, markers and truncations."""
        return names.positions_topic(self.pipeline)

    @property
    def connections(self) -> int:
        """How many batches are applied at once."""
        return self.migration.pipeline.target.connections

    @property
    def batch_rows(self) -> int:
        """Records in one apply transaction, at most."""
        return self.migration.pipeline.target.batch_rows
