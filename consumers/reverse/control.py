"""The control tables of the way back in the legacy database: migrations, the lock, the checkpoint."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from schemas.errors import NotReadyError, OwnershipLostError

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
Offsets = Mapping[tuple[str, int], int]

# Any number will do, as long as every version of understudy uses the same.
_LOCK = 7_236_512
_FENCE_OFF = "SELECT set_config('understudy.fence', 'off', true)"
_EXISTS = "SELECT to_regclass('understudy.way_back_version') IS NOT NULL"
_REGISTER = """
INSERT INTO understudy.way_back_offsets (pipeline, topic, partition, topic_id)
SELECT %s, %s, partition, %s FROM generate_series(0, %s - 1) AS partition ON CONFLICT DO NOTHING"""
_STATE = """
SELECT switched_lsn, applied_lsn, applied_ms, truncated_lsn, stopped_reason
FROM understudy.way_back WHERE pipeline = %s"""
_ADVANCE = """
UPDATE understudy.way_back_offsets SET next_offset = %s
WHERE topic = %s AND partition = %s AND next_offset = %s"""
_APPLIED = """
UPDATE understudy.way_back SET applied_lsn = %s, applied_ms = %s, pid = pg_backend_pid(), updated_at = now(),
    stopped_at = NULL, stopped_reason = NULL
WHERE pipeline = %s"""
_STOPPED = """
UPDATE understudy.way_back SET stopped_at = now(), stopped_reason = %s
WHERE pipeline = %s AND stopped_reason IS DISTINCT FROM %s"""


class NotSwitchedError(NotReadyError):
    """The entities belong to the source: there is nothing to take back."""

    def __init__(self) -> None:
        """Say what leads there."""
        super().__init__(
            "the entities are not switched to the target", remedy="understudy cutover begin"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far the way back is; LSNs of the target.

    Attributes:
        switched_lsn: Commits before it are the forward side's own; None: the way back is not in use.
        applied_lsn: Every commit up to here is applied, or is one of those.
        applied_ms: Time of the target of the last marker, milliseconds since 1970.
        truncated_lsn: Truncations up to here were seen to by hand.
        stopped_reason: What the legacy side refused last, if it has not gone in since.
    """

    switched_lsn: int | None
    applied_lsn: int
    applied_ms: int
    truncated_lsn: int
    stopped_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a transaction advances to: offsets from and to, by topic and partition, and the marker."""

    before: Offsets
    after: Offsets
    lsn: int
    source_ms: int


def migrate(connection: Connection) -> None:
    """Bring the control tables to this version; any number of processes may call it at once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        done = 0
        if connection.execute(_EXISTS).fetchall() == [(True,)]:
            query = "SELECT max(version) FROM understudy.way_back_version"
            done = int(str(connection.execute(query).fetchall()[0][0]))
        for number, script in _scripts():
            if number > done:
                connection.execute(script)


def _scripts() -> list[tuple[int, bytes]]:
    folder = files("schemas").joinpath("control_legacy")
    scripts = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return sorted((int(file.name.removesuffix(".sql")), file.read_bytes()) for file in scripts)


def register(connection: Connection, pipeline: str, topics: Iterable[tuple[str, str, int]]) -> None:
    """Make the row of a pipeline, and the checkpoints of its topics, where there are none.

    Args:
        connection: To the legacy database.
        pipeline: Its name.
        topics: Of the way back: name, Kafka's id and number of partitions.
    """
    with connection.transaction():
        insert = "INSERT INTO understudy.way_back (pipeline) VALUES (%s) ON CONFLICT DO NOTHING"
        connection.execute(insert, [pipeline])
        for topic, topic_id, partitions in topics:
            connection.execute(_REGISTER, [pipeline, topic, topic_id, partitions])


def switch(connection: Connection, pipeline: str, lsn: int | None) -> None:
    """Say from which LSN of the target on its commits are taken over; None: none are."""
    connection.execute(
        "UPDATE understudy.way_back SET switched_lsn = %s WHERE pipeline = %s", [lsn, pipeline]
    )


def state(connection: Connection, pipeline: str) -> State | None:
    """How far the way back is; None if it was never prepared."""
    if connection.execute(_EXISTS).fetchall() != [(True,)]:
        return None
    return _state(connection.execute(_STATE, [pipeline]).fetchone())


def _state(row: tuple[object, ...] | None) -> State | None:
    if row is None:
        return None
    switched, applied, applied_ms, truncated, reason = row
    return State(
        switched_lsn=None if switched is None else int(str(switched)),
        applied_lsn=int(str(applied)),
        applied_ms=int(str(applied_ms)),
        truncated_lsn=int(str(truncated)),
        stopped_reason=None if reason is None else str(reason),
    )


def offsets(connection: Connection, pipeline: str) -> dict[tuple[str, int], tuple[int, str]]:
    """Where reading goes on: the next offset and Kafka's id of the topic, by topic and partition."""
    query = "SELECT topic, partition, next_offset, topic_id FROM understudy.way_back_offsets WHERE pipeline = %s"
    return {
        (str(topic), int(str(partition))): (int(str(offset)), str(topic_id))
        for topic, partition, offset, topic_id in connection.execute(query, [pipeline]).fetchall()
    }


def lock(cursor: Cursor, pipeline: str) -> State:
    """Take the lock of the one who applies, let this transaction through the fence, and read how far it is.

    Raises:
        NotSwitchedError: The entities are not switched to the target.
    """
    cursor.execute(_FENCE_OFF)
    found = _state(cursor.execute(f"{_STATE} FOR UPDATE", [pipeline]).fetchone())
    return _switched(found)


def require_switched(connection: Connection, pipeline: str) -> State:
    """How far the way back is.

    Raises:
        NotSwitchedError: The entities are not switched to the target.
    """
    return _switched(state(connection, pipeline))


def _switched(found: State | None) -> State:
    if found is None or found.switched_lsn is None:
        raise NotSwitchedError
    return found


def advance(cursor: Cursor, pipeline: str, progress: Progress) -> None:
    """Move the checkpoint, in the transaction that has written the rows.

    Raises:
        OwnershipLostError: Somebody else has moved it.
    """
    for place, offset in progress.after.items():
        expected = progress.before[place]
        if offset == expected:
            continue
        if cursor.execute(_ADVANCE, [offset, *place, expected]).rowcount != 1:
            topic, partition = place
            raise OwnershipLostError(topic=topic, partition=partition, expected=expected)
    cursor.execute(_APPLIED, [progress.lsn, progress.source_ms, pipeline])


def stopped(connection: Connection, pipeline: str, reason: str) -> bool:
    """Record what the legacy side refused; whether that is news."""
    return connection.execute(_STOPPED, [reason, pipeline, reason]).rowcount > 0


def drop(connection: Connection, pipeline: str) -> None:
    """Forget a pipeline; the tables go with the last one."""
    with connection.transaction():
        if connection.execute(_EXISTS).fetchall() != [(True,)]:
            return
        connection.execute("DELETE FROM understudy.way_back WHERE pipeline = %s", [pipeline])
        if connection.execute("SELECT count(*) FROM understudy.way_back").fetchall() == [(0,)]:
            connection.execute(_DROP)


_DROP = """
DROP TABLE understudy.way_back_offsets, understudy.way_back, understudy.identity_overrides,
    understudy.way_back_version"""


def overrides(cursor: Cursor, ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """The legacy keys of rows that were born on the target, or that have moved: entity, UUID and key."""
    query = """
    SELECT entity, CAST(id AS text), legacy_key FROM understudy.identity_overrides
    WHERE id = ANY(CAST(%s AS uuid[]))"""
    return [
        (str(entity), str(id_), str(key))
        for entity, id_, key in cursor.execute(query, [list(ids)]).fetchall()
    ]


def override(cursor: Cursor, rows: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Record UUIDs that are not the computed ones: entity, source, legacy key, UUID and why; no key twice."""
    if rows:
        cursor.execute(_OVERRIDE, [list(column) for column in zip(*rows, strict=True)])


_OVERRIDE = """
INSERT INTO understudy.identity_overrides (entity, source, legacy_key, id, why)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[])
ON CONFLICT (entity, source, legacy_key) DO UPDATE SET id = excluded.id, why = excluded.why"""


def give_back(cursor: Cursor, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Say of keys that are recorded as another row's whose they are: entity, source, legacy key, UUID; no key twice."""
    if rows:
        cursor.execute(_GIVE_BACK, [list(column) for column in zip(*rows, strict=True)])


_GIVE_BACK = """
UPDATE understudy.identity_overrides o SET id = r.id, why = 'the row has come back'
FROM unnest(%s::text[], %s::text[], %s::text[], %s::uuid[]) AS r (entity, source, legacy_key, id)
WHERE o.entity = r.entity AND o.source = r.source AND o.legacy_key = r.legacy_key AND o.id <> r.id"""
