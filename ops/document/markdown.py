"""The pieces of Markdown that the pages are made of (GitHub's flavour: tables). Pure."""

from collections.abc import Iterable, Sequence


def code(text: object) -> str:
    """A piece of code, on one line, that a cell of a table may hold."""
    written = " ".join(str(text).split()).replace("|", r"\|")
    return f"`` {written} ``" if "`" in written else f"`{written}`"


def codes(texts: Iterable[object]) -> str:
    """Several pieces of code, with commas."""
    return ", ".join(map(code, texts))


def plain(text: str) -> str:
    """Text that somebody wrote, on one line, as a cell of a table may hold it."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def items(introduction: str, lines: Iterable[str]) -> str:
    """A list under a line of introduction."""
    return "\n".join([introduction, "", *(f"- {line}" for line in lines)])
