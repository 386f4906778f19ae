"""How a legacy value becomes a value of a target column, without being rounded or cut on the way.

An explicit cast of PostgreSQL cuts a text to varchar(n) and rounds a numeric to its scale without a word. So a cast within
a family of types is compared with where it came from, and a text is first asked whether it is a value of the other type.
Source: PostgreSQL manual, "Type Casts" and "pg_input_is_valid".
"""

import re
from dataclasses import dataclass

from psycopg import sql

_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_STRINGS = ("text", "character varying", "character", "bpchar")
_MOMENTS = ("date", "timestamp", "time", "interval")
_BITS = ("bit", "bit varying")
# Every value of the first fits into the second.
_WIDER = {
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("smallint", "numeric"),
    ("integer", "numeric"),
    ("bigint", "numeric"),
    ("real", "double precision"),
    ("date", "timestamp without time zone"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """SQL of a value in its new type, and SQL that is true where the value cannot be one (None: it always can)."""

    value: str
    fault: str | None = None


def literal(value: object) -> str:
    """A value as an SQL literal."""
    return sql.Literal(value).as_string()


def ident(*names: str) -> str:
    """A quoted, possibly qualified, SQL name."""
    return sql.Identifier(*names).as_string()


def _family(kind: str) -> tuple[str, ...] | None:
    name = kind.partition("(")[0].strip()
    if "[]" in kind:
        return None
    return next(
        (
            family
            for family in (_NUMBERS, _STRINGS, _MOMENTS, _BITS)
            if name in family or name.split(" ")[0] in family
        ),
        None,
    )


def convert(value: str, source_type: str, target_type: str, *, can_ask: bool) -> Conversion:
    """Convert an SQL value from one type to another.

    Args:
        value: SQL expression of the source type.
        source_type: As format_type prints it.
        target_type: As format_type prints it.
        can_ask: Whether the server has pg_input_is_valid (PostgreSQL 16 and later).
    """
    if source_type == target_type:
        return Conversion(value=value)
    family = _family(source_type)
    if family and family is _family(target_type):
        cast = f"CAST({value} AS {target_type})"
        if target_type in ("text", "character varying") or (source_type, target_type) in _WIDER:
            return Conversion(value=cast)
        return Conversion(
            value=cast,
            fault=_fault(
                value,
                target_type,
                f"CAST({cast} AS {source_type}) IS DISTINCT FROM {value}",
                can_ask=can_ask,
            ),
        )
    cast = f"CAST(CAST({value} AS text) AS {target_type})"
    if target_type == "text":
        return Conversion(value=f"CAST({value} AS text)")
    return Conversion(
        value=cast, fault=_fault(value, target_type, "false", can_ask=can_ask) if can_ask else None
    )


def _fault(value: str, target_type: str, altered: str, *, can_ask: bool) -> str:
    ask = (
        f"NOT pg_catalog.pg_input_is_valid(CAST({value} AS text), {literal(target_type)})"
        if can_ask
        else "false"
    )
    return f"CASE WHEN {value} IS NULL THEN false WHEN {ask} THEN true ELSE {altered} END"


def unmodified(kind: str) -> str:
    """A type without its length or scale: a cast to it cuts and rounds nothing, which is left to the assignment's checks."""
    name = re.sub(r"\([^)]*\)", "", kind)
    return {"character": "bpchar", "bit": "bit varying"}.get(name, name)
