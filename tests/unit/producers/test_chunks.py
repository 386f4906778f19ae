"""What is stored is not read again, and what is not stored is read."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.chunks import remaining
from schemas.positions import Chunk

KEYS = range(-1, 13)


def chunk(number: int, lower: str | None, upper: str | None) -> Chunk:
    return Chunk(table="t", number=number, lower=lower, upper=upper, rows=0, lsn=1)


def covers(lower: str | None, upper: str | None, key: int) -> bool:
    return (lower is None or int(lower) <= key) and (upper is None or key < int(upper))


def test_nothing_is_stored() -> None:
    (only,) = remaining({})
    assert (only.number, only.lower, only.upper, only.whole) == (0, None, None, False)


def test_nothing_remains_once_the_last_chunk_is_stored() -> None:
    assert remaining({0: chunk(0, None, "5"), 1: chunk(1, "5", None)}) == []


def test_a_gap_is_read_as_one_chunk_with_a_number_of_its_own() -> None:
    gap, rest = remaining({0: chunk(0, None, "5"), 3: chunk(3, "9", "12")})
    assert (gap.number, gap.lower, gap.upper, gap.whole) == (1, "5", "9", True)
    assert (rest.number, rest.lower, rest.upper, rest.whole) == (4, "12", None, False)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 11), unique=True).map(sorted), st.randoms(use_true_random=False))
def test_every_key_is_stored_or_remains_however_often_it_is_interrupted(
    bounds: list[int], rng: random.Random
) -> None:
    texts = [str(bound) for bound in bounds]
    ranges = list(zip([None, *texts], [*texts, None], strict=True))
    done = {n: chunk(n, *r) for n, r in enumerate(ranges) if rng.random() < 0.5}
    for _ in range(len(ranges) + 1):
        left = remaining(done)
        for key in KEYS:
            known = [covers(c.lower, c.upper, key) for c in done.values()]
            asked = [covers(item.lower, item.upper, key) for item in left]
            assert any(known) or any(asked)
        if not left:
            return
        item = rng.choice(left)
        assert item.number not in done
        done[item.number] = chunk(item.number, item.lower, item.upper)
    raise AssertionError("it never comes to an end")
