"""What was read is handed out once, in order, in batches that follow one another."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.buffer import Buffer, Load, Run


def run(partition: int, first: int, values: list[bytes | None]) -> Run:
    return Run(
        partition=partition,
        offsets=list(range(first, first + len(values))),
        values=values,
        size=sum(len(value) for value in values if value),
    )


def taken(load: Load) -> list[tuple[int, int, bytes | None]]:
    return [
        (r.partition, offset, value)
        for r in load.runs
        for offset, value in zip(r.offsets, r.values, strict=True)
    ]


values = st.lists(st.none() | st.binary(max_size=20), min_size=1, max_size=9)


@given(
    st.lists(st.tuples(st.integers(0, 2), values), max_size=20),
    st.integers(1, 12),
    st.integers(1, 60),
)
def test_every_record_is_taken_once_in_the_order_of_its_partition(
    arrivals: list[tuple[int, list[bytes | None]]], records_max: int, bytes_max: int
) -> None:
    buffer, ends, expected = Buffer("t"), {0: 5, 1: 0, 2: 7}, set()
    for partition, offset in ends.items():
        buffer.begin(partition, offset)
    for partition, found in arrivals:
        assert buffer.add(run(partition, ends[partition], found)) is None
        expected |= {(partition, ends[partition] + n, value) for n, value in enumerate(found)}
        ends[partition] += len(found)
    checkpoints = {0: 5, 1: 0, 2: 7}
    seen: list[tuple[int, int, bytes | None]] = []
    while (load := buffer.take(records_max, bytes_max)) is not None:
        assert load.records == len(taken(load)) <= records_max
        for stretch in load.stretches:
            assert stretch.first == checkpoints[stretch.partition]
            checkpoints[stretch.partition] = stretch.next
        seen += taken(load)
    assert set(seen) == expected
    assert len(seen) == len(expected)
    assert checkpoints == ends
    for partition in ends:
        offsets = [offset for p, offset, _ in seen if p == partition]
        assert offsets == sorted(offsets)
    assert (buffer.records, buffer.size) == (0, 0)


def test_records_that_are_known_already_are_left_out() -> None:
    buffer = Buffer("t")
    buffer.begin(0, 3)
    assert buffer.add(run(0, 0, [b"a", b"b", b"c"])) is None
    assert buffer.add(run(0, 2, [b"c", b"d"])) is None
    load = buffer.take(10, 100)
    assert load is not None
    assert taken(load) == [(0, 3, b"d")]


def test_a_gap_is_told_and_nothing_is_taken_in() -> None:
    buffer = Buffer("t")
    buffer.begin(0, 3)
    assert buffer.add(run(0, 4, [b"e"])) == 3
    assert buffer.take(10, 100) is None


def test_records_of_a_partition_that_is_not_ours_are_dropped() -> None:
    buffer = Buffer("t")
    assert buffer.add(run(0, 0, [b"a"])) is None
    assert buffer.take(10, 100) is None


def test_a_partition_that_goes_takes_its_records_along() -> None:
    buffer = Buffer("t")
    for partition in (0, 1):
        buffer.begin(partition, 0)
        buffer.add(run(partition, 0, [b"aa"]))
    buffer.drop(0)
    assert (buffer.records, buffer.size, buffer.partitions) == (1, 2, (1,))
    load = buffer.take(10, 100)
    assert load is not None
    assert taken(load) == [(1, 0, b"aa")]


def test_large_records_are_cut_into_batches_by_their_bytes() -> None:
    buffer = Buffer("t")
    buffer.begin(0, 0)
    buffer.add(run(0, 0, [b"x" * 100] * 100))
    sizes = []
    while (load := buffer.take(1_000, 1_000)) is not None:
        sizes.append(load.records)
    assert sizes == [10] * 10
