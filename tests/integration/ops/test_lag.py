"""The lag that status tells, beside rows that are written by hand and watched until they arrive."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from consumers.worker import Worker
from ops import controls, databases, wiring
from ops.stack.state import Endpoints
from ops.watch.movement import Movement
from ops.watch.observer import Observer
from ops.watch.status import EntityStatus, Status
from ops.watch.watcher import Watcher
from producers.capture import Capture
from tests.integration.ops.parts import DEADLINE_S, running
from tests.shop import Shop

# A heartbeat of the shop is due every 0.2 s; what it takes on its way on a machine with much to do comes on top.
SLACK_MS = 2_000
NOW_MS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


class Clinic:
    """The shop, written and watched by hand."""

    def __init__(self, shop: Shop, at: Endpoints, watcher: Watcher) -> None:
        self.shop, self.at, self.watcher = shop, at, watcher
        self.migration = watcher.observer.migration

    def capture(self) -> Capture:
        return wiring.capture(self.migration, self.at)

    def worker(self) -> Worker:
        return wiring.worker(self.migration, self.at)

    def write(self, statement: str) -> int:
        """Commit at the source; its time afterwards, in milliseconds."""
        self.shop.source(statement)
        return self.source_ms()

    def source_ms(self) -> int:
        with psycopg.connect(self.shop.source_dsn) as connection:
            ((now,),) = connection.execute(NOW_MS).fetchall()
        return int(now)

    def orders(self) -> int:
        return int(self.shop.read("SELECT count(*) FROM shop.orders")[0][0])

    def look(self) -> tuple[Status, EntityStatus]:
        status = self.watcher.look()
        return status, next(one for one in status.entities if one.name == "orders")

    def until(self, is_so: Callable[[Status, EntityStatus], object]) -> tuple[Status, EntityStatus]:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            status, orders = self.look()
            if is_so(status, orders):
                return status, orders
            assert time.monotonic() < deadline, status.as_json()

    def follow(self, written_ms: int, is_so: Callable[[Status, EntityStatus], object]) -> Status:
        """Look until something is so; as long as an order that was written is not there, it is in the lag."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            before_ms, rows = self.source_ms(), self.source_orders()
            status, orders = self.look()
            if self.orders() < rows:
                assert orders.lag_ms is not None
                assert before_ms - written_ms <= orders.lag_ms
                assert orders.lag_ms <= self.source_ms() - written_ms + SLACK_MS
            if is_so(status, orders):
                return status
            assert time.monotonic() < deadline, status.as_json()

    def source_orders(self) -> int:
        with psycopg.connect(self.shop.source_dsn) as connection:
            ((rows,),) = connection.execute("SELECT count(*) FROM orders").fetchall()
        return int(rows)


@pytest.fixture
def clinic(empty_shop: Shop, endpoints: Endpoints) -> Iterator[Clinic]:
    shop, at = empty_shop, endpoints
    shop.source("""
        INSERT INTO customers VALUES (1, 'a', NULL, '2020-02-02 12:00');
        INSERT INTO orders SELECT n, 1, 0, n, NULL FROM generate_series(1, 10) n;
        ANALYZE;
    """)
    with Observer(migration=wiring.read(shop.folder), at=at) as observer:
        yield Clinic(shop, at, Watcher(observer=observer))


def set_paused(clinic: Clinic, *, paused: bool) -> None:
    with databases.target(clinic.at.target_dsn, "test") as connection:
        (controls.pause if paused else controls.resume)(connection, ("orders",))


def in_tail(status: Status, _: EntityStatus) -> bool:
    return status.state == "tail" and status.lag_ms is not None


def caught_up(status: Status, orders: EntityStatus) -> bool:
    return in_tail(status, orders) and orders.lag_records == 0 and (orders.lag_ms or 0) < SLACK_MS


def test_the_lag_is_that_of_a_row_written_by_hand(clinic: Clinic) -> None:
    with running(clinic.capture()), running(clinic.worker()):
        clinic.until(in_tail)
        status, orders = clinic.until(caught_up)
        assert (status.remaining, orders.applied, status.capture_lag_ms or 0) <= (0, 10, SLACK_MS)
        assert clinic.watcher.look_once(count_ms=None).movement is Movement.OK

        set_paused(clinic, paused=True)
        written_ms = clinic.write("INSERT INTO orders VALUES (11, 1, 0, 1, NULL)")
        status = clinic.follow(
            written_ms, lambda _, orders: orders.lag_records == 1 and (orders.lag_ms or 0) > 1_000
        )
        orders = next(one for one in status.entities if one.name == "orders")
        assert (status.lag_ms, orders.pace and orders.pace.movement) == (orders.lag_ms, "stop")
        customers = next(one for one in status.entities if one.name == "customers")
        assert (customers.lag_ms or 0) < (orders.lag_ms or 0)

        set_paused(clinic, paused=False)
        clinic.follow(written_ms, caught_up)
        assert clinic.orders() == 11
        _, orders = clinic.look()
        assert orders.pace is not None
        assert (orders.pace.movement, orders.pace.eta_s) == ("ok", 0.0)


@pytest.mark.long
def test_the_lag_is_right_in_backfill_in_a_large_transaction_and_after_a_restart(
    clinic: Clinic,
) -> None:
    with running(clinic.capture()):
        status, orders = clinic.until(lambda _, orders: orders.remaining_records == 10)
        assert (status.state, orders.lag_ms, orders.pace and orders.pace.eta_s) == (
            "new",
            None,
            None,
        )
        with running(clinic.worker()):
            status, _ = clinic.until(lambda status, _: status.state != "new")
            assert status.lag_ms is None or status.state == "tail"
            clinic.until(caught_up)
            in_a_large_transaction(clinic)
        written_ms = clinic.write("INSERT INTO orders VALUES (50011, 1, 0, 1, NULL)")
        clinic.follow(written_ms, lambda status, _: status.movement is Movement.STOP)
        clinic.follow(written_ms, lambda _, orders: (orders.lag_ms or 0) > SLACK_MS)
        with running(clinic.worker()):
            clinic.follow(written_ms, caught_up)
        assert clinic.orders() == 50_011
    status, _ = clinic.until(lambda status, _: (status.capture_lag_ms or 0) > SLACK_MS)
    assert status.capture_pace is not None
    assert status.capture_pace.movement is Movement.STOP


def in_a_large_transaction(clinic: Clinic) -> None:
    """While it is open nothing is behind; from its commit on until its last row is there, all of it is."""
    with psycopg.connect(clinic.shop.source_dsn) as source:
        source.execute(
            "INSERT INTO orders SELECT n, 1, 0, n, NULL FROM generate_series(11, 50010) n"
        )
        clinic.until(caught_up)
        source.commit()
        written_ms = clinic.source_ms()
    # At first nothing of it is behind for longer than what is no lag.
    clinic.follow(
        written_ms, lambda status, orders: clinic.orders() == 50_010 and caught_up(status, orders)
    )
