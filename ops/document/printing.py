"""JSON as a person reads it: what fits stands on one line. Pure."""

import json

WIDTH = 120
_INDENT = 1


def printed(value: object, depth: int = 0, *, before: int = 0) -> str:
    """Write a JSON value.

    Args:
        value: Objects keep the order of their keys.
        depth: How far it is indented.
        before: Characters on its line before it, beside the indent.
    """
    line = json.dumps(value, ensure_ascii=False)
    if (
        len(line) + depth * _INDENT + before < WIDTH
        or not isinstance(value, dict | list)
        or not value
    ):
        return line
    inner, outer = " " * (depth + 1) * _INDENT, " " * depth * _INDENT
    if isinstance(value, list):
        parts = [printed(item, depth + 1) for item in value]
        opening, closing = "[", "]"
    else:
        heads = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        pairs = zip(heads, value.values(), strict=True)
        parts = [head + printed(item, depth + 1, before=len(head)) for head, item in pairs]
        opening, closing = "{", "}"
    body = f",\n{inner}".join(parts)
    return f"{opening}\n{inner}{body}\n{outer}{closing}"
