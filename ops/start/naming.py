"""Names for what is proposed, from legacy names of any spelling. Pure."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from pathlib import Path

from consumers.conversion import bounded
from schemas.entity import CONTROL_SCHEMA

# Where a lower-case letter or digit is followed by a capital: `orderNo`, `Version2Of`.
_HUMP = re.compile(r"(?<=[^\W_])(?<![A-Z])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
_PIPELINE_LENGTH_MAX = 31
# What people put behind the name of a thing to mean its key, and before that of a table.
_KEY_WORDS = re.compile(r"_?(id|ids|no|nr|num|number|key|fk|code|ref)$")
_TABLE_WORDS = re.compile(r"^(tbl_?|tab_|t_)(?=\w)")


@cache
def snake(name: str) -> str:
    """A legacy name in lower case with underscores: `orderNo`, `Order No.` and `ORDER_NO` are `order_no`."""
    composed = unicodedata.normalize("NFC", name)
    parts = _NO_WORD.sub("_", _HUMP.sub("_", composed)).strip("_").lower()
    return bounded(parts or "unnamed")


def singular(name: str) -> str:
    """One of what a table holds many of, as English mostly has it."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


@cache
def things(table: str) -> frozenset[str]:
    """By which words a column may call a row of a table."""
    whole = snake(table)
    bare = _TABLE_WORDS.sub("", whole)
    return frozenset({whole, bare, singular(whole), singular(bare)})


@cache
def stem(column: str) -> str:
    """The name of a column without the word that says it is a key."""
    name = snake(column)
    return _KEY_WORDS.sub("", name) or name


def reference(column: str, parent: str, key: str) -> str:
    """How a column is called that holds a UUID where the legacy one held the key of a parent.

    Args:
        column: The legacy one; where it says what the parent is there (`buyer`), it keeps to that.
        parent: The entity.
        key: The legacy key of the parent; a column that is called like it says no more than that.
    """
    name, bare = snake(column), stem(column)
    says_nothing = bare == name == snake(key) and bare not in things(parent)
    return several(parent) if says_nothing else bounded(f"{bare}_id")


def several(parent: str) -> str:
    """How a column is called that holds a UUID where several legacy columns held a key of `parent`."""
    return bounded(f"{singular(_TABLE_WORDS.sub('', snake(parent)))}_id")


def fresh(name: str, taken: Collection[str]) -> str:
    """A name that is not taken: itself, or with a number."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = bounded(f"{name[:58]}_{number}")
    return found


def schema(legacy: str, pipeline: str) -> str:
    """The schema of the target for one of the source; `public` is nobody's name for anything."""
    name = snake(pipeline if legacy == "public" else legacy)
    is_taken = name == CONTROL_SCHEMA or name.startswith("pg_") or name == "public"
    return f"new_{name}" if is_taken else name


def pipeline(folder: Path) -> str:
    """The name of a pipeline, from that of its folder."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    named = words if words[:1].isalpha() else f"migration-{words}".rstrip("-")
    return named[:_PIPELINE_LENGTH_MAX].rstrip("-")
