"""What the page shows of one thing: an entity, the last verification, the cutover; and, of rows, letters and lives."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ops import databases, letters
from ops.cutover import report
from ops.letters import Chosen, Kind
from ops.proof import trace
from ops.serve import beside
from ops.stack.state import Endpoints
from schemas.errors import UsageError
from schemas.event_id import lsn_text
from schemas.migration import Migration

APPLICATION = "page"
LISTED_MAX = 100
# What a list of waiting rows shows: all but the row itself.
_LISTED = (
    "entity", "legacy_key", "reason", "waits_for", "waits_id", "error", "sqlstate", "constraint_name", "column_name",
    "attempts", "first_at",
)  # fmt: skip
Query = Mapping[str, str]


class Details:
    """Answers one question at a time; each may take seconds."""

    def __init__(self, migration: Migration, at: Endpoints) -> None:
        """Of this migration, on these servers."""
        self._migration, self._at = migration, at

    def entity(self, query: Query) -> dict[str, Any]:
        """Where an entity's rules stand, between which tables, and what was found of it."""
        name = self._name(query)
        entity, folder = self._migration.entities[name], self._migration.folder
        with databases.target(self._at.target_dsn, APPLICATION) as connection:
            around = beside.read(connection, self._migration)
        verified = around.verified.get(name)
        return {
            "name": name,
            "source": str(entity.source),
            "target": str(entity.target),
            "topic": self._migration.topic(entity),
            "file": str(self._migration.files[name].relative_to(folder)),
            "level": self._migration.levels[name],
            "parents": self._migration.parents(name),
            "children": [n for n in self._migration.entities if name in self._migration.parents(n)],
            "waiting": [asdict(one) for one in around.waiting if one.entity == name],
            "verified": verified and without_keys(verified),
            "commands": [
                f"understudy {words} {folder} --entity {name}"
                for words in ("dead-letters list", "parked list", "verify", "pause")
            ],
        }

    def verification(self, _query: Query) -> dict[str, Any]:
        """The newest verification of each entity, without the keys of differing rows."""
        with databases.target(self._at.target_dsn, APPLICATION) as connection:
            found = beside.verified(connection)
        return {"entities": [without_keys(one) for one in found]}

    def cutover(self, _query: Query) -> dict[str, Any]:
        """The newest cutover with its steps, without their evidence, which may name rows."""
        told = self.evidence({})
        return told | {"steps": [step | {"evidence": None} for step in told["steps"]]}

    def evidence(self, _query: Query) -> dict[str, Any]:
        """The newest cutover with all that its journal has."""
        with databases.target(self._at.target_dsn, APPLICATION) as connection:
            return report.read(connection, self._migration).as_json()

    def differences(self, query: Query) -> dict[str, Any]:
        """Keys and columns of the rows of an entity that the last verification found to differ."""
        name = self._name(query)
        with databases.target(self._at.target_dsn, APPLICATION) as connection:
            found = beside.verified(connection)
        rows = next((one.differences for one in found if one.entity == name), [])
        return {"found": len(rows), "rows": rows[:LISTED_MAX]}

    def waiting(self, query: Query) -> dict[str, Any]:
        """Dead letters or parked rows of an entity, the oldest first."""
        rows, found = self._letters(query, LISTED_MAX)
        listed = [{name: row[name] for name in _LISTED if name in row} for row in rows]
        return {"found": found, "rows": listed}

    def letter(self, query: Query) -> dict[str, Any]:
        """One of them, with its legacy row."""
        rows, _ = self._letters(query, 1)
        if not rows or "key" not in query:
            raise UsageError("nothing waits under this key", remedy="It may have gone in since.")
        return rows[0] | {"commit_lsn": lsn_text(rows[0]["commit_lsn"])}

    def lives(self, query: Query) -> dict[str, Any]:
        """The whole life of a legacy row, under each entity that reads its table."""
        table = str(self._migration.entities[self._name(query)].source)
        found = trace.of_legacy_row(self._migration, self._at, table, [query.get("key", "")])
        return {"lives": [life.as_json() for life in found]}

    def _letters(self, query: Query, limit: int) -> tuple[list[dict[str, Any]], int]:
        kinds = {kind.value: kind for kind in Kind}
        kind = kinds.get(query.get("kind", ""))
        if kind is None:
            raise UsageError(f"kind is one of {', '.join(kinds)}")
        chosen = Chosen(entities=[self._name(query)], key=query.get("key"))
        with databases.target(self._at.target_dsn, APPLICATION) as connection:
            return letters.find(connection, kind, chosen, limit)

    def _name(self, query: Query) -> str:
        name = query.get("entity", "")
        if name not in self._migration.entities:
            raise UsageError("no entity is called that")
        return name


def without_keys(verified: beside.Verified) -> dict[str, Any]:
    """A verification of one entity as everybody on this machine may see it."""
    told = asdict(verified) | {"lsn": lsn_text(verified.lsn), "unaccounted": verified.unaccounted}
    del told["differences"]
    return told
