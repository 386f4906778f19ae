"""How far behind an entity is, in seconds and in records, from markers and checkpoints; pure.

The capture writes a heartbeat into the source's WAL and tells its source time once all before it is in Kafka; a
partition's watermark is the last one that it has reached. So the age of the newest heartbeat in Kafka is the lag of the
capture, what a watermark is older than that is the lag of the apply, and both are true where nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.watch.target import Checkpoint

Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What an entity is compared with.

    Attributes:
        now_ms: The source's clock, milliseconds since 1970.
        marker_ms: Source time of the newest marker in Kafka; None: there is none, or Kafka does not answer.
        ends: The offset after the last record, by topic and partition; None: Kafka does not answer.
    """

    now_ms: int
    marker_ms: int | None
    ends: Mapping[Place, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far behind an entity is.

    Attributes:
        applied: Records behind the checkpoints.
        records: Records of Kafka before them; None where Kafka does not answer.
        by_partition: The same by topic and partition.
        remaining: The same, with the rows of the snapshot that are not in Kafka yet, as far as is known.
        ms: Age of the newest moment of the source that is wholly in the target; None while there is no such moment,
            because the snapshot is not applied.
        apply_ms: How much older its last applied marker is than the newest in Kafka, in the snapshot too.
        still_ms: How long a record has waited for a partition that does not move.
    """

    applied: int
    records: int | None
    by_partition: Mapping[Place, int]
    remaining: int | None
    ms: int | None
    apply_ms: int | None
    still_ms: int


def measure(
    checkpoints: Sequence[Checkpoint], places: Sequence[Place], rows: int | None, moment: Moment
) -> Lag:
    """How far behind an entity is.

    Args:
        checkpoints: Of its partitions, as far as somebody has begun with them.
        places: All partitions of its topic.
        rows: Of its legacy table, about, while its snapshot is not all in Kafka; otherwise None.
        moment: What it is compared with.
    """
    applied = sum(one.next_offset for one in checkpoints)
    ends = {place: moment.ends[place] for place in places} if moment.ends is not None else {}
    stored = None if moment.ends is None else sum(ends.values())
    offsets = {one.place: one.next_offset for one in checkpoints}
    # Who asks Kafka after the target sees at least what was applied; a topic that was made anew holds less.
    by_partition = {place: max(0, end - offsets.get(place, 0)) for place, end in ends.items()}
    records = None if stored is None else max(0, stored - applied)
    known = None if stored is None else max(stored, rows or 0)
    watermark_ms = min((one.watermark_ms for one in checkpoints), default=0)
    return Lag(
        applied=applied,
        records=records,
        by_partition=by_partition,
        remaining=None if known is None else max(0, known - applied),
        ms=max(0, moment.now_ms - watermark_ms) if watermark_ms else None,
        apply_ms=_older(moment, watermark_ms) if watermark_ms else None,
        still_ms=max((_still_ms(one, moment) for one in checkpoints), default=0),
    )


def _older(moment: Moment, watermark_ms: int) -> int | None:
    return None if moment.marker_ms is None else max(0, moment.marker_ms - watermark_ms)


def _still_ms(one: Checkpoint, moment: Moment) -> int:
    """What waits has waited at least as long as the markers behind it, and the partition has not moved for as long."""
    waits = moment.ends is not None and moment.ends.get(one.place, 0) > one.next_offset
    older = _older(moment, one.watermark_ms) if waits and one.watermark_ms else None
    return min(one.moved_ms_ago, older or 0)
