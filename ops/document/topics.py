"""topics.json: the contract of every topic, in AsyncAPI 3.0. Pure.

Sources: AsyncAPI specification 3.0.0; AsyncAPI Kafka bindings 0.5.0.
"""

from ops import wiring
from ops.document.messages import POSITIONS, Document, components, reference
from ops.document.model import Model
from producers import topics
from schemas import names, session
from schemas.migration import Migration

NAME = "topics.json"
ASYNCAPI = "3.0.0"
BINDING = "0.5.0"
CONTRACT = "1.0.0"  # Goes up with the envelope, the encoding of keys or the records of the positions topic.
CONTENT_TYPE = "application/vnd.apache.avro"
DESCRIPTION = (
    "One topic per legacy table, with every row of the snapshot and every change since, kept for ever; and one topic "
    "with the positions of the capture. A record is a zero byte, the four bytes of its schema's id in the registry, "
    "and Avro. The order of a key's records is that of its partition; which of two records is newer is told by "
    "source.epoch, transaction.id and transaction.total_order, never by the offset alone."
)
_DATA = "Rows and changes of {}. Partitions are chosen by murmur2 over the key; their number never changes."
_POSITIONS = "How far the capture is: one partition, of each key the last record."


def document(model: Model) -> Document:
    """The whole document."""
    pipeline = model.migration.pipeline
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": f"Topics of {pipeline.pipeline}",
            "version": CONTRACT,
            "description": DESCRIPTION,
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            **{topic: _data_channel(model, topic) for topic in sorted(model.migration.topics)},
            names.positions_topic(pipeline.pipeline): _positions_channel(model.migration),
        },
        "operations": _operations(model),
        "components": components(model),
    }


def _data_channel(model: Model, topic: str) -> Document:
    entities = [model.migration.entities[name] for name in model.migration.topics[topic]]
    legacy = model.source_of(entities[0])
    fixed = next((e.partitions for e in entities if e.partitions is not None), None)
    return {
        "address": topic,
        "title": legacy.label,
        "description": _DATA.format(legacy.label),
        "messages": {
            "change": reference("components", "messages", topic),
            "tombstone": reference("components", "messages", f"{topic}.tombstone"),
        },
        "bindings": {"kafka": _binding(model.migration, partitions=fixed)},
    }


def _positions_channel(migration: Migration) -> Document:
    kinds = [kind.__name__ for kind in POSITIONS]
    return {
        "address": names.positions_topic(migration.pipeline.pipeline),
        "title": "Positions",
        "description": _POSITIONS,
        "messages": {kind: reference("components", "messages", kind) for kind in kinds},
        "bindings": {"kafka": _binding(migration, partitions=1, compacted=True)},
    }


def _binding(migration: Migration, *, partitions: int | None, compacted: bool = False) -> Document:
    """How the topic is created; the number of partitions, where no entity file fixes it, depends on the rows."""
    options = {**session.producer_options("", ""), **wiring.kafka_options(migration)}
    bytes_max = int(options["message.max.bytes"])
    topic = topics.Topic(name="", partitions=1, compacted=compacted, record_bytes_max=bytes_max)
    return {
        **({} if partitions is None else {"partitions": partitions}),
        "replicas": migration.pipeline.kafka.replication,
        "topicConfiguration": {name: _typed(name, text) for name, text in topic.config.items()},
        "bindingVersion": BINDING,
    }


def _typed(name: str, text: str) -> object:
    """The binding wants numbers where Kafka's configuration has texts."""
    if name == "cleanup.policy":
        return text.split(",")
    return int(text) if text.lstrip("-").isdigit() else text


def _operations(model: Model) -> Document:
    """What the capture sends, and what the consumer of each entity and every worker receive."""
    pipeline = model.migration.pipeline.pipeline
    followed = names.positions_topic(pipeline)
    found = {
        f"capture.{topic}": _operation("send", "The capture", topic)
        for topic in [*sorted(model.migration.topics), followed]
    }
    group = {"groupId": {"type": "string", "const": names.group(pipeline)}}
    for topic, entities in sorted(model.migration.topics.items()):
        for entity in entities:
            receive = _operation("receive", f"The consumer of {entity}", topic)
            bound = {"kafka": {**group, "bindingVersion": BINDING}}
            found[f"apply.{entity}"] = {**receive, "bindings": bound}
    found["follow"] = _operation("receive", "Every worker, in no group", followed)
    return found


def _operation(action: str, title: str, topic: str) -> Document:
    return {"action": action, "title": title, "channel": reference("channels", topic)}
