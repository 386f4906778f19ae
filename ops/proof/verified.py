"""What verifications have found, kept in the target's control schema."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from consumers import control
from ops.controls import require_control
from ops.databases import Connection
from ops.proof.hold import Place
from schemas.errors import NotReadyError
from schemas.event_id import lsn_text
from schemas.migration import Migration

# It brings the libraries of the apply along, which a status need not load.
if TYPE_CHECKING:
    from ops.proof.verification import EntityVerification, Verification

WAITING_MAX = 100_000
_VERIFICATION = """
    INSERT INTO understudy.verifications (scope, lsn, at, seconds, clean, versions)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id"""
_ENTITY = """
    INSERT INTO understudy.verified_entities
        (verification, entity, spec_version, compared, differing, found, differences, waiting, offsets)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""
# No worker of this version has run yet.
_HAS_TABLE = "SELECT to_regclass('understudy.verified_entities') IS NOT NULL"
# A sample says nothing of the rows that it left out.
_NEWEST = """
    SELECT DISTINCT ON (e.entity) e.entity, e.spec_version, e.differing, e.waiting, e.offsets, v.lsn, v.at, v.clean,
        n.spec_version, n.truncated_lsn,
        (SELECT coalesce(sum(c.next_offset - (e.offsets -> c.topic ->> c.partition::text)::bigint), 0)::bigint
         FROM understudy.checkpoints c WHERE c.generation = understudy.generation(c.entity) AND c.entity = e.entity)
    FROM understudy.verified_entities e
    JOIN understudy.verifications v ON v.id = e.verification
    JOIN understudy.entities n ON n.generation = understudy.generation(n.entity) AND n.entity = e.entity
    WHERE v.scope <> 'sample' AND e.entity = ANY (%s)
    ORDER BY e.entity, v.id DESC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Where one entity's changes begin.

    Attributes:
        offsets: By partition, the first record that counts.
        waiting: Legacy keys that may have gone in without a record of their own.
    """

    offsets: Mapping[Place, int]
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Since):
    """The newest verification of one entity's rows: of `offsets` on, no record was looked at.

    Attributes:
        lsn: Of the source.
        truncated: Whether the legacy table was truncated since.
        by_other_rules: Whether the rules have changed since.
        records: How many the target has taken in since.
    """

    entity: str
    lsn: int
    at: datetime
    differing: int
    is_clean: bool
    truncated: bool
    by_other_rules: bool
    records: int

    @property
    def is_stale(self) -> bool:
        """Whether the target has moved on since."""
        return self.by_other_rules or self.truncated or self.records > 0

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "lsn": lsn_text(self.lsn),
            "at": self.at.isoformat(),
            "clean": self.is_clean,
            "differing": self.differing,
            "stale": self.is_stale,
            "records_since": self.records,
            "rules_changed": self.by_other_rules,
        }


def store(
    connection: Connection,
    verification: "Verification",
    versions: Mapping[str, str],
    topics: Mapping[str, str],
) -> None:
    """Keep a verification, without any value of a row.

    Args:
        connection: To the target.
        verification: What was found.
        versions: Of understudy and the servers.
        topics: Of each entity.
    """
    with connection.transaction():
        head = (verification.scope, verification.lsn, verification.at, verification.seconds)
        rows = connection.execute(
            _VERIFICATION, [*head, verification.is_clean, Jsonb(dict(versions))]
        ).fetchall()
        for entity in verification.entities:
            parts = {
                str(partition): offset
                for (topic, partition), offset in verification.offsets.items()
                if topic == topics[entity.entity]
            }
            connection.execute(
                _ENTITY, [rows[0][0], *_columns(entity), Jsonb({topics[entity.entity]: parts})]
            )


def _columns(entity: "EntityVerification") -> Sequence[object]:
    differences = [
        {"key": d.key, "kind": d.kind.value, "columns": list(d.columns)} for d in entity.differences
    ]
    found = {kind.value: count for kind, count in entity.found.items()}
    return (
        entity.entity,
        entity.spec_version,
        entity.rows,
        entity.differing,
        Jsonb(found),
        Jsonb(differences),
        Jsonb(entity.waiting),
    )


def newest(
    connection: Connection, migration: Migration, entities: Sequence[str]
) -> dict[str, Stored]:
    """The newest verification of each entity; those that were never verified are not there.

    Raises:
        NotReadyError: No worker has ever run.
    """
    require_control(connection)
    if connection.execute(_HAS_TABLE).fetchall() == [(False,)]:
        return {}
    unknown = set(control.changed_rules(connection, migration))
    rows = connection.execute(_NEWEST, [list(entities)]).fetchall()
    return {
        stored.entity: stored
        for row in rows
        for stored in [_stored(row, by_other_rules=str(row[0]) in unknown)]
    }


def _stored(row: Sequence[object], *, by_other_rules: bool) -> Stored:
    entity, spec, differing, waiting, offsets, lsn, at, clean, spec_now, truncated, records = row
    if not isinstance(at, datetime) or not isinstance(waiting, list):
        raise TypeError(at)
    places = json.loads(json.dumps(offsets))
    return Stored(
        entity=str(entity),
        lsn=int(str(lsn)),
        at=at,
        differing=int(str(differing)),
        is_clean=bool(clean) and not differing,
        waiting=tuple(map(str, waiting)),
        offsets={
            (topic, int(partition)): int(offset)
            for topic, parts in places.items()
            for partition, offset in parts.items()
        },
        truncated=int(str(truncated)) > int(str(lsn)),
        by_other_rules=by_other_rules or spec != spec_now,
        records=int(str(records)),
    )


def baseline(
    connection: Connection, migration: Migration, entities: Sequence[str]
) -> dict[str, Stored]:
    """What a verification of the changed rows alone begins with.

    Raises:
        NotReadyError: Some entity has none that it could begin with.
    """
    known = newest(connection, migration, entities)
    for name in entities:
        stored = known.get(name)
        why = _unfit(stored)
        if why is not None:
            at = {} if stored is None else {"at": lsn_text(stored.lsn)}
            raise NotReadyError(
                f"what has changed since cannot tell of {name}: {why}",
                **at,
                remedy="Verify all of it: understudy verify.",
            )
    return known


def _unfit(stored: Stored | None) -> str | None:
    if stored is None:
        return "it was never verified"
    reasons = {
        "its rules have changed since": stored.by_other_rules,
        "its legacy table was truncated since": stored.truncated,
        "rows differed": stored.differing > 0,
        "totals differed, or another entity that was verified with it": not stored.is_clean,
        f"more than {WAITING_MAX} rows waited": len(stored.waiting) > WAITING_MAX,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
