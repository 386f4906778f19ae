"""The SQL that leads from a target row (the stage, alias s) back to legacy columns, by the class of a rule. Pure.

In the stage a column has the type under the target column's own, as in the forward direction; a reference is the legacy
key of its parent, as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch

from consumers.conversion import Conversion, convert, fit, ident, literal, unmodified
from schemas.rules import Copy, Default, Join, Json, Ref, Timezone, Values, spelling
from schemas.table import Column, Table

_MOMENT = "timestamp with time zone"
_LOCAL = "timestamp without time zone"


class NoInverseError(Exception):
    """Why a rule does not lead back; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where an inverse is asked for.

    Attributes:
        column: Of the target.
        staged: Its name in the stage.
        legacy: The legacy table.
        key_sizes: Columns of the legacy key, by entity.
        can_ask: Whether the legacy server has pg_input_is_valid.
    """

    column: Column
    staged: str
    legacy: Table
    key_sizes: Mapping[str, int]
    can_ask: bool

    @property
    def value(self) -> str:
        """The target column in the stage."""
        return f"s.{ident(self.staged)}"

    def fit(self, name: str, value: str, kind: str) -> dict[str, Conversion]:
        """A value for a legacy column; nothing for one that the server computes or that is not there."""
        column = self.legacy.column(name)
        if column is None or column.generated:
            return {}
        return {name: fit(value, kind, column, can_ask=self.can_ask)}


@singledispatch
def inverse(_rule: object, _spot: Spot) -> dict[str, Conversion]:
    """What the legacy columns that a rule reads are, from the target column that it writes.

    Raises:
        NoInverseError: The rule alone does not lead back.
    """
    return {}


@inverse.register
def _(rule: Copy, spot: Spot) -> dict[str, Conversion]:
    return spot.fit(rule.source, spot.value, spot.column.base)


@inverse.register
def _(rule: Default, spot: Spot) -> dict[str, Conversion]:
    return spot.fit(rule.source, spot.value, spot.column.base)


@inverse.register(Ref)
@inverse.register(Join)
def _(rule: Ref, spot: Spot) -> dict[str, Conversion]:
    if rule.sql is not None:
        raise NoInverseError("its reference comes from sql")
    if rule.by is not None:
        raise NoInverseError(f"its reference is looked up by {rule.by} in some rows")
    if spot.key_sizes[rule.ref] != len(rule.columns):
        raise NoInverseError(f"the key of {rule.ref} has another number of columns")
    if len(rule.columns) == 1:
        return spot.fit(rule.columns[0], spot.value, "text")
    found: dict[str, Conversion] = {}
    for place, name in enumerate(rule.columns):
        found |= spot.fit(name, f"(CAST({spot.value} AS json) ->> {place})", "text")
    return found


@inverse.register
def _(rule: Values, spot: Spot) -> dict[str, Conversion]:
    spelled = {code: spelling(value) for code, value in rule.values.items()}
    _check_one_to_one(rule, spelled)
    text = f"CAST({spot.value} AS text)"
    cases = " ".join(
        f"WHEN {_printed(value, spot.column)} THEN {literal(code)}"
        for code, value in spelled.items()
    )
    known = ", ".join(_printed(value, spot.column) for value in spelled.values())
    value = f"CASE {text} {cases} ELSE {text if rule.otherwise == 'keep' else 'NULL'} END"
    fault = None if rule.otherwise == "keep" else f"{text} NOT IN ({known})"
    return {
        name: Conversion(value=c.value, fault=_either(fault, c.fault))
        for name, c in spot.fit(rule.source, value, "text").items()
    }


def _check_one_to_one(rule: Values, spelled: Mapping[str, str]) -> None:
    if len(set(spelled.values())) < len(spelled):
        raise NoInverseError("two of its codes have one value")
    if rule.otherwise == "null":
        raise NoInverseError("codes that it does not know become NULL")
    if rule.otherwise == "keep" and not set(spelled.values()) <= spelled.keys():
        raise NoInverseError("codes that it does not know are kept, and may be one of its values")


def _printed(value: str, column: Column) -> str:
    """A value that an entity file spells, as the target prints it."""
    return f"CAST(CAST({literal(value)} AS {column.base}) AS text)"


@inverse.register
def _(rule: Timezone, spot: Spot) -> dict[str, Conversion]:
    moment = convert(spot.value, spot.column.base, _MOMENT, can_ask=spot.can_ask).value
    zone = literal(rule.timezone)
    local = f"({moment} AT TIME ZONE {zone})"
    later = f"({local} AT TIME ZONE {zone}) = {moment}"
    earlier_too = f"(({moment} - interval '1 hour') AT TIME ZONE {zone}) = {local}"
    # Of a local time that the clocks show twice the rule means one; the other cannot be said there.
    other = f"({later} AND {earlier_too})" if rule.overlap == "first" else f"NOT {later}"
    unsaid = f"CASE WHEN isfinite({moment}) THEN {other} ELSE false END"
    return {
        name: Conversion(value=c.value, fault=_either(c.fault, unsaid))
        for name, c in spot.fit(rule.source, local, _LOCAL).items()
    }


@inverse.register
def _(rule: Json, spot: Spot) -> dict[str, Conversion]:
    document = f"CAST(CAST({spot.value} AS text) AS json)"
    found: dict[str, Conversion] = {}
    for name in rule.json_columns:
        # The padding of a char(n) stands in the document, and is no part of its value.
        column = spot.legacy.column(name)
        is_padded = column is not None and unmodified(column.base) == "bpchar"
        member = f"({document} ->> {literal(name)})"
        found |= spot.fit(name, f"rtrim({member}, ' ')" if is_padded else member, "text")
    return found


def declared(expression: str, column: Column) -> Conversion:
    """What an entity file says itself."""
    return Conversion(value=f"CAST((\n{expression}\n) AS {unmodified(column.type)})")


def _either(first: str | None, second: str | None) -> str | None:
    """True where one of two conditions is; the second is asked only where the first is not."""
    if first is None or second is None:
        return first or second
    return f"CASE WHEN {first} THEN true ELSE {second} END"
