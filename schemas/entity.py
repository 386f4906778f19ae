"""One entity file: which legacy table becomes which target table, column by column."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.rules import AnyRule, Name, Ref, Rule, Uuid, spelled


class TableName(BaseModel):
    """A table by schema and name; written `schema.name`, or as a table where a name has a dot."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_: Name = Field(alias="schema")
    name: Name

    def __str__(self) -> str:
        """Schema and name with a dot."""
        return f"{self.schema_}.{self.name}"

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema_, self.name


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    schema, dot, name = value.partition(".")
    if not dot or "." in name:
        message = 'write "schema.table", or { schema = "...", name = "..." } where a name has a dot'
        raise ValueError(message)
    return {"schema": schema, "name": name}


TableRef = Annotated[TableName, BeforeValidator(_split)]
ColumnRule = Annotated[Rule, BeforeValidator(spelled)]


class Entity(BaseModel):
    """The rules of one entity. Its name is the file's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name = ""
    source: TableRef
    target: TableRef
    key: tuple[Name, ...] = ()
    where: str | None = None
    originals: bool = True
    topic: str | None = None
    partitions: Annotated[int, Field(ge=1, le=8)] | None = None
    columns: dict[Name, ColumnRule]
    expect: dict[Name, str] = {}

    @model_validator(mode="after")
    def _one_identity(self) -> "Entity":
        if len([rule for rule in self.columns.values() if isinstance(rule, Uuid)]) != 1:
            message = "exactly one column must be the row's own { uuid = true }"
            raise ValueError(message)
        return self

    @property
    def id_column(self) -> str:
        """The target column that holds the row's UUID."""
        return next(name for name, rule in self.columns.items() if isinstance(rule, Uuid))

    @property
    def refs(self) -> dict[str, Ref]:
        """The references by target column."""
        return {name: rule for name, rule in self.columns.items() if isinstance(rule, Ref)}

    def rule(self, column: str) -> AnyRule:
        """The rule of a target column."""
        return self.columns[column]
