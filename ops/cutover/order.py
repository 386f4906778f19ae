"""What the operator wants of a cutover, and a session with each side."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ops import databases
from ops.cutover.fence import Fence
from ops.cutover.gate import Signature
from ops.cutover.gates import Sight
from ops.proof.exact_point import Say
from ops.stack.state import Endpoints
from schemas.migration import Migration

APPLICATION = "cutover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator wants.

    Attributes:
        say: Told each step as it is done.
        timeout_s: How long the write pause may be; then the fence opens again.
        max_lag_s: How far behind the pipeline may be when the fence closes.
        accepted: Gates that are signed off, each with what was typed.
        because: Why they are.
    """

    migration: Migration
    at: Endpoints
    say: Say
    timeout_s: float
    max_lag_s: float
    accepted: Mapping[str, Signature]
    because: str | None


@contextmanager
def sight(order: Order) -> Iterator[Sight]:
    """A session with each side.

    Raises:
        SourceError: The source refuses.
        TargetError: The target refuses.
    """
    migration, at = order.migration, order.at
    places = list(dict.fromkeys(entity.source.place for entity in migration.entities.values()))
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        yield Sight(
            migration=migration,
            at=at,
            source=source,
            target=target,
            fence=Fence(source, migration.pipeline.cutover, places),
            max_lag_s=order.max_lag_s,
        )
