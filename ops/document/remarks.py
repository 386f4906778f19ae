"""The comments of an entity file, by what they stand beside: tomllib forgets them, and they say why. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# A string in one of TOML's four forms, or a comment: what looks like a comment within a string is none.
_TOKEN = re.compile(
    r'"""(?:\\.|.)*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|(?P<comment>#[^\n]*)",
    re.DOTALL,
)
_SECTION = re.compile(r"\s*\[\s*(?P<name>[\w.\"-]+)\s*\]")
_KEY = re.compile(r"\s*(?P<key>[A-Za-z0-9_-]+|\"[^\"]+\")\s*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What the comments of one file say.

    Attributes:
        head: Those above the first key.
        keys: Those above a key or behind its value, by dotted key, such as `columns.doctor_id`.
    """

    head: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


def read(text: str) -> Remarks:
    """Read the comments of an entity file that is valid TOML."""
    said: dict[str, list[str]] = {}
    head: list[str] = []
    above: list[str] = []
    section = key = ""
    for code, comment in _lines(text):
        if found := _SECTION.match(code):
            section, key = f"{found['name']}.", ""
        elif found := _KEY.match(code):
            key = section + found["key"].strip('"')
            if not said:
                head, above = above, []
            said[key], above = above, []
        if comment:
            (said[key] if key and code.strip() else above).append(comment)
    return Remarks(
        head=" ".join(head), keys={name: " ".join(lines) for name, lines in said.items() if lines}
    )


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """The lines as (code, comment), a string of several lines as one."""

    def marked(token: re.Match[str]) -> str:
        return "\0" + token[0] if token["comment"] else token[0].replace("\n", " ")

    for line in _TOKEN.sub(marked, text).splitlines():
        code, _, comment = line.partition("\0")
        yield code, comment.lstrip("#").strip()
