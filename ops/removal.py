"""`drop`: what a pipeline has left on the source, in Kafka, the registry and on the target, listed first, then removed.

Each step does nothing where nothing is left, so that a second run finishes what a first one began.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from ops import databases, wiring
from ops.cutover import reverse
from ops.databases import Connection
from ops.replay import dropping
from ops.replay.dropping import Leftover
from ops.stack.state import Endpoints
from ops.watch import broker
from producers import publication, slot, topics
from producers.broker import broker_errors
from producers.slot import Slot
from schemas import names, session
from schemas.errors import ConflictError
from schemas.migration import Migration

APPLICATION = "drop"
_HAS_PUBLICATION = "SELECT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = %s)"
_HAS_CONTROL = "SELECT to_regnamespace('understudy') IS NOT NULL"
_READERS = files("ops").joinpath("readers.sql").read_bytes()
# Those of all workers begin so; the server shows the names to every role.
_HAS_WORKERS = """
    SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity
        WHERE datname = current_database() AND starts_with(application_name, 'understudy worker'))"""
# What Kafka takes beyond a session timeout to let go of who is dead; after a start it loads its groups first.
_FORGETS_S = 5.0
_POLL_S = 0.2
_IN_USE = "Stop run, produce, consume and replay first, everywhere."


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What there is of a pipeline; the rows of the live tables are not among it.

    Attributes:
        in_use: Who is at work on it, and so in the way.
    """

    slots: tuple[str, ...]
    publication: str | None
    groups: tuple[str, ...]
    topics: tuple[str, ...]
    subjects: tuple[str, ...]
    rebuilds: tuple[Leftover, ...]
    has_control: bool
    readers: tuple[str, ...]
    has_way_back: bool
    in_use: tuple[ConflictError, ...] = ()

    def lines(self) -> list[str]:
        """Each thing as one line."""
        listed = [f"replication slot {name}" for name in self.slots]
        listed += [f"publication {self.publication}"] if self.publication else []
        listed += [f"consumer group {name}" for name in self.groups]
        listed += [f"topic {name}" for name in self.topics]
        listed += [f"registry subject {name}" for name in self.subjects]
        listed += [line for left in self.rebuilds for line in left.lines()]
        listed += ["the way back, with what holds back WAL of the target"] * self.has_way_back
        listed += ["schema understudy of the target, with all mappings"] * self.has_control
        return listed + [f"view {name}, which reads old ids there" for name in self.readers]


def find(migration: Migration, at: Endpoints) -> Remains:
    """Look for everything that carries the pipeline's name."""
    pipeline = migration.pipeline.pipeline
    admin = wiring.admin(migration, at)
    groups = names.group(pipeline), names.shadow_group(pipeline)
    with databases.target(at.target_dsn, APPLICATION) as target:
        workers = _workers(migration, admin, groups, target)
        has_control = _is_true(target, _HAS_CONTROL)
        rebuilds = dropping.leftovers(target) if has_control else []
        readers = tuple(str(name) for (name,) in target.execute(_READERS).fetchall())
    # After the wait: a capture that was killed with the workers is gone by now.
    with databases.source(at.source_dsn, APPLICATION) as source:
        slots = slot.slots_of(source, pipeline).values()
        published = names.publication(pipeline)
        is_published = _is_true(source, _HAS_PUBLICATION, published)
    return Remains(
        slots=tuple(one.name for one in slots),
        publication=published if is_published else None,
        groups=_existing(admin, groups),
        topics=tuple(
            sorted(topics.describe(admin, [*migration.topics, names.positions_topic(pipeline)]))
        ),
        subjects=_subjects(migration, at),
        rebuilds=tuple(rebuilds),
        has_control=has_control,
        readers=readers,
        has_way_back=reverse.state(migration, at) is not None,
        in_use=(*workers, *_captures(slots)),
    )


def _workers(
    migration: Migration, admin: AdminClient, groups: Sequence[str], target: Connection
) -> list[ConflictError]:
    """The groups that have living members; those of the dead, whom Kafka remembers for a while, are waited for."""
    options = session.consumer_options("", "", "") | wiring.kafka_options(migration)
    deadline = time.monotonic() + int(options["session.timeout.ms"]) / 1000 + _FORGETS_S
    while found := [group for group in groups if broker.group(admin, group).members]:
        if _is_true(target, _HAS_WORKERS) or time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    return [ConflictError("workers are running", group=one, remedy=_IN_USE) for one in found]


def _captures(slots: Iterable[Slot]) -> list[ConflictError]:
    return [
        ConflictError("capture is running", slot=one.name, pid=one.active_pid, remedy=_IN_USE)
        for one in slots
        if one.active_pid is not None
    ]


def remove(migration: Migration, at: Endpoints, remains: Remains) -> None:
    """Remove all of it: what holds back WAL first, what explains the target last.

    Raises:
        ConflictError: The way back is running, or something depends on tables that a rebuild has left.
    """
    if remains.has_way_back:
        reverse.drop(migration, at)
    with databases.source(at.source_dsn, APPLICATION) as source:
        for name in remains.slots:
            slot.drop(source, name)
        publication.drop(source, names.publication(migration.pipeline.pipeline))
    admin = wiring.admin(migration, at)
    for group in remains.groups:
        _delete_group(admin, group)
    topics.delete(admin, remains.topics)
    with closing(wiring.registry(migration, at)) as registry:
        for subject in remains.subjects:
            registry.delete(subject)
    with databases.target(at.target_dsn, APPLICATION) as target:
        if remains.rebuilds:
            dropping.drop_all(target)
        target.execute("DROP SCHEMA IF EXISTS understudy CASCADE")


def _subjects(migration: Migration, at: Endpoints) -> tuple[str, ...]:
    named = (names.key_subject, names.value_subject)
    ours = {name(topic) for topic in migration.topics for name in named}
    with closing(wiring.registry(migration, at)) as registry:
        return tuple(sorted(ours & registry.subjects()))


def _existing(admin: AdminClient, groups: Sequence[str]) -> tuple[str, ...]:
    with broker_errors(group=groups[0]):
        listed = admin.list_consumer_groups(request_timeout=broker.REQUEST_TIMEOUT_S).result()
    known = {group.group_id for group in listed.valid}
    return tuple(name for name in groups if name in known)


def _delete_group(admin: AdminClient, name: str) -> None:
    future = admin.delete_consumer_groups([name], request_timeout=broker.REQUEST_TIMEOUT_S)[name]
    with broker_errors(group=name):
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise


def _is_true(connection: Connection, query: str, *parameters: object) -> bool:
    return connection.execute(query.encode(), parameters).fetchall() == [(True,)]
