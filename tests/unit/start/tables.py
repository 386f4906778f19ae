"""Legacy tables made by hand, as the catalog would tell of them."""

from collections.abc import Mapping, Sequence

from consumers.catalog import ForeignKey, TargetTable, UniqueKey
from ops.preflight.catalogs import SourceFacts
from ops.start.legacy import Legacy, LegacyTable, Place
from schemas.table import Column, Table


def column(name: str, kind: str = "integer", *, not_null: bool = False, base: str = "") -> Column:
    return Column(name=name, type=kind, base=base or kind, not_null=not_null)


def table(
    name: str,
    columns: Sequence[Column],
    *,
    key: tuple[str, ...] = ("id",),
    refers: Mapping[str, str] | None = None,
    uniques: Sequence[tuple[str, ...]] = (),
) -> LegacyTable:
    """A table of the schema public; `refers`: column -> table whose `id` it holds."""
    schema = "public"
    foreign = tuple(
        ForeignKey(
            name=f"{name}_{child}_fkey",
            table=(schema, name),
            columns=(child,),
            parent=(schema, parent),
            parent_columns=("id",),
            deferrable=False,
            on_delete="a",
            on_update="a",
        )
        for child, parent in (refers or {}).items()
    )
    unique = tuple(
        UniqueKey(name=f"{name}_key{n}", columns=columns_, deferrable=False, plain=True)
        for n, columns_ in enumerate(uniques)
    )
    facts = SourceFacts(
        schema=schema,
        name=name,
        is_logged=True,
        hides_rows=False,
        may_read=True,
        may_publish=True,
        toastable=[one.name for one in columns if one.base == "text"],
        identifying=list(key),
        uniques=[list(key)],
    )
    made = Table(schema=schema, name=name, columns=tuple(columns), key=key)
    return LegacyTable(
        constrained=TargetTable(table=made, uniques=unique, references=foreign), facts=facts
    )


def legacy(*tables: LegacyTable) -> Legacy:
    found: dict[Place, LegacyTable] = {one.place: one for one in tables}
    return Legacy(tables=found, reserved=frozenset({"order", "user", "select"}))
