"""Foreign keys of the target that change or delete rows by themselves, where the apply does not see it."""

from collections.abc import Iterator

from consumers.catalog import ForeignKey, TargetTable
from ops.preflight.findings import Finding, Side, error, in_entity
from schemas.entity import Entity
from schemas.migration import Migration

# Of pg_constraint.confdeltype and confupdtype; what is not here only refuses.
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def check(migration: Migration, entity: Entity, target: TargetTable) -> Iterator[Finding]:
    """What the target would do to the rows that refer to an entity, and the apply would not notice.

    A delete waits for what refers to its row, if that can be found by one column. An update of what is referred to is
    not judged at all; the UUID is never updated.
    """
    for key in target.referenced_by:
        updated = (set(key.parent_columns) - {entity.id_column}) & entity.columns.keys()
        if key.on_delete in _ACTIONS and not key.judged(entity.id_column):
            yield _unseen(migration, entity, key, f"ON DELETE {_ACTIONS[key.on_delete]}")
        if key.on_update in _ACTIONS and updated:
            yield _unseen(migration, entity, key, f"ON UPDATE {_ACTIONS[key.on_update]}")


def _unseen(migration: Migration, entity: Entity, key: ForeignKey, action: str) -> Finding:
    child = ".".join(key.table)
    what = (
        f"{key.name} of {child} refers to ({', '.join(key.parent_columns)}) of {entity.target} {action}: "
        f"the target would change rows of {child} that nobody looks at"
    )
    remedy = f"Drop {key.name} and add it again without {action}."
    return error(Side.TARGET, "action-unseen", in_entity(migration, entity, "target"), what, remedy)
