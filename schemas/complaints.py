"""What pydantic has against a file, as errors that a person understands: file, key, and the nearest valid word."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from schemas.errors import ConfigError
from schemas.lines import place
from schemas.rules import RULES

NEAR = 0.6  # Of difflib, 0 to 1: below it a hint is noise.
# Where pydantic would show a pattern or speak of its parser: by the key, and how the kind of error begins.
_PLAIN = {
    ("pipeline", "string_pattern"): "write up to 31 of a-z, 0-9 and -, a letter first",
    ("namespace", "uuid"): "write a UUID, such as uuidgen prints, and never change it",
    ("python", "string_pattern"): 'write "module:function"',
}


def complaint(error: ValidationError, model: type[BaseModel], file: Path) -> ConfigError:
    """The first error of a file; the others are its notes."""
    found = error.errors(include_url=False, include_input=False)
    meant = {_meant(one, model) for one in found}
    told = [one for one in found if not (one["type"] == "missing" and one["loc"] in meant)]
    first, *others = [ConfigError(_sentence(one, model), **place(file, _key(one))) for one in told]
    for other in others:
        first.add_note(str(other))
    return first


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """The nearest known word as the end of a sentence, or nothing."""
    close = _nearest(word, words)
    return f"; did you mean {close[0]}?" if close else ""


def _nearest(word: str, words: Sequence[str]) -> list[str]:
    close = difflib.get_close_matches(word, words, n=len(words) or 1, cutoff=NEAR)
    return [one for one in close if _likeness(_name(word), _name(one)) >= NEAR][:1]


def _name(table: str) -> str:
    """Without its schema, which makes any two tables alike."""
    return table.rpartition(".")[2]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _meant(error: Any, model: type[BaseModel]) -> tuple[int | str, ...]:
    """The key that an unknown one was probably meant to be; it needs not be called missing as well."""
    if error["type"] != "extra_forbidden":
        return ()
    path = error["loc"]
    return (*path[:-1], *_nearest(str(path[-1]), _words(path, model)))


def _key(error: Any) -> str:
    """The key as the file spells it: pydantic puts the word of a column's rule after the column."""
    parts = [str(part) for part in error["loc"]]
    if parts[:1] == ["columns"] and len(parts) > 2:  # noqa: PLR2004 - columns, the column, the rule's word
        del parts[2]
    return ".".join(parts)


def _sentence(error: Any, model: type[BaseModel]) -> str:
    kind, word = str(error["type"]), str(error["loc"][-1]) if error["loc"] else ""
    if kind == "union_tag_not_found":
        return f"no rule is named here; write one of {', '.join(rule.word for rule in RULES)}"
    if kind == "extra_forbidden":
        return f"unknown key {word}{did_you_mean(word, _words(error['loc'], model))}"
    if kind == "missing":
        return "the key is missing"
    if kind == "string_too_short":
        return "a name is wanted here, not an empty text"
    plain = (
        text for (key, start), text in _PLAIN.items() if key == word and kind.startswith(start)
    )
    return next(plain, str(error["msg"]).removeprefix("Value error, "))


def _words(place: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys that are known where an unknown one stands."""
    if place[0] == "columns" and len(place) > 2:  # noqa: PLR2004 - columns, the column, the rule's word
        found: type[BaseModel] = next((rule for rule in RULES if rule.word == place[2]), model)
    elif len(place) > 1:
        annotation = model.model_fields[str(place[0])].annotation
        found = (
            annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel)
            else model
        )
    else:
        found = model
    return [field.alias or name for name, field in found.model_fields.items()]
