"""The proposal for a legacy table whose target table is there: columns match by name, references by foreign key too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from consumers.catalog import TargetTable
from ops.start import naming, notes
from ops.start.drafting import Draft, suspected
from ops.start.legacy import Place
from ops.start.links import Link
from ops.start.proposal import Proposal, Proposed
from schemas.table import Column


def table(legacy: Place, targets: Mapping[Place, TargetTable]) -> TargetTable | None:
    """The target table that a legacy table means by its name; the same schema goes first."""
    words = naming.things(legacy[1])
    found = [target for place, target in targets.items() if naming.things(place[1]) & words]
    found.sort(key=lambda target: (target.place[0] != legacy[0], target.place[1] != legacy[1]))
    return found[0] if found else None


def match(made: Draft, links: Sequence[Link], target: TargetTable) -> Proposal:
    """A rule for every column of a target table that the draft, or a name, has something for.

    Args:
        made: Resolved.
        links: Of the legacy table.
        target: What is there.
    """
    id_column = _id(target) or made.columns[0].name
    columns = [replace(made.columns[0], name=id_column)]
    open_columns = []
    for column in target.table.columns:
        if column.name == id_column or column.generated:
            continue
        found = _found(made, target, column)
        if found:
            columns.append(replace(found, name=column.name, missing=None))
        else:
            open_columns.append(_open(column))
    named = made.named[made.table.place]
    return Proposal(
        name=named.entity,
        source=made.table.place,
        target=target.place,
        columns=columns,
        id_column=id_column,
        is_new=False,
        notes=tuple(_notes(made, links, target)),
        left_out=dict(_left_out(made, columns)),
        open_columns=tuple(open_columns),
    )


def _id(target: TargetTable) -> str | None:
    key = target.table.key
    column = target.table.column(key[0]) if len(key) == 1 else None
    return column.name if column and column.type == "uuid" else None


def _notes(made: Draft, links: Sequence[Link], target: TargetTable) -> Iterator[str]:
    yield from notes.of_table(made.table)
    yield from suspected(made, links)
    if _id(target) is None:
        yield "RISK: the target table has no UUID as its primary key"


def _open(column: Column) -> str:
    needed = column.not_null and not column.has_default
    return f"{column.name}: {column.type}{', NOT NULL without a default' if needed else ''}"


def _found(made: Draft, target: TargetTable, column: Column) -> Proposed | None:
    """What the draft has for a column of the target."""
    name, is_uuid = naming.snake(column.name), column.type == "uuid"
    drafted = next((one for one in made.columns[1:] if one.name == name), None)
    if drafted and (drafted.entity is None or is_uuid):
        return drafted
    if is_uuid and (referring := _referring(made, target, column)):
        return referring
    for legacy in made.table.table.columns:
        if naming.snake(legacy.name) == name and not legacy.generated:
            said = made.kept.get(legacy.name)
            same = next((one for one in made.columns if one.name == said), None)
            if same and same.entity and is_uuid:
                return same
            return Proposed(
                name=column.name,
                rule=legacy.name,
                type=column.type,
                notes=list(notes.of_type(legacy)),
            )
    return None


def _referring(made: Draft, target: TargetTable, column: Column) -> Proposed | None:
    """The only reference of the draft to the table that a foreign key of the target names."""
    parents = {key.parent for key in target.references if key.columns == (column.name,)}
    entities = {named.entity for named in made.named.values() if named.target in parents}
    found = [one for one in made.columns if one.entity in entities]
    return found[0] if len(found) == 1 else None


def _left_out(made: Draft, columns: Sequence[Proposed]) -> Iterator[tuple[str, str]]:
    """Legacy columns that nothing reads."""
    read: set[str] = set()
    for column in columns:
        origin = column.rule.get("from") if isinstance(column.rule, dict) else column.rule
        read |= set(map(str, origin)) if isinstance(origin, list) else {str(origin)}
    for legacy in made.table.table.columns:
        if legacy.name not in read:
            unmatched = "no column of the target has its name"
            yield legacy.name, made.left_out.get(legacy.name, unmatched)
