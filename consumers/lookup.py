"""References by an alternative key: what is looked up in the parent's target table, and when. Pure."""

from dataclasses import dataclass

from consumers.columns import file_of, legacy_column
from consumers.conversion import ident
from consumers.plan import Derived, Lookup, Parent
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.rules import AnyRule, Copy, Ref
from schemas.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A look-up, and the derived column that it needs, if it needs one."""

    lookup: Lookup
    derived: Derived | None


def compile_lookup(
    entity: Entity, legacy: Table, column: str, parent: Parent, name: str
) -> Found | None:
    """What a reference looks up; None if it has the parent's key.

    What stands in the legacy column is made into what stands in the parent's column by the parent's own rule for that
    column: a UUID if that is a reference, else the value itself.

    Args:
        entity: Of the reference.
        legacy: Its legacy table.
        column: Its target column.
        parent: The entity that it refers to.
        name: Of the derived column, if one is needed.

    Raises:
        ConfigError: The parent has no such column, or it is made in a way that cannot be repeated here.
    """
    rule = entity.columns[column]
    if not isinstance(rule, Ref) or rule.by is None or not isinstance(rule.source, str):
        return None
    legacy_column(entity, legacy, rule.source, f"columns.{column}")
    theirs = parent.rules.get(rule.by)
    lookup = Lookup(
        by=rule.by, when=rule.when or "true", value=ident("s", _staged(theirs, rule.source, name))
    )
    if isinstance(theirs, Copy):
        return Found(lookup=lookup, derived=None)
    if isinstance(theirs, Ref) and len(theirs.columns) == 1 and theirs.by is None:
        key = Ref.model_validate({"ref": theirs.ref, "from": rule.source})
        return Found(
            lookup=lookup, derived=Derived(name=name, type="uuid", column=column, rule=key)
        )
    raise ConfigError(
        f"{parent.entity} cannot be looked up by {rule.by}: only a column that it copies, or a reference of one column",
        file=file_of(entity),
        key=f"columns.{column}.by",
        remedy="Name such a column of its entity file.",
    )


def _staged(theirs: AnyRule | None, source: str, name: str) -> str:
    return source if isinstance(theirs, Copy) else name
