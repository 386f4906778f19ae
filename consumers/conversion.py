"""How a legacy value becomes a value of a target column, without being rounded or cut on the way.

An explicit cast of PostgreSQL cuts a text to varchar(n) and rounds a numeric to its scale without a word. So a cast
within a family of types is compared with where it came from, and a text is first asked whether it is a value of the
other type.
Source: PostgreSQL manual, "Type Casts" and "pg_input_is_valid".
"""

import hashlib
import re
from dataclasses import dataclass

from psycopg import sql

from schemas.table import Column

# PostgreSQL manual, "Identifiers and Key Words".
_NAME_BYTES_MAX = 63
_DIGEST_SIZE = 8
_WHOLE_NUMBERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_WHOLE_NUMBERS, "numeric", "real", "double precision")
_STRINGS = ("text", "character varying", "character", "bpchar")
_DATES = ("date", "timestamp without time zone", "timestamp with time zone")
_TIMES = ("time without time zone", "time with time zone", "interval")
_FAMILIES = (_NUMBERS, _STRINGS, (*_DATES, *_TIMES))
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

# Their casts to text print what COPY prints; those of boolean, inet and char(n) do not.
_PRINTED = (
    *_WHOLE_NUMBERS,
    "numeric",
    "text",
    "character varying",
    "uuid",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "json",
    "jsonb",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """SQL of a value in its new type, and of when there is none.

    Attributes:
        value: In the new type.
        fault: True where the value cannot be one of that type; None: it always can.
        refused: Words of the rule under which it refuses a value, each with SQL that is true where it does; asked
            only where `fault` is false.
    """

    value: str
    fault: str | None = None
    refused: tuple[tuple[str, str], ...] = ()


def literal(value: object) -> str:
    """A value as an SQL literal."""
    return sql.Literal(value).as_string()


def ident(*names: str) -> str:
    """A quoted, possibly qualified, SQL name."""
    return sql.Identifier(*names).as_string()


def bounded(name: str) -> str:
    """A name that PostgreSQL does not cut: 63 bytes, and still another one for another name."""
    whole = name.encode()
    if len(whole) <= _NAME_BYTES_MAX:
        return name
    digest = hashlib.sha256(whole).hexdigest()[:_DIGEST_SIZE]
    kept = whole[: _NAME_BYTES_MAX - _DIGEST_SIZE - 1].decode(errors="ignore")
    return f"{kept}_{digest}"


def unmodified(kind: str) -> str:
    """A type without its length or scale: a cast to it cuts and rounds nothing."""
    name = re.sub(r"\([^)]*\)", "", kind)
    return {"character": "bpchar", "bit": "bit varying"}.get(name, name)


def is_alike(source_type: str, target_type: str) -> bool:
    """Whether PostgreSQL prints every value of one type as it prints what `convert` makes of it."""
    plain = unmodified(source_type)
    if target_type in (source_type, plain):
        return True
    if target_type in ("text", "character varying"):
        return plain in _PRINTED
    return plain in _WHOLE_NUMBERS and (plain, target_type) in _WIDER


def convert(value: str, source_type: str, target_type: str, *, can_ask: bool) -> Conversion:
    """Convert an SQL value from one type to another.

    Args:
        value: SQL expression of the source type.
        source_type: As format_type prints it.
        target_type: As format_type prints it.
        can_ask: Whether the server has pg_input_is_valid (PostgreSQL 16 and later).
    """
    if target_type in (source_type, unmodified(source_type)):
        return Conversion(value=value)
    if _family(source_type) is _family(target_type) is not None:
        return _within_family(value, source_type, target_type, can_ask=can_ask)
    return _by_text(value, source_type, target_type, can_ask=can_ask)


def fit(value: str, source_type: str, column: Column, *, can_ask: bool) -> Conversion:
    """Convert an SQL value for a column of the target: by the type under a domain, which too would cut and round."""
    if column.base in (column.type, "text"):
        return convert(value, source_type, column.type, can_ask=can_ask)
    plain = convert(value, source_type, column.base, can_ask=can_ask)
    refused = _refused(plain.value, column.type) if can_ask else None
    return Conversion(
        value=f"CAST({plain.value} AS {column.type})", fault=_fault(value, plain.fault, refused)
    )


def _family(kind: str) -> tuple[str, ...] | None:
    name = unmodified(kind)
    return next((family for family in _FAMILIES if name in family), None)


def _within_family(value: str, source_type: str, target_type: str, *, can_ask: bool) -> Conversion:
    cast = f"CAST({value} AS {target_type})"
    widened = (unmodified(source_type), target_type) in _WIDER
    if widened or target_type in ("text", "character varying"):
        return Conversion(value=cast)
    whole = target_type in _WHOLE_NUMBERS
    # A numeric of 1.00 is a whole number, but does not look like one.
    plain = f"pg_catalog.trim_scale(CAST({value} AS numeric))" if whole else value
    changed = f"CAST({cast} AS {source_type}) IS DISTINCT FROM {value}"
    refused = _refused(plain, target_type) if can_ask else None
    return Conversion(value=cast, fault=_fault(value, refused, changed))


def _by_text(value: str, source_type: str, target_type: str, *, can_ask: bool) -> Conversion:
    text = f"CAST({value} AS text)"
    if target_type == "text":
        return Conversion(value=text)
    cast = f"CAST({text} AS {target_type})"
    refused = _refused(value, target_type) if can_ask else None
    changed = _changed(text, target_type) if _family(source_type) is _STRINGS else None
    changed = changed or _cut(text, target_type)
    return Conversion(value=cast, fault=_fault(value, refused, changed))


def _refused(value: str, target_type: str) -> str:
    return f"NOT pg_catalog.pg_input_is_valid(CAST({value} AS text), {literal(target_type)})"


def _changed(text: str, target_type: str) -> str | None:
    """Whether a text says more than a date or timestamp keeps: a time of day, a zone, more decimals."""
    moment = "timestamp with time zone"
    if unmodified(target_type) not in _DATES:
        return None
    return (
        f"CAST(CAST({text} AS {target_type}) AS {moment}) IS DISTINCT FROM CAST({text} AS {moment})"
    )


def _cut(text: str, target_type: str) -> str | None:
    wide = unmodified(target_type)
    if wide == target_type:
        return None
    return f"CAST({text} AS {target_type}) IS DISTINCT FROM CAST({text} AS {wide})"


def _fault(value: str, first: str | None, second: str | None) -> str | None:
    """True where one of the two holds; the second is only asked where the first does not, and a cast cannot fail."""
    conditions = [condition for condition in (first, second) if condition]
    if not conditions:
        return None
    cases = " ".join(f"WHEN {condition} THEN true" for condition in conditions)
    return f"CASE WHEN {value} IS NULL THEN false {cases} ELSE false END"
