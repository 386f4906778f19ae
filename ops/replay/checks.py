"""What stands in the way of a rebuild or its swap: looked for before anything is made, and again before the swap."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib.resources import files

from confluent_kafka import TopicPartition

from consumers import catalog
from consumers.catalog import ForeignKey
from ops import wiring
from ops.amounts import how_many
from ops.cutover.integrity import count_orphans
from ops.databases import Connection
from ops.proof import records
from ops.proof.verification import Kind, Verification
from ops.replay.shadow import OLD, Shadow
from ops.replay.tables import oids
from producers.broker import broker_errors
from schemas.entity import CONTROL_SCHEMA
from schemas.errors import ConflictError, MismatchError, NotReadyError, UsageError

NAME_MAX = 63  # NAMEDATALEN - 1 of PostgreSQL.
SHOWN_MAX = 10
_DEPENDENTS = files("ops.replay").joinpath("dependents.sql").read_bytes()
_CUTOVER = "SELECT EXISTS (SELECT FROM understudy.cutovers WHERE ended_at IS NULL)"
_PHASES = """
    SELECT entity, phase FROM understudy.entities WHERE generation = 1 AND entity = ANY (%s) AND phase <> 'tail'
    ORDER BY entity"""
_DEAD_LETTERS = """
    SELECT s.entity, s.legacy_key FROM understudy.waiting s
    WHERE s.generation = 2 AND s.entity = ANY (%s) AND s.reason = 'rule' AND NOT EXISTS (
        SELECT FROM understudy.waiting w
        WHERE w.generation = 1 AND w.entity = s.entity AND w.source = s.source AND w.legacy_key = s.legacy_key
            AND w.reason = 'rule')
        AND NOT EXISTS (
            SELECT FROM understudy.migration_mappings m
            WHERE m.entity = s.entity AND m.source = s.source AND m.legacy_key = s.legacy_key AND m.state = 'x')
    ORDER BY s.entity, s.legacy_key"""
Keys = Mapping[str, list[str]]


def require_rebuildable(target: Connection, shadow: Shadow) -> None:
    """See to it that the live tables can be copied, and changed for their copies later.

    Raises:
        UsageError: The schema cannot be called like that; or it cannot hold two tables of one name.
        NotReadyError: An entity is in its snapshot, or switched.
        ConflictError: A cutover is open; or something means the live tables that cannot be made anew.
    """
    names = [name for _, name in shadow.tables]
    schemas = {schema for schema, _ in shadow.tables}
    if len(f"{shadow.schema}{OLD}".encode()) > NAME_MAX or shadow.schema == CONTROL_SCHEMA:
        raise UsageError(
            f"{shadow.schema} cannot be the name of a shadow", remedy="Choose another, and short."
        )
    if len(set(names)) < len(names):
        raise UsageError(
            "two of the tables have one name, in different schemas",
            schemas=",".join(sorted(schemas)),
            remedy="Rebuild these entities one after the other.",
        )
    unready = target.execute(_PHASES, [list(shadow.entities)]).fetchall()
    if unready:
        entity, phase = unready[0]
        raise NotReadyError(f"{entity} is in the phase {phase}", remedy="understudy status")
    require_movable(target, shadow)


def require_movable(target: Connection, shadow: Shadow) -> None:
    """See to it that the live tables can change places with others now.

    Raises:
        ConflictError: A cutover is open; or something means the live tables that cannot be made anew.
    """
    if target.execute(_CUTOVER).fetchall() == [(True,)]:
        raise ConflictError(
            "a cutover is open", remedy="understudy cutover status; finish or abort it first."
        )
    found = target.execute(_DEPENDENTS, {"oids": oids(target, shadow.tables)}).fetchall()
    if found:
        listed = "; ".join(str(what) for (what,) in found)
        raise ConflictError(
            f"what depends on the live tables would stay with the old ones: {listed}",
            remedy="Drop it, and make it again after the swap.",
        )


def require_whole_topics(shadow: Shadow) -> None:
    """See to it that the topics reach back to their beginning.

    Raises:
        NotReadyError: Kafka has deleted records of one.
    """
    with closing(wiring.reader(shadow.live, shadow.at)) as consumer, broker_errors():
        for topic in shadow.topics:
            listed = consumer.list_topics(topic, timeout=records.PATIENCE_S).topics[topic]
            for partition in listed.partitions:
                place = TopicPartition(topic, partition)
                first, _ = consumer.get_watermark_offsets(place, timeout=records.PATIENCE_S)
                if first:
                    raise NotReadyError(
                        f"Kafka has deleted the first {first} records of {topic}/{partition}",
                        remedy="Without them nothing can be rebuilt. New rules over the rows that are there: "
                        "understudy reapply.",
                    )


def written_by_others(found: Verification) -> Keys:
    """Rows of the live target that others have written, or changed: they are not in the topics."""
    return {
        entity.entity: keys
        for entity in found.entities
        if (keys := [d.key for d in entity.differences if d.kind in (Kind.ROGUE, Kind.EXTRA)])
    }


def new_dead_letters(target: Connection, shadow: Shadow) -> Keys:
    """Rows that the rules of the rebuild refuse, and that the live target has or at least does not refuse."""
    found: dict[str, list[str]] = {}
    for entity, key in target.execute(_DEAD_LETTERS, [list(shadow.entities)]).fetchall():
        found.setdefault(str(entity), []).append(str(key))
    return found


def require_accepted(rows: Keys, what: str, accepted: int | None) -> None:
    """Go on only if somebody has seen which rows the swap would leave behind.

    Raises:
        MismatchError: The number that was accepted is not theirs.
    """
    count = sum(map(len, rows.values()))
    if count == (accepted or 0):
        return
    listed = "; ".join(
        f"{entity}: {', '.join(keys[:SHOWN_MAX])}{' ...' if len(keys) > SHOWN_MAX else ''}"
        for entity, keys in rows.items()
    )
    raise MismatchError(
        f"{how_many(count, 'row')} of the live target {what}: {listed}"
        if count
        else f"there is no row of the live target {what}",
        accepted=accepted or 0,
        remedy=f"understudy verify shows them. To leave them behind in the old tables: --accept {count}.",
    )


def orphans(target: Connection, shadow: Shadow) -> dict[str, int]:
    """Rows that would refer to nothing after the swap, by foreign key."""
    found = {}
    for key in _crossing(target, shadow):
        count = count_orphans(target, key)
        if count:
            found[f"{key.name} of {'.'.join(key.table)}"] = count
    return found


def _crossing(target: Connection, shadow: Shadow) -> list[ForeignKey]:
    """The foreign keys between these tables and others, as they will be."""
    keys = []
    for name in shadow.entities:
        table = catalog.read(target, shadow.live.entities[name].target)
        for key in {*table.references, *table.referenced_by}:
            ours = key.table in shadow.tables, key.parent in shadow.tables
            if ours == (True, False):
                keys.append(replace(key, table=(shadow.schema, key.table[1])))
            elif ours == (False, True):
                keys.append(replace(key, parent=(shadow.schema, key.parent[1])))
    return keys
