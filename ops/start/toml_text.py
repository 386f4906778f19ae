"""TOML that people go on writing: a line a key, comments above. Pure.

Source: TOML 1.0.0, "Keys", "String", "Comment".
"""

import json
import re
from collections.abc import Iterable

from ops.start.proposal import Toml

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else string(name)


def string(text: str) -> str:
    """A basic string; JSON escapes the same characters but one."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(item: Toml) -> str:
    """A value on one line."""
    match item:
        case str():
            return string(item)
        case dict():
            return (
                "{ " + ", ".join(f"{key(name)} = {value(of)}" for name, of in item.items()) + " }"
            )
        case list():
            return "[" + ", ".join(map(value, item)) + "]"
        case _:
            return json.dumps(item)


def comment(text: str) -> str:
    """A comment; a name in it may hold anything, so what would end the line is written as an escape."""
    return f"# {plain(text)}"


def plain(text: str) -> str:
    """A text on one line, with what cannot be printed as escapes."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def lines(pairs: Iterable[tuple[str, Toml, Iterable[str]]]) -> list[str]:
    """Keys with their values below each other, each with its comments above."""
    rows = [(key(name), value(item), list(notes)) for name, item, notes in pairs]
    width = max((len(name) for name, _, _ in rows), default=0)
    found = []
    for name, item, notes in rows:
        found += [comment(note) for note in notes]
        found.append(f"{name:<{width}} = {item}")
    return found
