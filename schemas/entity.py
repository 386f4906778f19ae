"""One entity file: which legacy table becomes which target table, column by column."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from schemas.rules import (
    AnyRule,
    Constant,
    Copy,
    Default,
    Join,
    Name,
    Ref,
    Rule,
    Sql,
    Uuid,
    Values,
    spelled,
)

CONTROL_SCHEMA = "understudy"


class TableName(BaseModel):
    """A table; written `"public.orders"`, or `{ schema = "public", table = "Odd.Name" }` where a name has a dot."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_: Name = Field(alias="schema")
    table: Name

    def __str__(self) -> str:
        """Schema and name with a dot."""
        return f"{self.schema_}.{self.table}"

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema_, self.table


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    schema, dot, table = value.partition(".")
    if not dot or "." in table:
        message = (
            'write "schema.table", or { schema = "...", table = "..." } where a name has a dot'
        )
        raise ValueError(message)
    return {"schema": schema, "table": table}


class Inverse(BaseModel):
    """What the rules alone do not say of the way back, from the target row to the legacy row.

    Attributes:
        columns: Legacy columns by SQL over the target row; there a reference is the legacy key of its parent, as text.
        keep: Legacy columns that keep what they have, and get their defaults in new rows.
        new_rows: Whether rows that are born on the target become rows of this entity's legacy table; where not, one
            stops the way back. None: they do, unless several entities have rows of their own in the target table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[Name, str] = {}
    keep: tuple[Name, ...] = ()
    new_rows: bool | None = None


# The short spelling is for JSON Schema too, by which an editor judges a file.
TableRef = Annotated[TableName, BeforeValidator(_split, json_schema_input_type=str | TableName)]
ColumnRule = Annotated[Rule, BeforeValidator(spelled, json_schema_input_type=Name | Rule)]


class Entity(BaseModel):
    """The rules of one entity. Its name is the file's name.

    A target table has one entity that writes it, or several: each has rows of its own (`merge = "union"` in each file),
    or adds columns to the rows of another (its identity is a `join`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name = ""
    source: TableRef
    target: TableRef
    merge: Literal["union"] | None = None
    key: tuple[Name, ...] = ()
    where: str | None = None
    originals: bool = True
    topic: str | None = None
    partitions: Annotated[int, Field(ge=1, le=8)] | None = None
    columns: dict[Name, ColumnRule]
    expect: dict[Name, str] = {}
    totals_by: tuple[Name, ...] = ()
    inverse: Inverse = Inverse()

    @field_validator("key")
    @classmethod
    def _some_key(cls, key: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(key)) < max(1, len(key)):
            message = "name the columns of the legacy key, each once, or leave it out: then it is the primary key"
            raise ValueError(message)
        return key

    @field_validator("columns")
    @classmethod
    def _one_identity(cls, columns: dict[str, AnyRule]) -> dict[str, AnyRule]:
        if len([rule for rule in columns.values() if isinstance(rule, Uuid | Join)]) != 1:
            message = "exactly one column must be the row's own { uuid = true }, or the { join = ... } of another's"
            raise ValueError(message)
        return columns

    @model_validator(mode="after")
    def _joined_from_originals(self) -> "Entity":
        if self.joined and (self.merge or not self.originals):
            message = "whose row joins another's keeps its originals, and is no union"
            raise ValueError(message)
        if self.joined and (len(self.columns) == 1 or len(self.refs) > 1):
            message = "whose row joins another's adds columns to it, and refers to nothing else"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _totals_by_columns(self) -> "Entity":
        for name in self.totals_by:
            rule = self.columns.get(name)
            looked_up = isinstance(rule, Ref) and (rule.by or rule.sql)
            if looked_up or not isinstance(rule, Copy | Default | Constant | Values | Sql | Ref):
                message = (
                    f"totals_by names {name}: that must be a column with a rule, one of from, default, constant, "
                    "values, sql, or ref `from` columns"
                )
                raise ValueError(message)
        return self

    @property
    def id_column(self) -> str:
        """The target column that holds the UUID of the row."""
        return next(name for name, rule in self.columns.items() if isinstance(rule, Uuid | Join))

    @property
    def joined(self) -> str | None:
        """The entity whose rows this one adds columns to; None where it has rows of its own."""
        rule = self.columns[self.id_column]
        return rule.ref if isinstance(rule, Join) else None

    @property
    def refs(self) -> dict[str, Ref]:
        """The references by target column."""
        return {name: rule for name, rule in self.columns.items() if isinstance(rule, Ref)}

    @property
    def mapping_schema(self) -> str:
        """The schema of the target that its part of migration_mappings lies in."""
        return CONTROL_SCHEMA

    def rule(self, column: str) -> AnyRule:
        """The rule of a target column."""
        return self.columns[column]


class ShadowEntity(Entity):
    """An entity while it is rebuilt: its target is the new table, and its mapping lies beside that."""

    @property
    def mapping_schema(self) -> str:
        """The schema of the new table."""
        return self.target.schema_
