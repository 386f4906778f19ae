"""The messages of the topics, and their schemas: Avro of keys and values, JSON Schema of the positions. Pure.

Source: AsyncAPI specification 3.0.0, "Message Object" and "Multi Format Schema Object".
"""

from typing import Any

from pydantic import TypeAdapter

from ops.document.model import Model
from schemas import envelope, names, positions
from schemas.table import Table

Document = dict[str, Any]

AVRO = "application/vnd.apache.avro+json;version=1.9.0"
BINDING = "0.4.0"  # Of messages: the last whose JSON Schema takes an Avro schema as a key.
# The records of the positions topic, and what their keys look like.
POSITIONS: dict[type[positions.Record], str] = {
    positions.Intent: "^intent$",
    positions.Position: "^position$",
    positions.Chunk: "^chunk/.+/[0-9]+$",
    positions.SnapshotEnd: "^snapshot/.+$",
    positions.Marker: "^(heartbeat|marker/.+)$",
    positions.Truncate: "^truncate/.+$",
    positions.SchemaText: "^schema/[0-9]+$",
}


def reference(*path: str) -> Document:
    """A reference to another place of the document."""
    return {"$ref": f"#/{'/'.join(path)}"}


def components(model: Model) -> Document:
    """All messages and schemas."""
    messages: Document = {}
    schemas: Document = {}
    for topic, entities in sorted(model.migration.topics.items()):
        table = model.source_of(model.migration.entities[entities[0]])
        messages |= _messages(topic, table)
        value = envelope.value_schema(topic, table)
        schemas[names.value_subject(topic)] = {"schemaFormat": AVRO, "schema": value}
    messages |= {kind.__name__: _position(kind, key) for kind, key in POSITIONS.items()}
    return {"messages": messages, "schemas": schemas}


def _messages(topic: str, table: Table) -> Document:
    """A change, and the tombstone behind a delete, by which Kafka's own tools know that the key is gone."""
    bindings = {"kafka": _bound(envelope.key_schema(topic, table))}
    return {
        topic: {
            "title": f"A row of {table.label}, or a change of it",
            "payload": reference("components", "schemas", names.value_subject(topic)),
            "bindings": bindings,
        },
        f"{topic}.tombstone": {
            "title": f"A row of {table.label} is gone; follows its delete",
            "payload": {"type": "null"},
            "bindings": bindings,
        },
    }


def _bound(key: envelope.Schema) -> Document:
    """Where the ids of the schemas stand: in the four bytes after the first."""
    return {
        "key": key,
        "schemaIdLocation": "payload",
        "schemaIdPayloadEncoding": "4",
        "schemaLookupStrategy": "TopicNameStrategy",
        "bindingVersion": BINDING,
    }


def _position(kind: type[positions.Record], key: str) -> Document:
    return {
        "contentType": "application/json",
        "payload": _json_schema(kind),
        "bindings": {
            "kafka": {"key": {"type": "string", "pattern": key}, "bindingVersion": BINDING}
        },
    }


def _json_schema(kind: type[positions.Record]) -> Document:
    """Of a record as it is written: with its version, and with all its fields."""
    schema = TypeAdapter(kind).json_schema()
    fields = {
        name: {word: value for word, value in field.items() if word != "title"}
        for name, field in schema["properties"].items()
    }
    properties = {"v": {"type": "integer", "const": positions.VERSION}, **fields}
    return {**schema, "properties": properties, "required": list(properties)}
