"""The replication stream: START_REPLICATION over libpq, through psycopg's low-level calls.

Two threads share the connection: the caller reads, and a thread of ours sends a standby status
every second, so that the server hears from us while the caller waits for Kafka.
Source: PostgreSQL manual, "Streaming Replication Protocol" and "Functions Associated with the
COPY Command"; psycopg `pq.PGconn`.
"""

import select
import struct
import threading
import time
from dataclasses import dataclass

from psycopg import sql

from producers.background import Background
from producers.source import Connection, connect_replication, source_errors
from schemas.errors import SourceLostError

STATUS_INTERVAL_S = 1.0
# Silence that long although we asked for a reply: the connection is dead.
SILENCE_MAX_S = 30.0
# The server is asked for a sign of life after that much silence.
_ASK_AFTER_S = 10.0
# What is read in one go, so that the caller gets its turn.
READ_BYTES_MAX = 1 << 20

_XLOG_DATA, _KEEPALIVE = b"wk"
_HEADER_SIZE = 25
_KEEPALIVE_FIELDS = struct.Struct("!xQqB")
_STATUS = struct.Struct("!cQQQqB")
_EPOCH_US = 946_684_800_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What came in: messages of pgoutput, and the end of WAL that a keepalive told, if it came last.

    Attributes:
        messages: In order.
        idle_lsn: Everything up to here has been sent; None if messages came after it.
        reply_wanted: The server asked to hear from us, maybe because it wants to stop.
    """

    messages: list[bytes]
    idle_lsn: int | None
    reply_wanted: bool


class Stream:
    """One walsender that streams a slot."""

    def __init__(self, connection: Connection) -> None:
        """Take over a connection on which START_REPLICATION has succeeded."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._flushed = 0
        self._received = 0
        self._heard = time.monotonic()
        self._more = False
        self._keeper = Background("feedback", self._keep_alive)

    @classmethod
    def start(cls, dsn: str, slot: str, publication: str) -> "Stream":
        """Stream a slot from its confirmed position.

        Raises:
            SourceLostError: The connection broke.
            ConflictError: Another process streams the slot.
        """
        connection = connect_replication(dsn, "tail")
        command = sql.SQL(
            "START_REPLICATION SLOT {slot} LOGICAL 0/0"
            " (proto_version '1', publication_names {publication}, messages 'true')"
        ).format(slot=sql.Identifier(slot), publication=sql.Literal(_quoted(publication)))
        try:
            with source_errors(slot=slot):
                connection.execute(command)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def read(self, wait_s: float) -> Arrived:
        """Take what has arrived, waiting for the first of it.

        Args:
            wait_s: Seconds to wait at most; 0 takes only what is there.

        Raises:
            SourceLostError: The connection broke, or nothing was heard for too long.
        """
        self._keeper.check()
        with source_errors():
            # What libpq has already taken off the socket does not make it readable again.
            wait_s = 0.0 if self._more else wait_s
            readable, _, _ = select.select([self._pgconn.socket], [], [], wait_s)
            with self._lock:
                if readable:
                    self._pgconn.consume_input()
                arrived = self._drain()
        silence = time.monotonic() - self._heard
        if silence > SILENCE_MAX_S:
            raise SourceLostError("the server is silent", seconds=round(silence))
        return arrived

    def _drain(self) -> Arrived:
        get = self._pgconn.get_copy_data
        messages: list[bytes] = []
        idle_lsn, reply_wanted, size = None, False, 0
        while size < READ_BYTES_MAX:
            count, data = get(1)
            if count <= 0:
                if count < 0:
                    raise SourceLostError("the server ended the stream")
                break
            self._heard = time.monotonic()
            if data[0] == _XLOG_DATA:
                messages.append(bytes(data[_HEADER_SIZE:]))
                idle_lsn = None
                size += count
            elif data[0] == _KEEPALIVE:
                idle_lsn, _, wanted = _KEEPALIVE_FIELDS.unpack(data)
                reply_wanted = reply_wanted or bool(wanted)
                self._received = max(self._received, idle_lsn)
        self._more = size >= READ_BYTES_MAX
        return Arrived(messages=messages, idle_lsn=idle_lsn, reply_wanted=reply_wanted)

    def confirm(self, lsn: int) -> None:
        """Let the server forget everything before `lsn`; sent at once."""
        self._flushed = max(self._flushed, lsn)
        self._wake.set()

    def close(self) -> None:
        """Send the last confirmation and end the stream."""
        self._stopped.set()
        self._wake.set()
        self._keeper.join()
        self._connection.close()

    def _keep_alive(self) -> None:
        """Send a status each second and after each confirmation, the last one when it ends."""
        with source_errors():
            while not self._stopped.is_set():
                self._wake.wait(STATUS_INTERVAL_S)
                self._wake.clear()
                self._send_status()

    def _send_status(self) -> None:
        now_us = int(time.time() * 1_000_000) - _EPOCH_US
        ask = time.monotonic() - self._heard > _ASK_AFTER_S
        received = max(self._received, self._flushed)
        status = _STATUS.pack(b"r", received, self._flushed, self._flushed, now_us, ask)
        with self._lock:
            self._pgconn.put_copy_data(status)
            self._pgconn.flush()


def _quoted(publication: str) -> str:
    """publication_names is a list of identifiers within a literal."""
    return '"' + publication.replace('"', '""') + '"'
