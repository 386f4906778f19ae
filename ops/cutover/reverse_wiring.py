"""Builds what runs the way back: the capture of the target, and the apply to the legacy database."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from ops import wiring
from ops.stack.state import Endpoints
from schemas import names
from schemas.migration import Migration

# Each process imports only what it needs; see ops.wiring.
if TYPE_CHECKING:
    from consumers.reverse.stream import WayBack
    from producers.capture import Capture
    from producers.settings import TableSettings


@contextmanager
def capture(migration: Migration, at: Endpoints) -> "Iterator[Capture]":
    """The capture of all target tables, from its slot on and without a snapshot."""
    from producers.capture import Capture  # noqa: PLC0415 - see above
    from producers.settings import CaptureSettings  # noqa: PLC0415 - see above

    pipeline = migration.pipeline
    with closing(wiring.registry(migration, at)) as registry:
        yield Capture(
            CaptureSettings(
                pipeline=names.back(pipeline.pipeline),
                source_dsn=at.target_dsn,
                bootstrap=at.bootstrap,
                kafka_options=wiring.kafka_options(migration),
                registry=registry,
                tables=captured_tables(migration),
                heartbeat_ms=pipeline.heartbeat_ms,
                snapshot=False,
                replication=pipeline.kafka.replication,
                compatibility=pipeline.registry.compatibility,
                version=installed_version("understudy"),
            )
        )


def captured_tables(migration: Migration) -> "tuple[TableSettings, ...]":
    """The target tables, each with its topic of the way back."""
    from producers.settings import TableSettings  # noqa: PLC0415 - see above

    name = names.back(migration.pipeline.pipeline)
    places = dict.fromkeys(entity.target.place for entity in migration.entities.values())
    return tuple(
        TableSettings(schema=schema, name=table, topic=names.topic(name, schema, table))
        for schema, table in places
    )


@contextmanager
def way_back(migration: Migration, at: Endpoints) -> "Iterator[WayBack]":
    """The apply to the legacy database."""
    from consumers.reverse.settings import ReverseSettings  # noqa: PLC0415 - see above
    from consumers.reverse.stream import WayBack  # noqa: PLC0415 - see above

    with closing(wiring.registry(migration, at)) as registry:
        yield WayBack(
            ReverseSettings(
                migration=migration,
                source_dsn=at.source_dsn,
                target_dsn=at.target_dsn,
                bootstrap=at.bootstrap,
                kafka_options=wiring.kafka_options(migration),
                registry=registry,
            )
        )
