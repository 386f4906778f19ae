"""The SQL of one target column over the stage (alias s), by the class of its rule. Pure."""

from dataclasses import dataclass, replace
from functools import singledispatch

from consumers.conversion import Conversion, convert, fit, ident, literal, unmodified
from schemas.entity import Entity
from schemas.errors import ConfigError, InvariantError
from schemas.rules import (
    Constant,
    Copy,
    Default,
    Join,
    Json,
    Python,
    Ref,
    Sql,
    Timezone,
    Uuid,
    Values,
    spelling,
)
from schemas.table import Column, Table

_LOCAL = "timestamp without time zone"
_MOMENT = "timestamp with time zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a value is computed.

    Attributes:
        entity: The entity file.
        legacy: The table that the stage is like.
        column: Of the target.
        staged: Name of the staged column that holds what was computed before; None for a rule that is SQL alone.
        can_ask: Whether the server has pg_input_is_valid.
    """

    entity: Entity
    legacy: Table
    column: Column
    staged: str | None
    can_ask: bool

    def convert(self, value: str, source_type: str) -> Conversion:
        """A value of some type in the type of the target column."""
        return fit(value, source_type, self.column, can_ask=self.can_ask)

    def derived(self) -> str:
        """What was computed before staging."""
        if self.staged is None:
            raise InvariantError("a rule was not computed in columns", column=self.column.name)
        return ident("s", self.staged)


def legacy_column(entity: Entity, legacy: Table, name: str, key: str) -> Column:
    """A column of the legacy table that an entity file names under some key.

    Raises:
        ConfigError: There is none of that name.
    """
    column = legacy.column(name)
    if column is None:
        raise ConfigError(
            f"the legacy table has no column {name}",
            file=file_of(entity),
            key=key,
            table=legacy.label,
        )
    return column


def file_of(entity: Entity) -> str:
    """The entity file, from the migration folder."""
    return f"{entity.name}.toml"


@singledispatch
def value(rule: object, cell: Cell) -> Conversion:
    """SQL of a rule's value in the type of the target column, and of what makes a row unfit.

    Raises:
        ConfigError: The rule names a legacy column that is not there.
    """
    raise InvariantError(f"no SQL is known for {type(rule).__name__}", column=cell.column.name)


@value.register
def _(_rule: Uuid, _cell: Cell) -> Conversion:
    return Conversion(value='s."__id"')


@value.register
def _(_rule: Ref, cell: Cell) -> Conversion:
    return fit(cell.derived(), "uuid", cell.column, can_ask=False)


@value.register
def _(_rule: Join, cell: Cell) -> Conversion:
    """A row that names no other has no place to go."""
    return Conversion(value=cell.derived(), refused=(("join", f"{cell.derived()} IS NULL"),))


@value.register
def _(rule: Values, cell: Cell) -> Conversion:
    """Only what `else = "keep"` lets through can be a value that nobody has looked at."""
    can_ask = cell.can_ask and rule.otherwise == "keep"
    fitted = fit(cell.derived(), "text", cell.column, can_ask=can_ask)
    unknown = f's."__fault" = {literal(cell.column.name)}'
    refuses = rule.otherwise == "dead-letter"
    return replace(fitted, refused=(("values", unknown),) if refuses else ())


@value.register(Json)
@value.register(Python)
def _(_rule: Json | Python, cell: Cell) -> Conversion:
    return cell.convert(cell.derived(), "text")


@value.register
def _(rule: Copy, cell: Cell) -> Conversion:
    return _copied(rule.source, cell)


@value.register
def _(rule: Default, cell: Cell) -> Conversion:
    copied = _copied(rule.source, cell)
    default = f"CAST({literal(spelling(rule.default))} AS {cell.column.type})"
    return Conversion(value=f"coalesce({copied.value}, {default})", fault=copied.fault)


@value.register
def _(rule: Constant, cell: Cell) -> Conversion:
    return Conversion(value=f"CAST({literal(spelling(rule.constant))} AS {cell.column.type})")


@value.register
def _(rule: Timezone, cell: Cell) -> Conversion:
    column = legacy_column(cell.entity, cell.legacy, rule.source, f"columns.{cell.column.name}")
    local = convert(ident("s", column.name), column.base, _LOCAL, can_ask=cell.can_ask)
    zone = literal(rule.timezone)
    moment = f"understudy.local_time({local.value}, {zone}, {literal(rule.overlap)})"
    converted = cell.convert(moment, _MOMENT)
    faults = [f"WHEN {fault} THEN true" for fault in (local.fault, converted.fault) if fault]
    skipped = f"understudy.not_a_local_time({local.value}, {zone}, {literal(rule.gap)}, '')"
    repeated = f"understudy.not_a_local_time({local.value}, {zone}, '', {literal(rule.overlap)})"
    return Conversion(
        value=converted.value,
        fault=f"CASE {' '.join(faults)} ELSE false END" if faults else None,
        refused=(
            *((("gap", skipped),) if rule.gap == "dead-letter" else ()),
            *((("overlap", repeated),) if rule.overlap == "dead-letter" else ()),
        ),
    )


@value.register
def _(rule: Sql, cell: Cell) -> Conversion:
    return Conversion(value=f"CAST((\n{rule.sql}\n) AS {unmodified(cell.column.type)})")


def _copied(name: str, cell: Cell) -> Conversion:
    column = legacy_column(cell.entity, cell.legacy, name, f"columns.{cell.column.name}")
    return cell.convert(ident("s", column.name), column.base)
