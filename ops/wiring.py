"""The one place that builds objects: a migration folder becomes a capture, a worker or a client."""

import gc
import logging
import os
import socket
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from ops.stack import state
from ops.stack.state import Endpoints
from schemas import migration as folders
from schemas.complaints import did_you_mean
from schemas.errors import ConfigError, UsageError
from schemas.migration import PIPELINE_FILE, Migration

# The two sides are imported where they are built: neither process carries the other's libraries.
if TYPE_CHECKING:
    from consumers.worker import Worker
    from producers.capture import Capture
    from producers.settings import TableSettings
    from schemas.registry import Registry

CLIENT = "understudy-ops"
GARBAGE_OBJECTS = 70_000
_KEYS = {
    "source_dsn": "source.dsn",
    "target_dsn": "target.dsn",
    "bootstrap": "kafka.bootstrap",
    "registry_url": "registry.url",
}
# librdkafka repeats every failed attempt on stderr; what a command could not do, it says itself.
_QUIET = logging.getLogger("ops.kafka")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def read(folder: Path) -> Migration:
    """Read a migration folder with the environment laid over it."""
    return folders.load(folder, os.environ)


def endpoints(migration: Migration) -> Endpoints:
    """Where the four servers are: as configured, otherwise the running embedded stack's.

    Raises:
        ConfigError: One is not configured, and no stack runs.
    """
    pipeline = migration.pipeline
    configured = {
        "source_dsn": _secret(pipeline.source.dsn),
        "target_dsn": _secret(pipeline.target.dsn),
        "bootstrap": pipeline.kafka.bootstrap,
        "registry_url": pipeline.registry.url,
    }
    missing = [_KEYS[name] for name, value in configured.items() if not value]
    stack = state.endpoints(state.default_home()) if missing else None
    if missing and stack is None:
        raise ConfigError(
            "no server is configured here and the embedded stack does not run",
            file=migration.folder / PIPELINE_FILE,
            key=missing[0],
            remedy="Run understudy stack up, or set it in the file or as UNDERSTUDY_<SECTION>__<KEY>.",
        )
    return Endpoints(**{n: value or getattr(stack, n) for n, value in configured.items()})


def kafka_options(migration: Migration) -> dict[str, str | int | bool]:
    """What [kafka.options] says to librdkafka, secrets in clear."""
    options = migration.pipeline.kafka.options
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in options.items()
    }


def registry(migration: Migration, at: Endpoints) -> "Registry":
    """A client of the schema registry."""
    from schemas.registry import Registry  # noqa: PLC0415 - see above

    settings = migration.pipeline.registry
    return Registry(at.registry_url, settings.user, _secret(settings.password))


def admin(migration: Migration, at: Endpoints) -> AdminClient:
    """A Kafka client for topics, groups and offsets."""
    return AdminClient(
        {"bootstrap.servers": at.bootstrap, "client.id": CLIENT, **kafka_options(migration)},
        logger=_QUIET,
    )


def reader(migration: Migration, at: Endpoints) -> Consumer:
    """A Kafka client that is in no group and reads what it is assigned from the beginning."""
    return Consumer(
        {
            "bootstrap.servers": at.bootstrap,
            "client.id": CLIENT,
            "group.id": CLIENT,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",  # Compaction may have removed offset 0.
            "fetch.wait.max.ms": 50,  # While a broker waits for records, it answers nothing else on this connection.
            **kafka_options(migration),
        },
        logger=_QUIET,
    )


def capture(migration: Migration, at: Endpoints) -> "Capture":
    """The capture of all source tables of a migration."""
    from producers.capture import Capture  # noqa: PLC0415 - see above
    from producers.settings import CaptureSettings  # noqa: PLC0415 - see above

    _collect_rarely()
    pipeline = migration.pipeline
    return Capture(
        CaptureSettings(
            pipeline=pipeline.pipeline,
            source_dsn=at.source_dsn,
            bootstrap=at.bootstrap,
            kafka_options=kafka_options(migration),
            registry=registry(migration, at),
            tables=captured_tables(migration),
            heartbeat_ms=pipeline.heartbeat_ms,
            snapshot_readers=pipeline.source.snapshot_readers,
            chunk_rows=pipeline.source.chunk_rows,
            replication=pipeline.kafka.replication,
            compatibility=pipeline.registry.compatibility,
            version=installed_version("understudy"),
        )
    )


def _collect_rarely() -> None:
    """Have the process look for cycles more rarely by far: rows are many containers, and none is in a cycle."""
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


def captured_tables(migration: Migration) -> "tuple[TableSettings, ...]":
    """One table a topic, though several entities may read it."""
    from producers.settings import TableSettings  # noqa: PLC0415 - see above

    tables = []
    for topic, names in migration.topics.items():
        entities = [migration.entities[name] for name in names]
        schema, table = entities[0].source.place
        partitions = next((e.partitions for e in entities if e.partitions is not None), None)
        tables.append(TableSettings(schema=schema, name=table, topic=topic, partitions=partitions))
    return tuple(tables)


def worker(
    migration: Migration, at: Endpoints, entities: tuple[str, ...] = (), shadow: str | None = None
) -> "Worker":
    """A worker.

    Args:
        migration: What it applies.
        at: Where the servers are.
        entities: Which entities, with those that share their topics; none: all.
        shadow: The schema in which they are rebuilt; None: they are live.
    """
    from consumers.settings import WorkerSettings  # noqa: PLC0415 - see above
    from consumers.worker import Worker  # noqa: PLC0415 - see above

    _collect_rarely()
    return Worker(
        WorkerSettings(
            migration=migration,
            target_dsn=at.target_dsn,
            bootstrap=at.bootstrap,
            kafka_options=kafka_options(migration),
            registry=registry(migration, at),
            entities=chosen(migration, entities),
            shadow=shadow,
            client=f"{socket.gethostname()}-{os.getpid()}",
        )
    )


def chosen(migration: Migration, entities: tuple[str, ...]) -> tuple[str, ...]:
    """The named entities and those that read the same topics, for they are applied together; none named: all.

    Raises:
        UsageError: The migration has no such entity.
    """
    named(migration, entities)
    shared = (names for names in migration.topics.values() if not set(names).isdisjoint(entities))
    return tuple(sorted({name for names in shared for name in names})) or tuple(migration.entities)


def named(migration: Migration, entities: tuple[str, ...]) -> tuple[str, ...]:
    """The named entities alone; none named: all.

    Raises:
        UsageError: The migration has no such entity.
    """
    for name in entities:
        if name not in migration.entities:
            known = ", ".join(migration.entities)
            hint = did_you_mean(name, list(migration.entities))
            raise UsageError(f"no entity is called {name}{hint}", remedy=f"Name one of {known}.")
    return entities or tuple(migration.entities)


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()
