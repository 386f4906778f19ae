"""The Avro schemas of a topic, in the shape of Debezium's PostgreSQL connector.

Values travel as text: boolean, the integers, the floats and bytea have Avro types of their own, everything else is a
string that holds exactly what PostgreSQL prints under `schemas.session.PINNED`. The type of each column is kept in the
attributes `pg.type` (as format_type prints it) and `pg.base` (a type that holds every text of it on any server).

Differences from Debezium, on purpose:
  * `source.lsn` is the LSN of the commit (for a snapshot row: the consistent point), `source.epoch` is ours;
  * `unavailable` at the end names the columns that the server did not send (unchanged TOAST);
  * `moved_to` after it, of a delete that is half of a key change: the texts of the new key, in key order;
  * every column is nullable, and no default is ever exported.
Source: Debezium documentation, "PostgreSQL connector, data change events"; Avro 1.12 specification.
"""

from typing import Any

from schemas import names
from schemas.errors import InvariantError
from schemas.table import Column, Table

Schema = dict[str, Any]
UNAVAILABLE_PLACEHOLDER = "__debezium_unavailable_value"

AVRO_TYPES = {
    "boolean": "boolean",
    "smallint": "int",
    "integer": "int",
    "bigint": "long",
    "real": "float",
    "double precision": "double",
    "bytea": "bytes",
}
# Names of Debezium whose texts are what PostgreSQL prints.
_CONNECT_NAMES = {
    "uuid": "io.debezium.data.Uuid",
    "json": "io.debezium.data.Json",
    "jsonb": "io.debezium.data.Json",
    "xml": "io.debezium.data.Xml",
}
_SOURCE_FIELDS: tuple[tuple[str, Any], ...] = (
    ("version", "string"),
    ("connector", "string"),
    ("name", "string"),
    ("ts_ms", "long"),
    ("snapshot", ["null", "string"]),
    ("db", "string"),
    ("schema", "string"),
    ("table", "string"),
    ("txId", ["null", "long"]),
    ("lsn", ["null", "long"]),
    ("epoch", "int"),
)


def avro_type(column: Column) -> str:
    """The Avro type that carries the values of a column."""
    return AVRO_TYPES.get(column.base, "string")


def _field(column: Column) -> Schema:
    carried: Schema = {
        "type": avro_type(column),
        "pg.name": column.name,
        "pg.type": column.type,
        "pg.base": column.base,
    }
    if column.base in _CONNECT_NAMES:
        carried["connect.name"] = _CONNECT_NAMES[column.base]
    if column.base == "smallint":
        carried["connect.type"] = "int16"
    return {"name": names.avro_field(column.name), "type": ["null", carried], "default": None}


def published(table: Table) -> tuple[Column, ...]:
    """The columns that travel, in catalog order: all but generated ones."""
    return tuple(column for column in table.columns if not column.generated)


def value_schema(topic: str, table: Table) -> Schema:
    """The schema of a topic's values.

    Args:
        topic: Name of the topic; also the namespace of the records.
        table: The legacy table.
    """
    row = {
        "type": "record",
        "name": "Value",
        "fields": [_field(column) for column in published(table)],
    }
    source = {
        "type": "record",
        "name": "Source",
        "namespace": "io.debezium.connector.postgresql",
        "fields": [
            {"name": name, "type": kind, **({"default": None} if isinstance(kind, list) else {})}
            for name, kind in _SOURCE_FIELDS
        ],
    }
    block = {
        "type": "record",
        "name": "block",
        "namespace": "event",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "total_order", "type": "long"},
            {"name": "data_collection_order", "type": "long"},
        ],
    }
    return {
        "type": "record",
        "name": "Envelope",
        "namespace": _namespace(topic),
        "connect.name": f"{_namespace(topic)}.Envelope",
        "pg.schema": table.schema,
        "pg.table": table.name,
        "pg.key": list(table.key),
        "fields": [
            {"name": "before", "type": ["null", row], "default": None},
            {"name": "after", "type": ["null", "Value"], "default": None},
            {"name": "source", "type": source},
            {"name": "transaction", "type": ["null", block], "default": None},
            {"name": "op", "type": "string"},
            {"name": "ts_ms", "type": ["null", "long"], "default": None},
            *(
                {
                    "name": name,
                    "type": ["null", {"type": "array", "items": "string"}],
                    "default": None,
                }
                for name in ("unavailable", "moved_to")
            ),
        ],
    }


def key_schema(topic: str, table: Table) -> Schema:
    """The schema of a topic's keys: the columns of the primary key in key order, frozen for the life of the topic."""
    columns = (table.column(name) for name in table.key)
    fields = [
        {"name": names.avro_field(column.name), "type": _field(column)["type"][1]}
        for column in columns
        if column
    ]
    return {
        "type": "record",
        "name": "Key",
        "namespace": _namespace(topic),
        "connect.name": f"{_namespace(topic)}.Key",
        "fields": fields,
    }


def _namespace(topic: str) -> str:
    """Avro takes no hyphens, and no digit first, in the parts of a namespace."""
    return ".".join(names.avro_field(part) for part in topic.split("."))


def table_of(schema: Schema) -> Table:
    """Read a legacy table back from the schema of a topic's values.

    Raises:
        InvariantError: The schema is not one that `value_schema` wrote.
    """
    try:
        row = next(branch for branch in schema["fields"][0]["type"] if isinstance(branch, dict))
        columns = tuple(_column(field) for field in row["fields"])
        return Table(
            schema=schema["pg.schema"],
            name=schema["pg.table"],
            key=tuple(schema["pg.key"]),
            columns=columns,
        )
    except (KeyError, IndexError, StopIteration, TypeError) as error:
        raise InvariantError("not a schema of understudy", record=schema.get("name")) from error


def _column(field: Schema) -> Column:
    carried = field["type"][1]
    return Column(name=carried["pg.name"], type=carried["pg.type"], base=carried["pg.base"])
