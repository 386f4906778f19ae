"""Are Kafka and the schema registry ready?"""

from collections.abc import Iterator
from contextlib import closing

from confluent_kafka.admin import AdminClient, ConfigResource

from ops import wiring
from ops.preflight.findings import Finding, Side, error, in_entity, in_pipeline
from ops.stack.state import Endpoints
from producers import topics
from producers.broker import broker_errors
from schemas import names, session
from schemas.migration import Migration
from schemas.registry import COMPATIBILITIES

REQUEST_TIMEOUT_S = 10.0


def check_kafka(migration: Migration, at: Endpoints) -> Iterator[Finding]:
    """What is wrong with the brokers, or with the names of the topics."""
    yield from _names(migration)
    admin = wiring.admin(migration, at)
    with broker_errors(bootstrap=at.bootstrap):
        brokers = admin.list_topics(timeout=REQUEST_TIMEOUT_S).brokers
    if migration.pipeline.kafka.replication > len(brokers):
        what = f"{migration.pipeline.kafka.replication} copies are wanted and Kafka has {len(brokers)} brokers"
        remedy = "Lower kafka.replication, or add brokers."
        yield error(
            Side.BROKER, "replication", in_pipeline(migration, "kafka.replication"), what, remedy
        )
    yield from _session_timeout(migration, at, admin, next(iter(brokers)))
    yield from _partitions(migration, admin)


def _names(migration: Migration) -> Iterator[Finding]:
    written = [*migration.topics, names.positions_topic(migration.pipeline.pipeline)]
    for one, other in names.collisions(written):
        owner = migration.topics.get(one) or migration.topics[other]
        place = in_entity(migration, migration.entities[owner[0]], "topic")
        what = f"Kafka cannot tell the topics {one} and {other} apart in its metrics"
        yield error(
            Side.CONFIG,
            "topic-collision",
            place,
            what,
            'Set topic = "..." in one of the entity files.',
        )


def _session_timeout(
    migration: Migration, at: Endpoints, admin: AdminClient, broker: int
) -> Iterator[Finding]:
    """A broker that refuses our session timeout refuses every worker."""
    resource = ConfigResource(ConfigResource.Type.BROKER, str(broker))
    with broker_errors(bootstrap=at.bootstrap):
        future = admin.describe_configs([resource], request_timeout=REQUEST_TIMEOUT_S)[resource]
        entries = future.result()
    options = session.consumer_options(at.bootstrap, "", "") | wiring.kafka_options(migration)
    ours_ms = int(options["session.timeout.ms"])
    lowest_ms = int(entries["group.min.session.timeout.ms"].value)
    highest_ms = int(entries["group.max.session.timeout.ms"].value)
    if not lowest_ms <= ours_ms <= highest_ms:
        what = f"Kafka takes session timeouts from {lowest_ms} to {highest_ms} ms, the workers' is {ours_ms} ms"
        remedy = 'Set "session.timeout.ms" in [kafka.options], or change group.min.session.timeout.ms of the brokers.'
        yield error(
            Side.BROKER, "session-timeout", in_pipeline(migration, "kafka.options"), what, remedy
        )


def _partitions(migration: Migration, admin: AdminClient) -> Iterator[Finding]:
    """A topic keeps the number of partitions that it was created with."""
    existing = topics.describe(admin, migration.topics)
    for entity in migration.entities.values():
        topic = migration.topic(entity)
        if entity.partitions and topic in existing:
            count = existing[topic].partitions
            if entity.partitions != count:
                yield error(
                    Side.BROKER,
                    "partitions",
                    in_entity(migration, entity, "partitions"),
                    f"the topic {topic} has {count} partitions, and keeps them",
                    f"Write {count}, or drop the pipeline and run it again.",
                )


def check_registry(migration: Migration, at: Endpoints) -> Iterator[Finding]:
    """What is wrong with the schema registry."""
    word = migration.pipeline.registry.compatibility
    if word not in COMPATIBILITIES:
        place = in_pipeline(migration, "registry.compatibility")
        what = f"the registry knows no compatibility {word}"
        yield error(
            Side.CONFIG,
            "compatibility",
            place,
            what,
            f"Write one of {', '.join(sorted(COMPATIBILITIES))}.",
        )
    with closing(wiring.registry(migration, at)) as registry:
        registry.ping()
