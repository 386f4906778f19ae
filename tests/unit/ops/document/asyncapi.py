"""AsyncAPI 3.0.0 as strict models: of its objects, those that topics.json may use, and no word more.

Source: AsyncAPI specification 3.0.0; AsyncAPI Kafka bindings 0.4.0 (message) and 0.5.0 (channel, operation).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import fastavro
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")]
Document = dict[str, Any]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Reference(Strict):
    ref: Annotated[str, StringConstraints(pattern=r"^#/")] = Field(alias="$ref")


class Info(Strict):
    title: str
    version: str
    description: str


class TopicConfiguration(Strict):
    policy: list[Literal["compact", "delete"]] = Field(alias="cleanup.policy")
    retention_ms: int | None = Field(None, alias="retention.ms", ge=-1)
    retention_bytes: int | None = Field(None, alias="retention.bytes", ge=-1)
    timestamps: str | None = Field(None, alias="message.timestamp.type")
    bytes_max: int = Field(alias="max.message.bytes", ge=0)


class ChannelKafka(Strict):
    partitions: int | None = Field(None, ge=1)
    replicas: int = Field(ge=1)
    topicConfiguration: TopicConfiguration  # noqa: N815 - as the specification spells it
    bindingVersion: Literal["0.5.0"]  # noqa: N815


class ChannelBindings(Strict):
    kafka: ChannelKafka


class Channel(Strict):
    address: str
    title: str
    description: str
    messages: dict[Key, Reference] = Field(min_length=1)
    bindings: ChannelBindings


class OperationKafka(Strict):
    groupId: Document  # noqa: N815
    bindingVersion: Literal["0.5.0"]  # noqa: N815


class OperationBindings(Strict):
    kafka: OperationKafka


class Operation(Strict):
    action: Literal["send", "receive"]
    title: str
    channel: Reference
    bindings: OperationBindings | None = None


class MessageKafka(Strict):
    key: Document
    schemaIdLocation: Literal["header", "payload"] | None = None  # noqa: N815
    schemaIdPayloadEncoding: str | None = None  # noqa: N815
    schemaLookupStrategy: str | None = None  # noqa: N815
    bindingVersion: Literal["0.4.0"]  # noqa: N815


class MessageBindings(Strict):
    kafka: MessageKafka


class Message(Strict):
    title: str | None = None
    contentType: str | None = None  # noqa: N815
    payload: Document
    bindings: MessageBindings


class MultiFormat(Strict):
    schemaFormat: Literal["application/vnd.apache.avro+json;version=1.9.0"]  # noqa: N815
    avro: Document = Field(alias="schema")


class Components(Strict):
    messages: dict[Key, Message]
    schemas: dict[Key, MultiFormat]


class Contract(Strict):
    asyncapi: Literal["3.0.0"]
    info: Info
    defaultContentType: str  # noqa: N815
    channels: dict[Key, Channel]
    operations: dict[Key, Operation]
    components: Components


def require_valid(document: Document) -> Contract:
    """Judge a document: its structure, where its references lead, and each Avro schema in it."""
    contract = Contract.model_validate(document)
    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    for schema in contract.components.schemas.values():
        fastavro.parse_schema(schema.avro)
    for message in contract.components.messages.values():
        if message.bindings.kafka.schemaIdLocation:
            fastavro.parse_schema(message.bindings.kafka.key)
    return contract


def references(value: object) -> Iterator[str]:
    """Every $ref of a document."""
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
