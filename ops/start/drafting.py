"""The proposal for a legacy table whose target table is not there yet. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ops.preflight.references import ALWAYS
from ops.start import naming, notes
from ops.start.legacy import LegacyTable, Place
from ops.start.links import Link
from ops.start.proposal import Proposal, Proposed, Toml, Unique
from schemas.rules import Missing
from schemas.table import Column

ID = "id"
_NUMBERED = ("smallint", "integer", "bigint", "uuid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """How an entity is called, and its target."""

    entity: str
    target: Place


@dataclass(slots=True, kw_only=True)
class Draft:
    """A proposal in the making.

    Attributes:
        links: Of the table, the likely ones.
        named: Of all entities, by legacy table.
        kept: Legacy column -> the target column that says the same.
    """

    table: LegacyTable
    links: Sequence[Link]
    named: Mapping[Place, Named]
    columns: list[Proposed] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def fresh(self, name: str) -> str:
        """A name that no column has yet."""
        return naming.fresh(name, {ID, *(column.name for column in self.columns)})


def draft(table: LegacyTable, links: Sequence[Link], named: Mapping[Place, Named]) -> Draft:
    """Choose a rule for every legacy column.

    Args:
        table: To be migrated.
        links: All of its links.
        named: As in `Draft`.
    """
    made = Draft(table=table, links=[link for link in links if link.is_likely], named=named)
    made.columns.append(Proposed(name=ID, rule={"uuid": True}, type="uuid", not_null=True))
    suspected = {link.columns: link for link in links if not link.is_likely}
    for column in table.table.columns:
        _take(made, column)
        link = suspected.get((column.name,))
        if link and column.name in made.kept:
            made.columns[-1].notes += notes.of_link(link, named[link.parent].entity)
        _refer(made, column)
    return made


def _take(made: Draft, column: Column) -> None:
    """A column by itself."""
    single = next((link for link in made.links if link.columns == (column.name,)), None)
    if column.generated:
        made.left_out[column.name] = "computed by the source, and not replicated"
    elif single:
        parent = made.named[single.parent].entity
        name = naming.reference(column.name, parent, single.parent_columns[0])
        made.columns.append(_reference(made, single, name))
        made.kept[column.name] = made.columns[-1].name
    elif is_surrogate(made.table, column):
        made.left_out[column.name] = (
            "the legacy key, in understudy.migration_mappings for every row"
        )
    elif not _is_covered(made, column):
        plain = naming.snake(column.name)
        name = made.fresh(f"legacy_{plain}" if plain == ID else plain)
        made.kept[column.name] = name
        made.columns.append(
            Proposed(
                name=name,
                rule=column.name,
                type=notes.home(column),
                not_null=column.not_null,
                notes=list(notes.of_type(column)),
            )
        )


def _refer(made: Draft, column: Column) -> None:
    """References of several columns, where the last of them stands."""
    names = [one.name for one in made.table.table.columns]
    for link in made.links:
        if len(link.columns) > 1 and column.name == max(link.columns, key=names.index):
            entity = made.named[link.parent].entity
            made.columns.append(_reference(made, link, naming.several(entity)))
            for name in [one for one in link.columns if one not in made.kept]:
                made.kept[name] = made.columns[-1].name
                made.left_out[name] = f"in {made.columns[-1].name}"


def _reference(made: Draft, link: Link, name: str) -> Proposed:
    parent = made.named[link.parent].entity
    origin: Toml = link.columns[0] if len(link.columns) == 1 else list(link.columns)
    return Proposed(
        name=made.fresh(name),
        rule={"ref": parent, "from": origin},
        type="uuid",
        not_null=all(made.table.column(one).not_null for one in link.columns),
        entity=parent,
        missing=Missing.PARK if link.is_sure else Missing.KEEP,
        notes=list(notes.of_link(link, parent)),
    )


def is_surrogate(table: LegacyTable, column: Column) -> bool:
    """Whether a column is a key that was made up: its place is taken by the UUID."""
    is_key = table.table.key == (column.name,) and column.base in _NUMBERED
    name = naming.snake(column.name)
    own = {f"{word}{joint}id" for word in naming.things(table.place[1]) for joint in ("", "_")}
    return is_key and (column.has_default or name == ID or name in own)


def _is_covered(made: Draft, column: Column) -> bool:
    """Whether a reference of several columns says all that a column says, for unique keys too."""
    keys = [made.table.table.key, *(key.columns for key in made.table.uniques)]
    return any(
        len(link.columns) > 1
        and column.name in link.columns
        and link.is_sure
        and all(made.table.column(name).not_null for name in link.columns)
        and all(set(link.columns) <= set(key) or not set(link.columns) & set(key) for key in keys)
        for link in made.links
    )


def uniques(made: Draft) -> Iterator[Unique]:
    """The unique keys of the legacy table in columns of the target; the primary one unless the UUID replaces it."""
    own = made.table.table.key
    keys = [(own, True), *((k.columns, k.nulls_distinct) for k in made.table.uniques if k.plain)]
    seen: set[frozenset[str]] = set()
    for key, nulls_distinct in keys:
        columns = _in_target(made, key)
        if columns and frozenset(columns) not in seen:
            seen.add(frozenset(columns))
            yield Unique(columns=columns, nulls_distinct=nulls_distinct)


def _in_target(made: Draft, key: Sequence[str]) -> tuple[str, ...]:
    """The columns of the target that say what a key says; none if they do not."""
    if not made.kept.keys() >= set(key):
        return ()
    return tuple(dict.fromkeys(made.kept[name] for name in key))


def resolve(drafts: Mapping[Place, Draft]) -> None:
    """Once all drafts are there: a reference by another key than the primary one names a column of its parent."""
    for made in drafts.values():
        for link in made.links:
            parent = drafts[link.parent]
            if link.parent_columns != parent.table.table.key:
                _by(made, link, parent)


def finish(made: Draft, links: Sequence[Link]) -> Proposal:
    """The proposal of a resolved draft, with the target table that it takes."""
    named = made.named[made.table.place]
    return Proposal(
        name=named.entity,
        source=made.table.place,
        target=named.target,
        columns=made.columns,
        notes=(*notes.of_table(made.table), *suspected(made, links)),
        left_out=made.left_out,
        uniques=tuple(uniques(made)),
    )


def _by(made: Draft, link: Link, parent: Draft) -> None:
    """A foreign key to another unique column than the primary key: its parent is looked up by that."""
    column = next(c for c in made.columns if c.name == made.kept[link.columns[0]])
    rule: dict[str, Toml] = {"ref": made.named[link.parent].entity, "from": link.columns[0]}
    column.rule = {**rule, "by": parent.kept[link.parent_columns[0]], "when": ALWAYS}
    column.missing = Missing.PARK if link.is_sure or column.not_null else Missing.NULL
    column.notes.append(
        "by another key of its parent than the primary one, which must not change there"
    )


def suspected(made: Draft, links: Sequence[Link]) -> Iterator[str]:
    """Of references of several columns that names suggest and values do not bear out."""
    for link in links:
        if not link.is_likely and len(link.columns) > 1:
            yield from notes.of_link(link, made.named[link.parent].entity)
