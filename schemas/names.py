"""Names that both sides derive from the pipeline's name and a table's name.

Source: Kafka's Topic.java (legal characters, 249 at most), PostgreSQL manual, "CREATE_REPLICATION_SLOT" (slot names).
"""

import re

from schemas.errors import ConfigError

TOPIC_LENGTH_MAX = 249
PIPELINE = re.compile(r"[a-z][a-z0-9-]{0,30}")
# An underscore that would read as an escape is escaped itself, so that two names never meet in one.
_FOR_TOPIC = re.compile(r"[^A-Za-z0-9_-]|_(?=u[0-9a-f]{4})")
_FOR_AVRO = re.compile(r"[^A-Za-z0-9_]|_(?=u[0-9a-f]{4})|^[0-9]")
_ESCAPED = re.compile(r"_u([0-9a-f]{4,6})_")


def _escape(match: re.Match[str]) -> str:
    return f"_u{ord(match[0]):04x}_"


def topic(pipeline: str, schema: str, table: str) -> str:
    """Name of the data topic of a legacy table: `<pipeline>.<schema>.<table>`.

    Raises:
        ConfigError: Kafka does not take a name that long.
    """
    parts = (_FOR_TOPIC.sub(_escape, part) for part in (schema, table))
    name = ".".join((pipeline, *parts))
    if len(name) > TOPIC_LENGTH_MAX:
        raise ConfigError(
            "the topic name is too long",
            table=f"{schema}.{table}",
            remedy='Set topic = "..." in the entity file.',
        )
    return name


def positions_topic(pipeline: str) -> str:
    """Name of the compacted topic with positions, markers and truncations."""
    return f"{pipeline}.understudy"


def slot(pipeline: str) -> str:
    """Name of the replication slot."""
    return f"understudy_{pipeline.replace('-', '_')}"


def publication(pipeline: str) -> str:
    """Name of the publication on the source."""
    return slot(pipeline)


def back(pipeline: str) -> str:
    """Name under which the way back captures the target: its slot, publication, topics and subjects carry it."""
    return f"{pipeline}-back"


def group(pipeline: str) -> str:
    """Name of the consumer group."""
    return pipeline


def shadow_group(pipeline: str) -> str:
    """Name of the group that fills the shadow of some entities."""
    return f"{pipeline}-shadow"


def key_subject(topic_name: str) -> str:
    """Registry subject of the keys of a topic."""
    return f"{topic_name}-key"


def value_subject(topic_name: str) -> str:
    """Registry subject of the values of a topic."""
    return f"{topic_name}-value"


def avro_field(column: str) -> str:
    """Write a column name as an Avro name, reversibly: `e-mail` becomes `e_u002d_mail`."""
    return _FOR_AVRO.sub(_escape, column)


def column_name(avro_name: str) -> str:
    """Read back what `avro_field` wrote."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), avro_name)


def collisions(topics: list[str]) -> list[tuple[str, str]]:
    """Pairs of topics that Kafka would confuse in its metrics, because `.` and `_` are one to it."""
    seen: dict[str, str] = {}
    found = []
    for name in topics:
        other = seen.setdefault(name.replace(".", "_"), name)
        if other != name:
            found.append((other, name))
    return found
