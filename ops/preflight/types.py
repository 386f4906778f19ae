"""Which types meet and which are narrower; names of types as format_type prints them."""

import re

_NUMBERS = ("smallint", "integer", "bigint", "numeric")
_STRINGS = ("text", "character varying", "character", "bpchar", "name")
# Digits before the decimal point that hold every value of the type.
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_WIDTHS = ("smallint", "integer", "bigint")
# Decimal digits that survive a float, as its documentation promises.
_FLOATS = {"real": 6, "double precision": 15}
# What a value consists of. A moment copied into a local timestamp is the same moment, in UTC.
_PARTS = {
    "date": {"date"},
    "timestamp without time zone": {"date", "time of day"},
    "timestamp with time zone": {"date", "time of day"},
    "time without time zone": {"time of day"},
    "time with time zone": {"time of day", "offset"},
    "interval": {"days", "time of day"},
}
_SECOND_DECIMALS = 6
_SPELLED = re.compile(r"(?P<name>[^(]+)(\((?P<size>\d+)(,(?P<scale>-?\d+))?\))?(?P<rest>.*)")
_UNBOUNDED = 1 << 30


def meet(one: str, other: str) -> bool:
    """Whether equal keys of the two types have equal normal forms (consumers/identity.py)."""
    first, second = _name(one), _name(other)
    families = (_NUMBERS, _STRINGS)
    return first == second or any(first in family and second in family for family in families)


def is_narrower(source: str, target: str) -> bool:
    """Whether a value of the source's type may not fit the target's, though PostgreSQL would assign it."""
    if _name(target) in ("character varying", "character", "bpchar", "bit", "bit varying"):
        return _size(source) > _size(target)
    if _name(target) in _WIDTHS:
        known = _WIDTHS.index(_name(source)) if _name(source) in _WIDTHS else len(_WIDTHS)
        return known > _WIDTHS.index(_name(target))
    if _name(target) == "numeric":
        return any(a > b for a, b in zip(_digits(source), _digits(target), strict=True))
    if _name(target) in _FLOATS:
        return _FLOATS.get(_name(source), sum(_digits(source))) > _FLOATS[_name(target)]
    return False


def lost(source: str, target: str) -> str | None:
    """What values of the source's type have and the target's has no place for, though PostgreSQL would assign them."""
    if _name(source) in _PARTS and _name(target) in _PARTS:
        parts = _PARTS[_name(source)] - _PARTS[_name(target)]
        if parts:
            return " and ".join(sorted(parts))
    before, after = _decimals(source), _decimals(target)
    if before is None or after is None or before <= after:
        return None
    # A numeric without a scale may hold anything, mostly what the target was made for; but not whole numbers.
    return "decimals" if before < _UNBOUNDED or after <= 0 else None


def _decimals(type_name: str) -> int | None:
    """Digits after the decimal point: of a number, or of the seconds in a time; None for what has none of both."""
    name, found = _name(type_name), _match(type_name)
    if name in _NUMBERS or name in _FLOATS:
        return _digits(type_name)[1]
    if name in _PARTS and name != "date":
        return int(found["size"] or _SECOND_DECIMALS)
    return None


def _match(type_name: str) -> re.Match[str]:
    found = _SPELLED.fullmatch(type_name)
    assert found is not None, type_name  # noqa: S101 - the pattern matches every text
    return found


def _name(type_name: str) -> str:
    found = _match(type_name)
    return f"{found['name']}{found['rest']}".strip()


def _size(type_name: str) -> int:
    return int(_match(type_name)["size"] or _UNBOUNDED)


def _digits(type_name: str) -> tuple[int, int]:
    """Digits before and after the decimal point."""
    name, found = _name(type_name), _match(type_name)
    if name in _DIGITS:
        return _DIGITS[name], 0
    if name != "numeric" or found["size"] is None:
        return _UNBOUNDED, _UNBOUNDED
    scale = int(found["scale"] or 0)
    return int(found["size"]) - scale, scale
