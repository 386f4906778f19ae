"""What a look at a small pipeline may have found, made by hand."""

from dataclasses import replace

from ops.watch.status import EntityStatus
from producers.slot import Slot

SLOT = Slot(
    name="understudy_shop_00000000",
    active_pid=7,
    confirmed_lsn=0x1540000,
    wal_status="reserved",
    safe_wal_bytes=None,
    retained_bytes=0,
)
_ORDERS = EntityStatus(
    name="orders",
    target="shop.orders",
    state="tail",
    stopped_reason=None,
    rows=None,
    parked={},
    dead_letters={},
    captured=0,
    is_captured=True,
    applied=0,
    lag_records=0,
    remaining_records=0,
    watermark="0/1540000",
    lag_ms=0,
    unowned=(),
)


def orders(**changes: object) -> EntityStatus:
    """An entity in its tail that has nothing to do, but for what is changed."""
    return replace(_ORDERS, **changes)  # type: ignore[arg-type]
