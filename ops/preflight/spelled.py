"""Values that an entity file spells out: are they values of the column, and do they pass its checks?"""

from collections.abc import Iterator

from consumers.conversion import Conversion, fit, ident, literal
from ops.preflight.findings import Finding
from ops.preflight.probe import Probe
from schemas.rules import AnyRule, Constant, Default, Scalar, Values

# Checks that look at this column alone.
_CHECKS_SQL = """
    SELECT pg_catalog.pg_get_expr(k.conbin, k.conrelid)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
    WHERE k.contype = 'c' AND k.conrelid = %s AND a.attname = %s
"""
CAN_ASK_SINCE = 160_000  # pg_input_is_valid


def check(probe: Probe, name: str) -> Iterator[Finding]:
    """What the target has against the values that the rule of a column spells out."""
    column = probe.target.table.column(name)
    values = _values(probe.entity.columns[name])
    if column is None or not values:
        return
    rows = probe.connection.execute(_CHECKS_SQL, (probe.target.table.oid, name)).fetchall()
    can_ask = probe.connection.info.server_version >= CAN_ASK_SINCE
    for value in values:
        conversion = fit(literal(_text(value)), "text", column, can_ask=can_ask)
        if not _fits(probe, name, conversion, [str(row[0]) for row in rows]):
            yield probe.finding(
                "value-refused",
                f"columns.{name}",
                f"column {name} of {probe.entity.target} ({column.type}) does not take the value {_text(value)}",
                "Write a value that its type and its checks allow.",
            )


def _values(rule: AnyRule) -> list[Scalar]:
    match rule:
        case Values():
            return list(dict.fromkeys(rule.values.values()))
        case Constant():
            return [rule.constant]
        case Default():
            return [rule.default]
        case _:
            return []


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fits(probe: Probe, name: str, conversion: Conversion, checks: list[str]) -> bool:
    if conversion.fault and probe.is_true(conversion.fault):
        return False
    if probe.complaint(f"SELECT {conversion.value}"):
        return False
    cell = f"(SELECT {conversion.value} AS {ident(name)}) AS t"
    return not any(
        probe.is_true(f"EXISTS (SELECT FROM {cell} WHERE NOT ({text}))") for text in checks
    )
