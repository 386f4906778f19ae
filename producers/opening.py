"""How a capture begins: the start rules asked, and the slot created where they say so."""

import threading
import time
from dataclasses import dataclass, replace

from producers import catalog, publication, slot, start
from producers.backfill import Basis
from producers.ground import Ground
from producers.point import ExportedPoint, Waiting
from producers.positions import PositionWriter
from producers.settings import CaptureSettings
from producers.slot import Slot, System
from producers.source import Connection, connect_replication
from producers.start import Found, Resume
from producers.stream import Stream
from producers.topic_writer import TopicWriter
from schemas import failpoint, names
from schemas.errors import BrokerLostError, ConflictError
from schemas.positions import Intent, Position, Record

STORED_WAIT_S = 30.0
_STORED_CHECK_S = 0.2
# A living process is found out within seconds; a dead one is held to be alive for wal_sender_timeout, 60 s by default.
SLOT_WAIT_S = 90.0
_SLOT_RETRY_S = 0.2
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
        ground: Ground,
        stop: threading.Event,
    ) -> None:
        """Work with these; give up waiting once `stop` is set."""
        self._settings = settings
        self._monitor = monitor
        self._writer = writer
        self._positions = PositionWriter(writer, settings.positions_topic)
        self._ground = ground
        self._stop = stop
        self._publication = names.publication(settings.pipeline)

    def open(self) -> Opening:
        """Resume, or begin afresh.

        Raises:
            StartRefusedError: Positions and slot do not fit together.
            SlotLostError: The slot no longer holds what was not captured.
            ConflictError: Open transactions keep a slot from being created.
        """
        known = self._ground.known
        tables = self._ground.tables.values()
        slots = self._ground.slots
        with connect_replication(self._settings.source_dsn, "identify") as walsender:
            system = slot.identify(walsender)
        found = Found(intent=known.intent, position=known.position, slots=slots, system=system)
        decision = start.decide(found)
        if isinstance(decision, Resume):
            copies = self._settings.snapshot
            begun = [t for t in tables if known.has_begun(t.label) or not copies]
            publication.check(self._monitor, self._publication, begun)
        publication.ensure(self._monitor, self._publication, tables)
        if isinstance(decision, Resume):
            return self._resume(decision)
        if decision.unused is not None:
            slot.drop(self._monitor, decision.unused)
        return self._begin(system)

    def stream(self, opening: Opening) -> Stream:
        """Stream the slot, once a dead process that the server still believes in has let go.

        Raises:
            ConflictError: Another process streams it, and is alive or does not go away.
        """
        deadline = time.monotonic() + SLOT_WAIT_S
        first: Slot | None = None
        while True:
            try:
                return Stream.start(self._settings.source_dsn, opening.slot, self._publication)
            except ConflictError as error:
                held = slot.slots_of(self._monitor, self._settings.pipeline).get(opening.suffix)
                if held is None:
                    raise
                first = first if first and first.active_pid == held.active_pid else held
                is_over = time.monotonic() > deadline or held.has_answered_since(first)
                if is_over or self._stop.wait(_SLOT_RETRY_S):
                    raise held.in_use from error

    def _resume(self, resume: Resume) -> Opening:
        ids = self._ground.topic_ids
        return Opening(
            slot=slot.name_of(self._settings.pipeline, resume.suffix),
            suffix=resume.suffix,
            position=replace(resume.position, topic_ids=ids, ends=self._data_ends()),
            basis=None,
        )

    def _begin(self, system: System) -> Opening:
        intent = Intent(suffix=slot.new_suffix(), epoch=FIRST_EPOCH)
        self._store(intent)
        name = slot.name_of(self._settings.pipeline, intent.suffix)
        storage = catalog.storage_of(self._monitor, list(self._ground.tables.values()))
        failpoint.reach("slot.before_create")
        dsn = self._settings.source_dsn
        waiting = Waiting(monitor=self._monitor, stop=self._stop)
        point = ExportedPoint(dsn, name, waiting, temporary=False)
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
        if not self._settings.snapshot:
            point.close()  # An exported snapshot holds back vacuum.
            return Opening(slot=name, suffix=intent.suffix, position=position, basis=None)
        basis = Basis(point=point, storage=storage)
        return Opening(slot=name, suffix=intent.suffix, position=position, basis=basis)

    def _data_ends(self) -> dict[str, dict[int, int]]:
        return {topic: self._ground.ends[topic] for topic in self._ground.topic_ids}

    def _store(self, record: Record) -> None:
        """Write a record and wait until Kafka has stored it."""
        stored = threading.Event()
        self._positions.send(record, stored.set)
        deadline = time.monotonic() + STORED_WAIT_S
        while not stored.wait(_STORED_CHECK_S):
            self._writer.check()
            if self._stop.is_set() or time.monotonic() > deadline:
                raise BrokerLostError("Kafka did not store the start of the capture")
