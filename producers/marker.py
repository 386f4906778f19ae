"""Markers: messages of ours in the source's WAL, in commit order with everything else.

An ordinary role may write them, and no legacy table is touched.
Source: PostgreSQL manual, "Replication Management Functions" (pg_logical_emit_message).
"""

import json

from producers.source import Connection, source_errors
from schemas.errors import InvariantError

PREFIX = "understudy"
HEARTBEAT = "heartbeat"


def emit(connection: Connection, name: str) -> None:
    """Write a marker, in a transaction of its own.

    Args:
        connection: To the source, in autocommit.
        name: `HEARTBEAT`, or the id under which the marker is to be found.
    """
    content = json.dumps({"marker": name})
    with source_errors():
        connection.execute(
            "SELECT pg_catalog.pg_logical_emit_message(true, %s, %s)", (PREFIX, content)
        )


def name_in(content: bytes) -> str:
    """The name of a marker that was read back.

    Raises:
        InvariantError: The message is not one that `emit` wrote.
    """
    try:
        return str(json.loads(content)["marker"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvariantError("a message in the WAL with our prefix is not ours") from error
