"""Where a key stands in a TOML file: tomllib does not say."""

import re
from pathlib import Path
from typing import Any

_NAME = r"""[\w-]+|"[^"]*"|'[^']*'"""
_NAMES = rf"(?:{_NAME})(?:\s*\.\s*(?:{_NAME}))*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_NAMES})\s*\]")
_KEY = re.compile(rf"\s*({_NAMES})\s*=")


def place(file: Path, key: str) -> dict[str, Any]:
    """The context of an error about a key: the file, the line if it can be found, the key."""
    line = line_of(file.read_text(encoding="utf-8"), key) if file.is_file() else None
    return {"file": file, "key": key} | ({} if line is None else {"line": line})


def line_of(text: str, key: str) -> int | None:
    """The line of a dotted key, from 1; of the nearest table or key around it, where it does not stand there itself."""
    wanted, depth = key.split("."), 0
    table: list[str] = []
    found: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            here = table = _parts(header[1])
        elif entry := _KEY.match(line):
            here = [*table, *_parts(entry[1])]
        else:
            continue
        if len(here) > depth and here == wanted[: len(here)]:
            found, depth = number, len(here)
    return found


def _parts(names: str) -> list[str]:
    return [name.strip("\"'") for name in re.findall(_NAME, names)]
