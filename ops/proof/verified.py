"""What verifications have found, kept in the target's control schema."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers import control
from ops.controls import require_control
from ops.databases import Connection
from ops.proof.hold import Place
from schemas.errors import NotReadyError
from schemas.event_id import lsn_text
from schemas.migration import Migration

WAITING_MAX = 100_000
# No worker of this version has run yet.
_VERSION = 9
_HAS_TABLES = "SELECT max(version) >= %s FROM understudy.schema_version"
# A sample says nothing of the rows that it left out.
_NEWEST = """
    SELECT DISTINCT ON (e.entity) e.entity, e.spec_version, e.differing, e.waiting, e.offsets, v.lsn, v.at, e.clean,
        e.compared, n.spec_version, n.truncated_lsn,
        (SELECT coalesce(sum(c.next_offset - (e.offsets -> c.topic ->> c.partition::text)::bigint), 0)::bigint
         FROM understudy.checkpoints c WHERE c.generation = understudy.generation(c.entity) AND c.entity = e.entity)
    FROM understudy.verified_entities e
    JOIN understudy.verifications v ON v.id = e.verification
    JOIN understudy.entities n ON n.generation = understudy.generation(n.entity) AND n.entity = e.entity
    WHERE v.scope <> 'sample' AND e.entity = ANY (%(entities)s)
        AND (CAST(%(run)s AS bigint) IS NULL OR %(run)s = coalesce(v.resumes, v.id))
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
        rows: That were compared.
        truncated: Whether the legacy table was truncated since.
        by_other_rules: Whether the rules have changed since.
        records: How many the target has taken in since.
    """

    entity: str
    lsn: int
    at: datetime
    rows: int
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
            "rows": self.rows,
            "clean": self.is_clean,
            "differing": self.differing,
            "stale": self.is_stale,
            "records_since": self.records,
            "rules_changed": self.by_other_rules,
        }


def newest(
    connection: Connection,
    migration: Migration,
    entities: Sequence[str],
    run: int | None = None,
) -> dict[str, Stored]:
    """The newest verification of each entity; those that were never verified are not there.

    Args:
        connection: To the target.
        migration: With the rules as they are in the folder.
        entities: Names.
        run: Only what these attempts have found: the id of the first.

    Raises:
        NotReadyError: No worker has ever run.
    """
    require_control(connection)
    if connection.execute(_HAS_TABLES, [_VERSION]).fetchall() != [(True,)]:
        return {}
    unknown = set(control.changed_rules(connection, migration))
    asked = {"entities": list(entities), "run": run}
    rows = connection.execute(_NEWEST, asked).fetchall()
    return {
        stored.entity: stored
        for row in rows
        for stored in [_stored(row, by_other_rules=str(row[0]) in unknown)]
    }


def _stored(row: Sequence[object], *, by_other_rules: bool) -> Stored:
    (
        entity, spec, differing, waiting, offsets, lsn, at, clean, compared, spec_now, truncated, records,
    ) = row  # fmt: skip
    if not isinstance(at, datetime) or not isinstance(waiting, list):
        raise TypeError(at)
    places = json.loads(json.dumps(offsets))
    return Stored(
        entity=str(entity),
        lsn=int(str(lsn)),
        at=at,
        rows=int(str(compared)),
        differing=int(str(differing)),
        is_clean=bool(clean),
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
        why = unfit(stored)
        if why is not None:
            at = {} if stored is None else {"at": lsn_text(stored.lsn)}
            raise NotReadyError(
                f"{name} cannot be verified by its changes alone: {why}",
                **at,
                remedy="Verify all of it: understudy verify.",
            )
    return known


def unfit(stored: Stored | None) -> str | None:
    """Why nothing can go on from what was found of an entity; None: it can."""
    if stored is None:
        return "it was never verified"
    reasons = {
        "its rules have changed since": stored.by_other_rules,
        "its legacy table was truncated since": stored.truncated,
        "rows differed": stored.differing > 0,
        "totals differed": not stored.is_clean,
        f"more than {WAITING_MAX} rows waited": len(stored.waiting) > WAITING_MAX,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
