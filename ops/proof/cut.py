"""The offset in each partition before which all records are older than a point of the source."""

from collections.abc import Mapping

from confluent_kafka import Consumer

from ops.proof import records
from ops.proof.hold import Place
from ops.proof.records import Reader
from schemas.avro_read import schema_id


def cut(
    consumer: Consumer, stretches: Mapping[Place, tuple[int, int]], lsn: int, reader: Reader
) -> dict[Place, int]:
    """Find where each partition is to be cut.

    Args:
        consumer: In no group.
        stretches: First offset to look at, and the one to end at, by partition.
        lsn: Records of commits at or behind it are cut off.
        reader: Gives the reader of a schema id.

    Returns:
        The offset of the first record that is cut off, by partition; where there is none, the end.

    Raises:
        NotReadyError: Kafka did not send them in time.
    """
    found = {place: end for place, (_, end) in stretches.items()}
    for message in records.read(consumer, stretches):
        place, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
        value = message.value()
        if value is None or offset >= found[place]:
            continue
        if reader(schema_id(value)).read([value])["__lsn"][0] >= lsn:
            found[place] = offset
    return found
