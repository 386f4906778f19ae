"""The SQL that adds up numeric columns on each side, from an entity file. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from consumers import identity
from consumers.catalog import TargetTable
from consumers.plan import mapping_of
from schemas.entity import Entity
from schemas.errors import InvariantError
from schemas.rules import AnyRule, Constant, Copy, Default, Ref, Sql, Values, spelling
from schemas.table import Column, Table

_NUMBERS = ("numeric", "money")
_OF_SOURCE = sql.SQL("""
    SELECT {group}, {sums} FROM (SELECT {columns} FROM {table}) s
    WHERE {where} AND NOT EXISTS (SELECT FROM unnest({arrays}) AS stays ({keys}) WHERE {same})
    GROUP BY {numbers}""")
_OF_TARGET = sql.SQL("""
    SELECT {group}, {sums} FROM {table} t
    WHERE EXISTS (SELECT FROM {mapping} m
        WHERE m.generation = 1 AND m.source = {source} AND m.state = 'l' AND m.id = t.{id}
            AND NOT EXISTS (SELECT FROM understudy.waiting w
                WHERE w.generation = understudy.generation(w.entity) AND w.entity = {entity} AND w.source = m.source
                    AND w.legacy_key = m.legacy_key))
    GROUP BY 1""")
_NULL = sql.SQL("CAST(NULL AS text)")
_COMMA = sql.SQL(", ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """An entity whose columns are added up.

    Attributes:
        key: The columns of its legacy key.
    """

    entity: Entity
    legacy: Table
    target: TargetTable
    key: tuple[str, ...]

    @property
    def columns(self) -> list[Column]:
        """Those of the target that are added up: exact numbers that come out of the legacy row alone."""
        return [
            column
            for column in self.target.table.columns
            if column.base.startswith(_NUMBERS)
            and not column.base.endswith("[]")
            and isinstance(self.entity.columns.get(column.name), Copy | Default | Sql)
        ]

    def rule(self, by: str | None) -> AnyRule | None:
        """The rule of a column by which totals are told apart."""
        return None if by is None else self.entity.columns[by]


def of_source(summed: Summed, by: str | None) -> sql.Composed:
    """Sums over the legacy rows that are in the target, by what the rules make of them.

    Parameters: a text[] for each column of the key, side by side: the rows that are not there.

    Returns:
        Columns: the group (of a reference, each column of the parent's key), then the sums.
    """
    groups = _groups(summed, by)
    names = [sql.Identifier(f"k{n}") for n in range(len(summed.key))]
    same = [
        sql.SQL("stays.{} = CAST(s.{} AS text)").format(name, sql.Identifier(column))
        for name, column in zip(names, summed.key, strict=True)
    ]
    where = sql.SQL("({}\n) IS TRUE").format(_sql(summed.entity.where or "true"))
    return _OF_SOURCE.format(
        group=_COMMA.join(groups),
        sums=_COMMA.join(
            _sum(_value(summed, summed.entity.columns[c.name]), c) for c in summed.columns
        ),
        columns=_COMMA.join(_as_staged(column) for column in summed.legacy.columns),
        table=sql.Identifier(summed.legacy.schema, summed.legacy.name),
        where=where,
        arrays=_COMMA.join([sql.SQL("%s::text[]")] * len(names)),
        keys=_COMMA.join(names),
        same=sql.SQL(" AND ").join(same),
        numbers=_COMMA.join(sql.SQL(str(n + 1)) for n in range(len(groups))),
    )


def of_target(summed: Summed, by: str | None) -> sql.Composed:
    """Sums over the target rows of one entity. Columns: the group, then the sums."""
    entity = summed.entity
    group = sql.SQL("CAST(t.{} AS text)").format(sql.Identifier(by)) if by else _NULL
    return _OF_TARGET.format(
        group=group,
        sums=_COMMA.join(_sum(sql.Identifier("t", c.name), c) for c in summed.columns),
        table=sql.Identifier(*entity.target.place),
        mapping=sql.Identifier(*mapping_of(entity)),
        source=sql.Literal(str(entity.source)),
        id=sql.Identifier(entity.id_column),
        entity=sql.Literal(entity.name),
    )


def _groups(summed: Summed, by: str | None) -> Sequence[sql.Composable]:
    rule = summed.rule(by)
    if rule is None:
        return [_NULL]
    text = sql.SQL("CAST({} AS text)")
    if isinstance(rule, Ref):
        return [text.format(sql.Identifier("s", name)) for name in rule.columns]
    column = summed.target.table.column(by or "")
    kind = sql.SQL(column.base if column else "text")
    return [text.format(sql.SQL("CAST({} AS {})").format(_value(summed, rule), kind))]


def _value(summed: Summed, rule: AnyRule) -> sql.Composable:
    """What a rule makes of a legacy row (alias s)."""
    match rule:
        case Copy():
            return sql.Identifier("s", rule.source)
        case Default():
            given = sql.Literal(spelling(rule.default))
            return sql.SQL("coalesce(CAST({} AS text), {})").format(
                sql.Identifier("s", rule.source), given
            )
        case Constant():
            return sql.Literal(spelling(rule.constant))
        case Sql():
            return sql.SQL("({}\n)").format(_sql(rule.sql))
        case Values():
            return _code(summed, rule)
        case _:
            raise InvariantError(f"{rule.word} cannot be told apart on the source")


def _code(summed: Summed, rule: Values) -> sql.Composed:
    column = summed.legacy.column(rule.source)
    known = rule.spelled(padded=column is not None and identity.is_padded(column.base))
    code = sql.SQL("CAST({} AS text)").format(sql.Identifier("s", rule.source))
    whens = [
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(spelled), sql.Literal(value))
        for spelled, value in known.items()
    ]
    otherwise = code if rule.otherwise == "keep" else sql.SQL("NULL")
    return sql.SQL("CASE {} {} ELSE {} END").format(code, sql.SQL(" ").join(whens), otherwise)


def _sum(value: sql.Composable, column: Column) -> sql.Composed:
    cast = sql.SQL("CAST({} AS {})").format(value, sql.SQL(column.type))
    return sql.SQL("sum(CAST({} AS numeric))").format(cast)


def _as_staged(column: Column) -> sql.Composable:
    """A legacy column in the type in which the rules see it."""
    name = sql.Identifier(column.name)
    if column.type == column.base:
        return name
    return sql.SQL("CAST({} AS {}) AS {}").format(name, sql.SQL(column.base), name)


def _sql(text: str) -> sql.SQL:
    """An expression of an entity file."""
    return sql.SQL(text.replace("%", "%%"))
