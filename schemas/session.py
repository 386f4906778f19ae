"""How every session is set up, so that one value is one text everywhere.

Sources: PostgreSQL manual, "Client Connection Defaults" and "Connection Strings"; librdkafka CONFIGURATION.md.
"""

import re

# Rule 9 of the hard cases: an ALTER DATABASE ... SET must not change what a value looks like in mid-stream.
PINNED = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "client_encoding": "UTF8",
    "search_path": "",
    "row_security": "off",
}

CONNECT_TIMEOUT_S = 10
TCP_USER_TIMEOUT_MS = 30_000

_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_PASSWORD_IN_PAIR = re.compile(
    r"(\b\w*password\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:\\.|\S)+)", re.IGNORECASE | re.DOTALL
)


def options(**settings: str) -> str:
    """The `options` of a connection string that pin the session; keyword arguments come on top."""
    pairs = {**PINNED, **settings}
    return " ".join(option(name, value) for name, value in pairs.items())


def option(name: str, value: str) -> str:
    """One setting, as the `options` of a connection string have it."""
    return f"-c {name}=" + re.sub(r"([\\ ])", r"\\\1", value)


def parameters(application: str, before: str = "", **settings: str) -> dict[str, str | int]:
    """Keyword arguments for `psycopg.connect` beside the DSN; they win over what the DSN says.

    Args:
        application: Shown in pg_stat_activity, as `understudy <application>`.
        before: The `options` of the DSN; ours come after them, and win.
        settings: Further run-time settings, such as lock_timeout.
    """
    return {
        "application_name": f"understudy {application}",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
        "options": f"{before} {options(**settings)}".strip(),
    }


def redacted(dsn: str) -> str:
    """A DSN as it may be shown: without passwords, in either of libpq's two forms."""
    return _PASSWORD_IN_PAIR.sub(r"\1***", _PASSWORD_IN_URL.sub(r"\1:***@", dsn))


def producer_options(bootstrap: str, client: str) -> dict[str, str | int | bool]:
    """Options of librdkafka for the capture process: idempotent, ordered, large batches.

    message.timeout.ms=0 waits for ever: a record is never given up while later ones go through.
    """
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "batch.size": 1_000_000,
        "compression.type": "lz4",
        "partitioner": "murmur2_random",
        "message.timeout.ms": 0,
        "message.max.bytes": 64_000_000,
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 65_536,
        "enable.metrics.push": False,
    }


def consumer_options(bootstrap: str, group: str, client: str) -> dict[str, str | int | bool]:
    """Options of librdkafka for a worker: the target's checkpoints decide, so nothing commits or resets by itself."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": client,
        "group.protocol": "classic",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": 10_000,
        "heartbeat.interval.ms": 2_000,
        "max.poll.interval.ms": 300_000,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "check.crcs": False,
        # Records come at once; a partition that joins, or goes on, waits this long for its first fetch.
        "fetch.wait.max.ms": 50,
        "fetch.queue.backoff.ms": 5,
        "queued.max.messages.kbytes": 32_768,
        "fetch.max.bytes": 16_777_216,
        "max.partition.fetch.bytes": 4_194_304,
        "enable.metrics.push": False,
    }
