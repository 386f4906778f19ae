"""Markers, and what operators ask for: messages of ours in the source's WAL, in commit order with everything else.

An ordinary role may write them, and no legacy table is touched.
Source: PostgreSQL manual, "Replication Management Functions" (pg_logical_emit_message).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from producers.source import Connection, source_errors
from schemas.errors import InvariantError
from schemas.event_id import lsn_value

PREFIX = "understudy"
HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One message of ours.

    Attributes:
        marker: Its name, if it is a marker.
        pipeline: Whom it is for, if it asks for something; several may read one database.
        resync: The table that is to be read again.
        restart: Why the capture is to begin again, with the folder as it is now.
    """

    marker: str | None = None
    pipeline: str | None = None
    resync: str | None = None
    restart: str | None = None


def emit(connection: Connection, name: str) -> None:
    """Write a marker, in a transaction of its own.

    Args:
        connection: To the source, in autocommit.
        name: `HEARTBEAT`, or the id under which the marker is to be found.
    """
    _write(connection, {"marker": name})


def ask_resync(connection: Connection, pipeline: str, table: str) -> int:
    """Ask the capture of a pipeline, the one that runs or the next, to read a table again.

    Args:
        connection: To the source, in autocommit.
        pipeline: Its name.
        table: Label of the table.

    Returns:
        LSN of the message: the table is read at a later point.
    """
    return _write(connection, {"pipeline": pipeline, "resync": table})


def ask_restart(connection: Connection, pipeline: str, why: str) -> None:
    """Have the capture of a pipeline begin again, with its migration folder as it is now.

    Args:
        connection: To the source, in autocommit.
        pipeline: Its name.
        why: For its log.
    """
    _write(connection, {"pipeline": pipeline, "restart": why})


def _write(connection: Connection, content: Mapping[str, str]) -> int:
    query = "SELECT pg_catalog.pg_logical_emit_message(true, %s, %s)"
    with source_errors():
        row = connection.execute(query, (PREFIX, json.dumps(content))).fetchall()[0]
    return lsn_value(str(row[0]))


def read(content: bytes) -> Note:
    """Read a message back.

    Raises:
        InvariantError: The message is not one that we wrote.
    """
    try:
        return Note(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise InvariantError("a message in the WAL with our prefix is not ours") from error
