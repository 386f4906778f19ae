"""understudy.toml: the pipeline's name, its namespace and where the four servers are.

Precedence: environment `UNDERSTUDY_<SECTION>__<KEY>` > file > the embedded stack's endpoints (filled in by ops).
"""

import re
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from schemas.errors import ConfigError

ENV_PREFIX = "UNDERSTUDY_"
# Words of the environment that are not settings of a pipeline.
ENV_OTHERS = re.compile(r"UNDERSTUDY_(FAILPOINT|CACHE|LOG_FORMAT|STACK_\w+|TEST_\w+)")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Section):
    """One PostgreSQL server: `dsn` in either of libpq's forms; None: the embedded stack's."""

    dsn: SecretStr | None = None


class Source(Database):
    """The legacy database.

    Attributes:
        snapshot_readers: Connections that read the snapshot side by side.
        chunk_rows: Rows in a chunk of the snapshot, about.
    """

    snapshot_readers: Annotated[int, Field(ge=1, le=16)] = 2
    chunk_rows: Annotated[int, Field(ge=1_000)] = 100_000


class Target(Database):
    """The new database.

    Attributes:
        connections: Apply connections of one worker.
        batch_rows: Records in one apply transaction, at most.
    """

    connections: Annotated[int, Field(ge=1, le=16)] = 2
    batch_rows: Annotated[int, Field(ge=1, le=100_000)] = 20_000


class Kafka(_Section):
    """The brokers. `options` go to librdkafka as they are (security, for instance)."""

    bootstrap: str | None = None
    replication: Annotated[int, Field(ge=1, le=7)] = 1
    options: dict[str, SecretStr | int | bool] = {}


class Registry(_Section):
    """The schema registry, by its Confluent-compatible URL."""

    url: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    compatibility: str = "BACKWARD"


class Cutover(_Section):
    """The evening of the cutover: who is fenced off the legacy tables, and how.

    The commands of the operator are run without a shell, and have a minute each.

    Attributes:
        writers: Roles of the legacy server that lose LOGIN and whose sessions are ended.
        tables_refuse: Whether a trigger on every captured table refuses writes, whoever makes them.
        before_fence: Command, for instance to tell the applications; a failure ends the attempt.
        after_switch: Command, for instance to point the applications at the target.
        after_abort: Command, for instance to tell the applications that all is as before.
        target_writers: Roles of the target's server that a rollback shuts out, as `writers`.
        after_rollback: Command, for instance to point the applications at the legacy side.
    """

    writers: tuple[str, ...] = ()
    tables_refuse: bool = True
    before_fence: str | None = None
    after_switch: str | None = None
    after_abort: str | None = None
    target_writers: tuple[str, ...] = ()
    after_rollback: str | None = None


class Metrics(_Section):
    """Where capture and workers tell Prometheus what only they know; None: nowhere.

    Attributes:
        port: Of the first process of a machine; each further one takes the next that is free, of twenty.
        address: On which they listen. Whoever reaches it reads names of tables and figures, no values.
    """

    port: Annotated[int, Field(ge=1, le=65_500)] | None = None
    address: str = "127.0.0.1"


class Pipeline(_Section):
    """What stands in understudy.toml."""

    pipeline: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    namespace: UUID
    heartbeat_ms: Annotated[int, Field(ge=50, le=60_000)] = 1_000
    source: Source = Source()
    target: Target = Target()
    kafka: Kafka = Kafka()
    registry: Registry = Registry()
    cutover: Cutover = Cutover()
    metrics: Metrics = Metrics()


def with_environment(
    document: dict[str, object], environment: Mapping[str, str]
) -> dict[str, object]:
    """Lay `UNDERSTUDY_<SECTION>__<KEY>` over a parsed understudy.toml.

    Raises:
        ConfigError: A variable begins with UNDERSTUDY_ and is no setting.
    """
    merged = dict(document)
    for variable in sorted(environment):
        if not variable.startswith(ENV_PREFIX) or ENV_OTHERS.fullmatch(variable):
            continue
        section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if section not in Pipeline.model_fields or (bool(separator) == (section in _SCALARS)):
            raise ConfigError(
                "unknown environment variable",
                variable=variable,
                remedy="Write UNDERSTUDY_<SECTION>__<KEY>, for instance UNDERSTUDY_SOURCE__DSN.",
            )
        if not separator:
            merged[section] = environment[variable]
            continue
        inner = merged.get(section, {})
        merged[section] = {**(inner if isinstance(inner, dict) else {}), key: environment[variable]}
    return merged


_SCALARS = frozenset({"pipeline", "namespace", "heartbeat_ms"})
