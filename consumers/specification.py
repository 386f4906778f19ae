"""What decides the target row of an entity, as a hash: by it a change of the rules is noticed."""

import hashlib
import json
from pathlib import Path

from schemas.entity import Entity
from schemas.rules import Python

CHANGED = "the rules were changed: rows written before keep what the old rules made of them"
REMEDY = (
    "Dead letters, and rows without a parent, are tried again by themselves. To have all rows by the new rules: "
    "understudy reapply, once the workers have them."
)
_DECIDES = {"source", "target", "key", "where", "columns", "expect"}
_WAY_BACK = {"columns": {"__all__": {"inverse"}}}


def spec_hash(entity: Entity, folder: Path) -> str:
    """Hash the rules of an entity and the Python modules that they name; how the file spells them does not count.

    Args:
        entity: As it was read: without comments, order of columns, or what is the default anyway.
        folder: The migration folder.
    """
    rules = entity.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, include=_DECIDES, exclude=_WAY_BACK
    )
    files = {
        folder / f"{rule.python.partition(':')[0]}.py"
        for rule in entity.columns.values()
        if isinstance(rule, Python)
    }
    modules = {file.name: _digest(file) for file in files}
    return hashlib.sha256(json.dumps([rules, modules], sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str:
    """Nothing where there is no such module: who loads it says so."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
