"""The way back of an entity: how each legacy column comes out of a target row. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumers.conversion import Conversion
from consumers.reverse.inverse import NoInverseError, Spot, declared, inverse
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import (
    AnyRule,
    Copy,
    Default,
    Join,
    Json,
    Missing,
    Python,
    Ref,
    Sql,
    Timezone,
    Values,
)
from schemas.table import Column, Table

PG_INPUT_IS_VALID_SINCE = 160_000
_STRINGS = re.compile(r"'[^']*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a legacy column comes out of the stage (alias s).

    Attributes:
        fault: SQL that is true where the target's value cannot be one of the column; None: it always can.
        reads: The target columns that it depends on.
        owed: Whether one of them is a reference that the forward side writes as NULL for want of the parent.
    """

    column: Column
    value: str
    fault: str | None
    reads: frozenset[str]
    owed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A legacy column that has no way back.

    Attributes:
        key: Of the entity file.
    """

    entity: str
    key: str
    column: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A target column that goes back as the legacy key of a parent.

    Attributes:
        staged: Its name in the stage.
    """

    column: str
    staged: str
    parent: str
    rule: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """The way back of one entity.

    Attributes:
        number: Of the entity among those of its target table; its columns of the stage have it in their names.
        key: Of the legacy table, in key order.
        key_ways: For each column of the key; None where only the column's default gives the key of a new row.
        ways: Of the other columns.
        references: What some way reads.
        takes_new: Whether rows that are born on the target become rows of this entity.
    """

    entity: Entity
    number: int
    legacy: Table
    key: tuple[Column, ...]
    key_ways: tuple[Way | None, ...]
    ways: tuple[Way, ...]
    references: tuple[Reference, ...]
    takes_new: bool

    @property
    def name(self) -> str:
        """Name of the entity."""
        return self.entity.name

    @property
    def read(self) -> frozenset[str]:
        """The target columns that go back."""
        ways = (*self.ways, *filter(None, self.key_ways))
        return frozenset(name for way in ways for name in way.reads)

    @property
    def has_natural_key(self) -> bool:
        """Whether a row says its legacy key itself, at least a part of it."""
        return any(way is not None for way in self.key_ways)

    def key_column(self, place: int) -> str:
        """The column of the stage with a part of the legacy key."""
        return f"__key_{self.number}_{place}"

    @property
    def owes_column(self) -> str:
        """The column of the stage that says that the forward side owes a reference of the row."""
        return f"__owes_{self.number}"

    @property
    def kind_column(self) -> str:
        """The column of the stage that says what becomes of a row: n new, p put, d deleted, NULL none of ours."""
        return f"__kind_{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBack:
    """A target table with the entities that its rows go back to: those with rows of their own first."""

    target: Table
    topic: str
    entities: tuple[Back, ...]

    @property
    def label(self) -> str:
        """Schema and name of the target table."""
        return self.target.label

    @property
    def id_column(self) -> str:
        """The target column that holds the UUID."""
        return self.entities[0].entity.id_column

    @property
    def takes_new(self) -> bool:
        """Whether rows that are born on the target become rows of some entity."""
        return any(back.takes_new for back in self.entities if not back.entity.joined)

    def one_way(self) -> Iterator[tuple[Back, str]]:
        """The target columns that a rule writes and nothing reads: what others write there does not go back."""
        read = {name for back in self.entities for name in back.read}
        for back in self.entities:
            for column in back.entity.columns:
                if column not in read and column != self.id_column:
                    yield back, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What compiling needs beside the entity.

    Attributes:
        legacies: The legacy tables, by entity.
        server_version: Of the legacy server, as libpq gives it.
    """

    migration: Migration
    legacies: Mapping[str, Table]
    server_version: int

    def key_of(self, entity: Entity) -> tuple[Column, ...]:
        """The columns of an entity's legacy key."""
        legacy = self.legacies[entity.name]
        columns = (legacy.column(name) for name in entity.key or legacy.key)
        return tuple(column for column in columns if column is not None)


def compile_table(
    target: Table, topic: str, around: Surroundings
) -> tuple[TableBack, tuple[Refusal, ...]]:
    """Compile the way back of all entities of a target table.

    Returns:
        The plan, and what has no way back; with refusals the plan is not to be used.
    """
    place = target.schema, target.name
    entities = [e for e in around.migration.entities.values() if e.target.place == place]
    entities.sort(key=lambda entity: entity.joined is not None)
    backs: list[Back] = []
    refusals: list[Refusal] = []
    for number, entity in enumerate(entities):
        compiler = _Compiler(entity, target, around, number)
        backs.append(compiler.back(takes_new=_takes_new(entity, entities)))
        refusals += compiler.refusals()
        if backs[-1].takes_new:
            refusals += compiler.without_value()
    owners = [back for back in backs if not back.entity.joined]
    if sum(back.takes_new for back in owners) != 1 and not _all_decline(owners):
        refusals.append(_nobody(owners[0].entity))
    return TableBack(target=target, topic=topic, entities=tuple(backs)), tuple(refusals)


def _takes_new(entity: Entity, entities: list[Entity]) -> bool:
    if entity.inverse.new_rows is not None:
        return entity.inverse.new_rows
    owners = [other for other in entities if not other.joined]
    return bool(entity.joined) or owners == [entity]


def _all_decline(owners: list[Back]) -> bool:
    """Whether every file says that no row is to be born on the target."""
    return all(back.entity.inverse.new_rows is False for back in owners)


def _nobody(entity: Entity) -> Refusal:
    return Refusal(
        entity=entity.name,
        key="inverse.new_rows",
        column="",
        what=f"of the entities that write {entity.target}, exactly one must take rows that are born there",
        remedy="Write [inverse] new_rows = true in the file of one of them.",
    )


class _Compiler:
    """Compiles one entity: exact rules first, then inverses for what these leave."""

    def __init__(self, entity: Entity, target: Table, around: Surroundings, number: int) -> None:
        self._entity = entity
        self._target = target
        self._around = around
        self._legacy = around.legacies[entity.name]
        self._key = around.key_of(entity)
        self._number = number
        self._ways: dict[str, Way] = {}
        self._lost: dict[str, tuple[str, str]] = {}
        self._compile()

    def back(self, *, takes_new: bool) -> Back:
        key_names = [column.name for column in self._key]
        ways = tuple(w for n, w in self._ways.items() if n not in key_names)
        reads = {name for way in self._ways.values() for name in way.reads}
        references = (
            Reference(column=column, staged=self._staged(column), parent=rule.ref, rule=rule)
            for column, rule in self._entity.refs.items()
            if column in reads
        )
        return Back(
            entity=self._entity,
            number=self._number,
            legacy=self._legacy,
            key=self._key,
            key_ways=tuple(self._ways.get(name) for name in key_names),
            ways=ways,
            references=tuple(references),
            takes_new=takes_new,
        )

    def refusals(self) -> Iterator[Refusal]:
        for name, (key, why) in self._lost.items():
            yield Refusal(
                entity=self._entity.name,
                key=key,
                column=name,
                what=f"the legacy column {name} has no way back: {why}",
                remedy=f'Write [inverse.columns] {name} = "SQL over the target row", or [inverse] keep = ["{name}"] '
                "if it is to keep what it has.",
            )

    def without_value(self) -> Iterator[Refusal]:
        """What a new row could not do without, and nobody gives."""
        for column in self._legacy.columns:
            needed = column.not_null and not column.has_default and not column.generated
            if needed and column.name not in {*self._ways, *self._lost}:
                yield Refusal(
                    entity=self._entity.name,
                    key="inverse.columns",
                    column=column.name,
                    what=f"a row that is born on the target has nothing for the legacy column {column.name}, "
                    "which is NOT NULL and has no default",
                    remedy=f'Write [inverse.columns] {column.name} = "SQL over the target row", or give it a default.',
                )

    def _compile(self) -> None:
        said = self._entity.inverse
        for name, expression in said.columns.items():
            self._declare(name, expression, f"inverse.columns.{name}")
        for column, rule in self._entity.columns.items():
            self._try(column, rule)
        for column, rule in self._entity.columns.items():
            if isinstance(rule, Sql | Python) and rule.inverse is not None:
                self._invert(column, rule)
        for column, rule in self._entity.columns.items():
            if isinstance(rule, Sql | Python) and rule.inverse is None:
                for name in self._open(rule):
                    self._lost.setdefault(name, (f"columns.{column}", "its rule has no inverse"))
        for name in {*said.keep, *self._ways}:
            self._lost.pop(name, None)

    def _declare(self, name: str, expression: str, key: str) -> None:
        column = self._legacy.column(name)
        if column is None or column.generated:
            self._lost[name] = (key, "the legacy table has no such column that could be written")
            return
        words = (c.name for c in self._target.columns if _mentions(expression, c.name))
        value = declared(expression, column)
        self._add(name, value, frozenset(words))

    def _try(self, column: str, rule: AnyRule) -> None:
        theirs = self._target.column(column)
        if theirs is None:
            return  # `check` says so.
        spot = Spot(
            column=theirs,
            staged=self._staged(column),
            legacy=self._legacy,
            key_sizes={n: len(self._around.key_of(e)) for n, e in self._entities.items()},
            can_ask=self._around.server_version >= PG_INPUT_IS_VALID_SINCE,
        )
        try:
            found = inverse(rule, spot)
        except NoInverseError as error:
            for name in self._open(rule):
                self._lost.setdefault(name, (f"columns.{column}", str(error)))
            return
        for name, value in found.items():
            if name not in self._ways and name not in self._entity.inverse.keep:
                self._add(name, value, frozenset({column}))

    def _add(self, name: str, value: Conversion, reads: frozenset[str]) -> None:
        rules = (self._entity.refs[column] for column in reads if column in self._entity.refs)
        self._ways[name] = Way(
            column=self._column(name),
            value=value.value,
            fault=value.fault,
            reads=reads,
            owed=any(rule.missing is Missing.NULL for rule in rules),
        )

    def _staged(self, column: str) -> str:
        """A row that joins another has its UUID, and goes back with the legacy key of the other."""
        is_joined = isinstance(self._entity.columns[column], Join)
        return f"__joined_{self._number}" if is_joined else column

    @property
    def _entities(self) -> Mapping[str, Entity]:
        return self._around.migration.entities

    def _column(self, name: str) -> Column:
        return next(column for column in self._legacy.columns if column.name == name)

    def _invert(self, column: str, rule: Sql | Python) -> None:
        """An inverse is of the one column that the rule reads and no other rule gives."""
        names = self._open(rule)
        if len(names) == 1:
            self._declare(names[0], rule.inverse or "", f"columns.{column}.inverse")
            return
        for name in names:
            why = "its rule reads several such columns, so the inverse does not say of which it is"
            self._lost.setdefault(name, (f"columns.{column}.inverse", why))

    def _open(self, rule: AnyRule) -> list[str]:
        """The legacy columns that a rule reads, and that nothing leads back to yet; the key needs no way."""
        key = (column.name for column in self._key)
        settled = {*self._ways, *self._entity.inverse.keep, *key}
        return [
            column.name
            for column in self._legacy.columns
            if column.name not in settled and not column.generated and reads(rule, column.name)
        ]


def reads(rule: AnyRule, name: str) -> bool:
    """Whether a rule reads a legacy column."""
    match rule:
        case Copy() | Default() | Timezone() | Values() | Python():
            return rule.source == name
        case Json():
            return name in rule.json_columns
        case Ref():
            return name in rule.columns or _mentions(rule.sql or rule.when or "", name)
        case Sql():
            return _mentions(rule.sql, name)
        case _:
            return False


def _mentions(expression: str, name: str) -> bool:
    """Whether SQL names a column; what stands in strings does not count."""
    plain = _STRINGS.sub("''", expression).replace('""', '"')
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", plain, re.IGNORECASE) is not None
