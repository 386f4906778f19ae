"""Legacy columns that an expression of an entity file does not name, because their names are words of SQL.

Source: PostgreSQL manual, appendix "SQL Key Words"; pg_get_keywords() knows those of the server.
"""

import re

from consumers.conversion import ident
from ops.preflight.probe import Probe

_RESERVED = "SELECT word FROM pg_get_keywords() WHERE word = ANY (%s) AND catcode IN ('R', 'T')"
# An expression may have them, and they are values of the session or of the moment.
_VALUES = frozenset(
    {
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "localtime",
        "localtimestamp",
        "session_user",
        "system_user",
        "user",
    }
)
# What is quoted, and what is a comment.
_NOT_BARE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)


def misread(probe: Probe, expression: str) -> list[str]:
    """The columns of the legacy table that stand bare in an expression, as words of SQL."""
    text = _NOT_BARE.sub(" ", expression)
    bare = [
        column.name
        for column in probe.source.table.columns
        if re.search(rf"(?<![\w.]){re.escape(column.name)}(?!\w)", text, re.IGNORECASE)
    ]
    rows = probe.connection.execute(_RESERVED, [bare]).fetchall() if bare else []
    return sorted(str(word) for (word,) in rows)


def replaced(probe: Probe, expression: str) -> list[str]:
    """Those in whose place the expression has, without any error, a value of the session or of the moment."""
    return [word for word in misread(probe, expression) if word in _VALUES]


def remedy(columns: list[str]) -> str:
    """How such columns are named."""
    names = ", ".join(f"s.{ident(name)}" for name in columns)
    return f"Write {names} for the legacy column, in TOML between single quotes."
