"""The drain: with the fence closed, all that the source had accepted goes into the target, and that is proved."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files

from consumers import sweep_sql
from consumers.plan import EntityPlan
from ops.cutover.gate import Signature
from ops.databases import Connection
from ops.proof.hold import Hold
from ops.waiting import wait_until
from schemas.errors import NotReadyError
from schemas.migration import Migration
from schemas.positions import Marker

POLL_S = 0.05
# A sweep brings within it what could go; what then still waits is judged by its count.
SWEEP_S = 3.0
_BEHIND = files("ops.cutover").joinpath("behind.sql").read_bytes()
_WAITING = files("ops.cutover").joinpath("waiting.sql").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What is not yet applied of what lies before a marker.

    Attributes:
        records: Of Kafka, by the checkpoints.
        partitions: Whose watermark is not at the marker.
    """

    records: int
    partitions: int

    def as_json(self) -> dict[str, int]:
        """As evidence."""
        return asdict(self)


def waiting(target: Connection, migration: Migration, older_s: float = 0) -> dict[str, int]:
    """Dead letters and parked rows, by the name of the gate that counts them.

    Args:
        target: Where they are.
        migration: All its entities.
        older_s: Only what has waited for so long, in seconds: while the source is written to, some rows wait a moment.
    """
    rows = target.execute(
        _WAITING, {"entities": list(migration.entities), "older_s": older_s}
    ).fetchall()
    return {str(name): int(str(count)) for name, count in rows}


def behind(target: Connection, migration: Migration, marker: Marker) -> Behind:
    """How much of what lies before a marker is not yet applied."""
    places = [
        (name, topic, partition, end)
        for topic, names in migration.topics.items()
        for partition, end in marker.ends.get(topic, {}).items()
        for name in names
    ]
    entities, topics, partitions, ends = zip(*places, strict=True)
    parameters = {
        "entities": list(entities),
        "topics": list(topics),
        "partitions": list(partitions),
        "ends": list(ends),
        "lsn": marker.lsn,
    }
    ((records, unaware),) = target.execute(_BEHIND, parameters).fetchall()
    return Behind(records=int(str(records)), partitions=int(str(unaware)))


def await_applied(
    target: Connection, migration: Migration, marker: Marker, deadline: float
) -> None:
    """Wait until every checkpoint is at or beyond the end offsets of a marker, and every watermark at its LSN.

    Raises:
        NotReadyError: Not in time.
    """

    def is_applied() -> bool:
        left = behind(target, migration, marker)
        return not (left.records or left.partitions)

    _await(is_applied, deadline, "the workers to apply all that was written before the fence")


def owing(target: Connection, plans: Iterable[EntityPlan]) -> list[str]:
    """The entities with a row that went without a reference, and whose parent has come: a sweep fills it in."""
    return [
        plan.name
        for plan in plans
        if plan.references and target.execute(sweep_sql.owed(plan, 1).encode()).fetchall()
    ]


def require_nothing_owed(target: Connection, plans: Iterable[EntityPlan]) -> None:
    """See to it, under the locks of the switch, that no reference is left to be filled in.

    Raises:
        NotReadyError: A row lacks a reference whose parent has come.
    """
    if names := owing(target, plans):
        raise NotReadyError(
            f"rows lack a reference whose parent has come: {', '.join(names)}",
            remedy="Workers fill it in within a second: begin again.",
        )


def await_nothing_new_waits(
    target: Connection,
    migration: Migration,
    plans: Sequence[EntityPlan],
    accepted: Mapping[str, Signature],
    deadline: float,
) -> dict[str, int]:
    """Give rows that wait the time of a sweep, then see to it that only those wait that were signed off.

    References that can be filled in are waited for until the deadline: after the switch nobody fills them in.

    Args:
        target: A session of its own: while somebody looks at an exact point it is refused.
        migration: All its entities.
        plans: Of all of them.
        accepted: What was signed off, by gate.
        deadline: By `time.monotonic`.

    Returns:
        What waits, by gate.

    Raises:
        NotReadyError: More waits than was signed off, or a reference is not filled in in time.
        ConflictError: Somebody looks at an exact point.
    """
    hold = Hold(target, list(migration.entities))
    until = min(deadline, time.monotonic() + SWEEP_S)
    while hold.could_go() and time.monotonic() < until:
        time.sleep(POLL_S)
    _await(lambda: not owing(target, plans), deadline, "references to be filled in")
    found = waiting(target, migration)
    none = Signature(count=0)
    more = {name: count for name, count in found.items() if count > accepted.get(name, none).count}
    if more:
        what = ", ".join(f"{name} {count}" for name, count in more.items())
        raise NotReadyError(
            f"rows wait that nobody signed off: {what}",
            remedy="See understudy dead-letters list and parked list, then begin again.",
        )
    return found


def _await(is_so: Callable[[], bool], deadline: float, what: str) -> None:
    def late() -> NotReadyError:
        return NotReadyError(
            f"the write pause would be too long: still waiting for {what}",
            remedy="See understudy status for the lag; --timeout allows a longer pause.",
        )

    wait_until(is_so, deadline, late, POLL_S)
