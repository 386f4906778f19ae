from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvariantError
from schemas.event_id import ZERO, EventId, lsn_text, lsn_value


@given(st.integers(0, (1 << 64) - 1))
def test_an_lsn_reads_back_from_its_text(lsn: int) -> None:
    assert lsn_value(lsn_text(lsn)) == lsn


def test_an_lsn_is_written_as_postgresql_writes_it() -> None:
    assert lsn_text(0x16_B374D848) == "16/B374D848"
    assert lsn_text(0x1540000) == "0/1540000"


@pytest.mark.parametrize("text", ["", "0", "0/", "/0", "x/y", "0/0/0"])
def test_what_is_no_lsn_is_refused(text: str) -> None:
    with pytest.raises(InvariantError, match="not an LSN"):
        lsn_value(text)


def test_epoch_counts_before_lsn_and_lsn_before_ordinal() -> None:
    ordered = [ZERO, EventId(0, 1, 9), EventId(0, 2, 0), EventId(0, 2, 1), EventId(1, 0, 0)]
    assert all(earlier < later for earlier, later in pairwise(ordered))
