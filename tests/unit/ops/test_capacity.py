"""How large a row becomes, and how that is said."""

import random
from dataclasses import replace

import pytest

from ops.capacity import sizes, text
from ops.capacity.estimate import EntityEstimate, Estimate
from ops.capacity.sizes import RowSizes

ROW = RowSizes(record=80.0, key=6.0, original=300.0, stored=120.0)


def estimate(keep: int | None, rate: float) -> Estimate:
    one = EntityEstimate(
        entity="orders",
        source="public.orders",
        rows=1_000,
        kafka_bytes=80_000,
        target_bytes=200_000,
        mapping_bytes=600_000,
    )
    return Estimate(
        entities=(one,),
        snapshot_hours_min=0.5,
        snapshot_hours_max=3.0,
        wal_bytes_per_hour=rate,
        wal_keep_bytes=keep,
        replicas=3,
    )


def test_a_record_is_packed_as_far_as_its_bytes_allow() -> None:
    alike = [(b"k%d" % n, b"the same words again and again " * 4) for n in range(500)]
    dice = random.Random(1)  # noqa: S311 - not cryptography.
    random_ones = [(b"k%d" % n, dice.randbytes(124)) for n in range(500)]
    assert sizes.record_bytes(alike) < 30
    assert 124 < sizes.record_bytes(random_ones) < 145
    assert sizes.record_bytes([]) == 0


def test_originals_cost_what_they_are_long_and_long_ones_are_packed() -> None:
    without = sizes.mapping_bytes(ROW, "orders", "public.orders", originals=False)
    kept = sizes.mapping_bytes(ROW, "orders", "public.orders", originals=True)
    assert kept - without == pytest.approx(ROW.original / sizes.MAPPING_FILL)
    long = RowSizes(record=0, key=6.0, original=10_000.0, stored=0)
    assert sizes.mapping_bytes(long, "o", "s", originals=True) < 10_000


def test_uuids_and_indexes_make_rows_of_the_target_longer() -> None:
    plain = sizes.target_bytes(ROW, 0, ())
    assert sizes.target_bytes(ROW, 2, ()) == plain + 20
    assert sizes.target_bytes(ROW, 0, (16, 8)) == pytest.approx(plain + (28 + 20) / 0.7)


@pytest.mark.parametrize(
    ("keep", "rate", "expected"),
    [
        (10 << 30, 1e9, "may be away for 10.7 hours"),
        (1 << 30, 1e9, "may be away for 64.4 minutes"),
        (None, 1e9, "until its disk is full"),
    ],
)
def test_it_says_how_long_the_capture_may_be_away(
    keep: int | None, rate: float, expected: str
) -> None:
    lines = "\n".join(text.lines(estimate(keep, rate)))
    assert expected in lines
    assert "30.0 minutes to 3.0 hours" in lines
    assert "80 kB, times 3 copies" in lines
    assert "800 kB" in lines


def test_a_small_database_takes_less_than_a_minute() -> None:
    small = replace(estimate(None, 1e9), snapshot_hours_min=0.0001, snapshot_hours_max=0.001)
    assert "snapshot: less than a minute, on two cores for all" in text.lines(small)


def test_sizes_are_said_in_the_unit_that_is_read_most_easily() -> None:
    assert [text.size(count) for count in (0, 999, 1_500, 2.5e9, 7e18)] == [
        "0 B", "999 B", "1.5 kB", "2.5 GB", "7,000 PB",
    ]  # fmt: skip
