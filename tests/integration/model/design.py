"""Target schemas that the model's legacy tables may be migrated into, and their entity files."""

from dataclasses import dataclass
from typing import Any

from schemas.entity import Entity
from tests.model.scenario import FAMILY, Shape

LEGACY_TYPES = {
    "id": "bigint",
    "a": "integer",
    "t": "text",
    "x": "integer",
    "u": "integer",
    "p": "bigint",
}
# A NULL of the legacy column u becomes a value that no other row has.
_NEVER_NULL = "CAST(coalesce(u, -id) AS integer)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What the target looks like.

    Attributes:
        missing: What a row does without its parent.
        foreign_keys: Whether the target has them; never where `missing` is keep.
        unique: Of column u: UNIQUE, or with NOT NULL or DEFERRABLE.
        refused_by: Who refuses a bad value: a rule of the entity file, or a CHECK of the target.
        on_delete: Of the foreign keys.
    """

    missing: str
    foreign_keys: bool = True
    shape: Shape = FAMILY
    unique: str = "UNIQUE"
    refused_by: str = "rule"
    on_delete: str = "NO ACTION"

    @property
    def script(self) -> str:
        """Makes the target tables."""
        return "\n".join(["CREATE SCHEMA app;", *(self._table(name) for name in self.shape.tables)])

    def _table(self, name: str) -> str:
        check = "CHECK (a >= 0)" if self.refused_by == "target" else ""
        parent = self.shape.refers.get(name)
        is_checked = self.foreign_keys and self.missing != "keep"
        reference = f"REFERENCES app.{parent} (id) ON DELETE {self.on_delete}" if is_checked else ""
        p = f", p uuid {reference}" if parent else ""
        index = f"CREATE INDEX ON app.{name} (p);" if parent else ""
        return f"CREATE TABLE app.{name} (id uuid PRIMARY KEY, a int {check}, t text, u int {self.unique}{p}); {index}"

    def entity(self, name: str) -> Entity:
        """The entity file of a table."""
        never_null = "NOT NULL" in self.unique
        columns: dict[str, Any] = {"id": {"uuid": True}, "a": "a", "t": "t"}
        columns["u"] = {"sql": _NEVER_NULL} if never_null else "u"
        if parent := self.shape.refers.get(name):
            columns["p"] = {"ref": parent, "from": "p", "missing": self.missing}
        return Entity.model_validate(
            {
                "name": name,
                "source": f"public.{name}",
                "target": f"app.{name}",
                "where": "x = 0",
                "expect": {"a": "a >= 0"} if self.refused_by == "rule" else {},
                "columns": columns,
            }
        )
