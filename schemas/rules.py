"""The column rules of an entity file, one class a rule.

A rule is written as a string (copy or rename) or as a table with one word that names the rule: `uuid`, `join`, `ref`,
`values`, `sql`, `timezone`, `python`, `constant`, `default` or `json`. Each class lists the words it knows; nothing
else is taken.
"""

import json
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

Name = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Scalar = str | int | bool | float


def spelling(value: Scalar) -> str:
    """A value that an entity file spells out, as a text of PostgreSQL."""
    return value if isinstance(value, str) else json.dumps(value)


class Missing(Enum):
    """What becomes of a row whose parent is absent."""

    PARK = "park"
    KEEP = "keep"
    NULL = "null"
    STUB = "stub"
    DEAD_LETTER = "dead-letter"


class _Rule(BaseModel):
    """What all rules share: frozen, strict about words."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    word: ClassVar[str]


class Copy(_Rule):
    """Copy a legacy column; PostgreSQL converts its text to the target's type."""

    word: ClassVar[str] = "from"
    source: Name = Field(alias="from")


class Uuid(_Rule):
    """The row's own UUID."""

    word: ClassVar[str] = "uuid"
    uuid: Literal[True]


class Ref(_Rule):
    """The UUID of a row of another entity, from the legacy key of that row.

    The key is in the columns `from` (one or several, in the order of the parent's key), or is the text that `sql`
    yields. With `by`, the rows for which `when` holds do not have the key there, but what that target column of the
    parent is made of: an alternative key, looked up in the target.
    """

    word: ClassVar[str] = "ref"
    ref: Name
    source: Name | tuple[Name, ...] | None = Field(default=None, alias="from")
    sql: str | None = None
    by: Name | None = None
    when: str | None = None
    missing: Missing | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Ref":
        if (self.source is None) == (self.sql is None):
            message = "a ref takes its key either `from` a column or from `sql`"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _alternative(self) -> "Ref":
        if (self.by is None) != (self.when is None):
            message = (
                "`by` names the alternative key, and `when` says which rows have it: write both"
            )
            raise ValueError(message)
        if self.by and not isinstance(self.source, str):
            message = "an alternative key is looked up `from` one column"
            raise ValueError(message)
        if self.by and self.missing in (Missing.KEEP, Missing.STUB):
            message = "a parent that is looked up `by` another key must be there: park, null or dead-letter"
            raise ValueError(message)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The legacy columns that hold the parent's key; none if it comes from `sql`."""
        if self.source is None:
            return ()
        return (self.source,) if isinstance(self.source, str) else self.source


class Join(Ref):
    """The row of another entity that this row's columns are added to, from the legacy key of that row."""

    word: ClassVar[str] = "join"
    ref: Name = Field(alias="join")
    source: Name | tuple[Name, ...] = Field(alias="from")
    sql: None = None
    by: None = None
    when: None = None
    missing: Literal[Missing.PARK] = Missing.PARK


class Values(_Rule):
    """Translate a code by a table; `else` is `keep`, `null` or `dead-letter` for codes that it lacks."""

    word: ClassVar[str] = "values"
    source: Name = Field(alias="from")
    values: dict[str, Scalar]
    otherwise: Literal["keep", "null", "dead-letter"] = Field(default="dead-letter", alias="else")

    def spelled(self, *, padded: bool) -> dict[str, str]:
        """The texts of the values by their codes; of a padded type the codes are without blanks at their end."""
        return {
            code.rstrip(" ") if padded else code: spelling(value)
            for code, value in self.values.items()
        }


class Sql(_Rule):
    """A PostgreSQL expression over the legacy row, evaluated by the target."""

    word: ClassVar[str] = "sql"
    sql: str
    inverse: str | None = None


class Timezone(_Rule):
    """A local timestamp of that zone, as timestamptz."""

    word: ClassVar[str] = "timezone"
    source: Name = Field(alias="from")
    timezone: str
    gap: Literal["shift", "dead-letter"] = "dead-letter"
    overlap: Literal["first", "second", "dead-letter"] = "first"


class Python(_Rule):
    """A function `module:name` of the migration folder: list of texts in, list of texts out, of the same length."""

    word: ClassVar[str] = "python"
    source: Name = Field(alias="from")
    inverse: str | None = None
    python: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*:[A-Za-z_]\w*$")]


class Constant(_Rule):
    """The same value in every row."""

    word: ClassVar[str] = "constant"
    constant: Scalar


class Default(_Rule):
    """Copy a legacy column; where it is NULL, this value."""

    word: ClassVar[str] = "default"
    source: Name = Field(alias="from")
    default: Scalar


class Json(_Rule):
    """Some legacy columns as one JSON object."""

    word: ClassVar[str] = "json"
    json_columns: Annotated[tuple[Name, ...], Field(min_length=1, alias="json")]


# `from` alone is the plain copy, so it is asked last.
RULES: tuple[type[_Rule], ...] = (
    Uuid,
    Ref,
    Join,
    Values,
    Timezone,
    Python,
    Default,
    Constant,
    Json,
    Sql,
    Copy,
)


def _kind(value: Any) -> str | None:
    if isinstance(value, _Rule):
        return type(value).word
    if isinstance(value, dict):
        return next((rule.word for rule in RULES if rule.word in value), None)
    return None


def spelled(value: Any) -> Any:
    """A bare string is a copy: `"notes"` says the same as `{ from = "notes" }`."""
    return {"from": value} if isinstance(value, str) else value


Rule = Annotated[
    Annotated[Uuid, Tag("uuid")]
    | Annotated[Join, Tag("join")]
    | Annotated[Ref, Tag("ref")]
    | Annotated[Values, Tag("values")]
    | Annotated[Timezone, Tag("timezone")]
    | Annotated[Python, Tag("python")]
    | Annotated[Default, Tag("default")]
    | Annotated[Constant, Tag("constant")]
    | Annotated[Json, Tag("json")]
    | Annotated[Sql, Tag("sql")]
    | Annotated[Copy, Tag("from")],
    Discriminator(_kind),
]
AnyRule = Uuid | Join | Ref | Values | Timezone | Python | Default | Constant | Json | Sql | Copy
