"""A small entity, compiled without a server."""

from typing import Any
from uuid import UUID

from consumers.catalog import ForeignKey, TargetTable, UniqueKey
from consumers.compilation import compile_plan
from consumers.plan import EntityPlan, Parent, Surroundings
from schemas.entity import Entity
from schemas.table import Column, Table

NAMESPACE = UUID("2b1f6e0a-9d5e-4b1e-8f41-6a1b7c8d9e0f")
LEGACY = {
    "id": "bigint",
    "name": "text",
    "status": "smallint",
    "doctor": "bigint",
    "ratio": "real",
    "done": "boolean",
}
TARGET = {
    "id": "uuid",
    "name": "text",
    "status": "text",
    "doctor_id": "uuid",
    "number": "integer",
}


def table(schema: str, columns: dict[str, str], *key: str) -> Table:
    found = tuple(Column(name=name, type=kind, base=kind) for name, kind in columns.items())
    return Table(schema=schema, name="orders", columns=found, key=key)


def entity(columns: dict[str, Any] | None = None, **words: Any) -> Entity:
    """An entity file of orders; every one has its { uuid = true }."""
    document = {"name": "orders", "source": "legacy.orders", "target": "app.orders"}
    rules = {"id": {"uuid": True}} | (columns or {})
    return Entity.model_validate(document | {"columns": rules} | words)


def plan(
    columns: dict[str, Any] | None = None,
    *,
    legacy: dict[str, str] | None = None,
    primary_key: tuple[str, ...] = ("id",),
    uniques: tuple[UniqueKey, ...] = (),
    references: tuple[ForeignKey, ...] = (),
    **words: Any,
) -> EntityPlan:
    """Orders, compiled; `legacy` are columns beside the usual ones."""
    target = TargetTable(table=table("app", TARGET, "id"), uniques=uniques, references=references)
    names = ("orders", "doctors")
    parents = {n: Parent(entity=n, place=("app", n), id_column="id") for n in names}
    around = Surroundings(namespace=NAMESPACE, parents=parents, server_version=180_000)
    source = table("legacy", LEGACY | (legacy or {}), *primary_key)
    return compile_plan(entity(columns, **words), source, target, around)
