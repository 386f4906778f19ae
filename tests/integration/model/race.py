"""Consumers that really run at once: a thread and a connection for each partition, and one more that sweeps."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from threading import Event as Signal

import psycopg

from consumers import checkpoint, sweep, truncation
from consumers.checkpoint import Stretch
from consumers.refusal import is_retried
from schemas.event_id import EventId
from tests.integration.model.driven import Connection, DrivenTarget, connect, frame, topic
from tests.model.feed import PARTITIONS, Feed, Partition
from tests.model.history import COMMIT_STEP
from tests.model.scenario import Scenario

BATCH_MAX = 6
# A deadlock ends one transaction at a time: each partition may be the victim for each other one, now and then again.
RETRIES_MAX = 50
PATIENCE_S = 60.0


class Race:
    """One feed, consumed at once.

    Args:
        scenario: Of the feed.
        feed: What is read.
        target: Where it goes.
    """

    def __init__(self, scenario: Scenario, feed: Feed, target: DrivenTarget) -> None:
        """Open no connection yet."""
        self._scenario, self._feed, self._target = scenario, feed, target
        self._snapshot_applied = {partition: Signal() for partition in feed.queues}
        self._stop = Signal()
        self.retries = 0

    def run(self, seed: int) -> None:
        """Consume everything; what is left to do are the last marker and the last sweeps."""
        with ThreadPoolExecutor(len(self._feed.queues) + 1) as pool:
            sweeper = pool.submit(self._sweep, seed)
            readers = [
                pool.submit(self._read, partition, seed + n)
                for n, partition in enumerate(self._feed.queues)
            ]
            try:
                for reader in readers:
                    reader.result()
            finally:
                self._stop.set()
            sweeper.result()

    # ------------------------------------------------------------------------ one partition
    def _read(self, partition: Partition, seed: int) -> None:
        try:
            with connect(self._target.dsn) as connection:
                self._target.prepare(connection)
                self._wait_for_parents(partition[0])
                self._read_all(connection, partition, seed)
        finally:
            self._snapshot_applied[partition].set()  # Else who waits for it would wait in vain.

    def _read_all(self, connection: Connection, partition: Partition, seed: int) -> None:
        rng = Random(seed)  # noqa: S311 - no secret
        offset, end = 0, len(self._feed.queues[partition])
        while offset < end:
            following = min(end, offset + rng.randint(1, BATCH_MAX))
            self._insist(connection, self._batch(partition, offset, following))
            offset = following
            if offset >= self._feed.snapshot_end[partition]:
                self._snapshot_applied[partition].set()

    def _wait_for_parents(self, table: str) -> None:
        parent = self._scenario.shape.refers.get(table, table)
        for number in PARTITIONS if parent != table else ():
            assert self._snapshot_applied[parent, number].wait(PATIENCE_S), (
                "the snapshot never ends"
            )

    def _batch(
        self, partition: Partition, first: int, following: int
    ) -> Callable[[Connection], None]:
        table, number = partition
        applier = self._target.appliers[table]
        events = frame(applier, self._feed.queues[partition][first:following])
        stretch = Stretch(topic=topic(table), partition=number, first=first, next=following)

        def apply(connection: Connection) -> None:
            records = applier.read(connection, events)
            with connection.transaction(), connection.cursor() as cursor:
                ground = checkpoint.lock(cursor, [table], [stretch])[table]
                applier.settle(cursor, records, [], ground)
                checkpoint.advance(cursor, [table], [stretch])

        return apply

    # ------------------------------------------------------------- truncations, markers, sweeps
    def _sweep(self, seed: int) -> None:
        rng = Random(seed)  # noqa: S311 - no secret
        with connect(self._target.dsn) as connection:
            self._target.prepare(connection)
            while not self._stop.is_set():
                table = rng.choice(self._scenario.shape.tables)
                self._insist(connection, partial(self._mark, table))
                self._insist(connection, partial(self._try_again, table))

    def _try_again(self, table: str, connection: Connection) -> None:
        sweep.sweep(connection, self._target.appliers[table], self._target.appliers)

    def _mark(self, table: str, connection: Connection) -> None:
        """Apply the last marker whose end offsets are reached, and the truncations before it."""
        query = "SELECT partition, next_offset FROM understudy.checkpoints WHERE entity = %s"
        reached = {
            int(str(n)): int(str(at)) for n, at in connection.execute(query, [table]).fetchall()
        }
        for lsn in range(self._scenario.horizon - COMMIT_STEP, 0, -COMMIT_STEP):
            if all(reached[n] >= self._feed.end_offset((table, n), lsn) for n in PARTITIONS):
                self._obey(connection, table, lsn)
                self._target.mark(table, lsn, connection)
                return

    def _obey(self, connection: Connection, table: str, up_to: int) -> None:
        for event_id, name in self._feed.truncations:
            if name == table and event_id[0] <= up_to:
                truncation.obey(connection, self._target.appliers[table], EventId(1, *event_id))

    def _insist(self, connection: Connection, act: Callable[[Connection], object]) -> None:
        """Do it again where an error says nothing about the rows, as a worker does."""
        for _ in range(RETRIES_MAX):
            try:
                act(connection)
            except psycopg.Error as error:
                if not is_retried(error):
                    raise
                self.retries += 1
            else:
                return
        raise AssertionError("it is never done")
