"""How a capture begins: the start rules asked, and the slot created where they say so."""

import threading
from dataclasses import dataclass, replace

from producers import catalog, slot, start
from producers.backfill import Basis
from producers.ground import Ground
from producers.positions import PositionWriter
from producers.settings import CaptureSettings
from producers.slot import ExportedPoint, System
from producers.source import Connection, connect_replication
from producers.start import Found, Start
from producers.topic_writer import TopicWriter
from schemas import failpoint
from schemas.errors import BrokerLostError
from schemas.positions import Intent, Position, Record

STORED_WAIT_S = 30.0
FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where the stream begins.

    Attributes:
        slot: Its name.
        suffix: Of the slot's name.
        position: The last that is recorded.
        basis: The point of a new slot, for the snapshot; None where the slot is not new.
    """

    slot: str
    suffix: str
    position: Position
    basis: Basis | None


class Opener:
    """Opens a capture on its ground."""

    def __init__(
        self,
        settings: CaptureSettings,
        monitor: Connection,
        writer: TopicWriter,
        positions: PositionWriter,
        ground: Ground,
    ) -> None:
        """Work with these."""
        self._settings = settings
        self._monitor = monitor
        self._writer = writer
        self._positions = positions
        self._ground = ground

    def open(self) -> Opening:
        """Resume, or begin afresh.

        Raises:
            StartRefusedError: Positions and slot do not fit together.
            SlotLostError: The slot no longer holds what was not captured.
            ConflictError: Open transactions keep a slot from being created.
        """
        known = self._ground.known
        slots = slot.slots_of(self._monitor, self._settings.pipeline)
        with connect_replication(self._settings.source_dsn, "identify") as walsender:
            system = slot.identify(walsender)
        found = Found(intent=known.intent, position=known.position, slots=slots, system=system)
        decision = start.decide(found)
        if decision is Start.RESUME and known.position is not None and known.intent is not None:
            return self._resume(known.position, known.intent)
        if decision is Start.AGAIN and known.intent is not None:
            slot.drop(self._monitor, slots[known.intent.suffix].name)
        return self._begin(system)

    def _resume(self, position: Position, intent: Intent) -> Opening:
        ids = self._ground.topic_ids
        return Opening(
            slot=slot.name_of(self._settings.pipeline, intent.suffix),
            suffix=intent.suffix,
            position=replace(position, topic_ids=ids, ends=self._data_ends()),
            basis=None,
        )

    def _begin(self, system: System) -> Opening:
        intent = Intent(suffix=slot.new_suffix(), epoch=FIRST_EPOCH)
        self._store(intent)
        name = slot.name_of(self._settings.pipeline, intent.suffix)
        storage = catalog.storage_of(self._monitor, list(self._ground.tables.values()))
        failpoint.reach("slot.before_create")
        dsn = self._settings.source_dsn
        point = ExportedPoint(dsn, self._monitor, name, temporary=False)
        failpoint.reach("slot.after_create_before_persist")
        position = Position(
            epoch=intent.epoch,
            lsn=point.created.consistent_point,
            consistent_point=point.created.consistent_point,
            system_identifier=system.identifier,
            timeline=system.timeline,
            topic_ids=self._ground.topic_ids,
            ends=self._data_ends(),
        )
        self._store(position)
        basis = Basis(point=point, storage=storage)
        return Opening(slot=name, suffix=intent.suffix, position=position, basis=basis)

    def _data_ends(self) -> dict[str, dict[int, int]]:
        return {topic: self._ground.ends[topic] for topic in self._ground.topic_ids}

    def _store(self, record: Record) -> None:
        """Write a record and wait until Kafka has stored it."""
        stored = threading.Event()
        self._positions.send(record, stored.set)
        if not stored.wait(STORED_WAIT_S):
            self._writer.check()
            raise BrokerLostError("Kafka does not store the start of the capture")
