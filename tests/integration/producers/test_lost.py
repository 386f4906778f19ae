"""A slot whose WAL the server has thrown away (hard case 51, fault F11)."""

from collections.abc import Iterator

import psycopg
import pytest

from producers import slot
from schemas.errors import SlotLostError
from schemas.positions import Position
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source
from tests.own_server import own_server

pytestmark = pytest.mark.integration


@pytest.fixture
def source_database() -> Iterator[str]:
    """The DSN of the legacy database on a server of our own, which keeps next to no WAL for slots."""
    with own_server() as server, psycopg.connect(server, autocommit=True) as source:
        source.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        source.execute("SELECT pg_reload_conf()")
        yield server


def test_case_051_a_lost_slot_is_named_and_nothing_is_acknowledged_past_it(
    source: Source, pipeline: Pipeline
) -> None:
    source.execute("CREATE TABLE public.t (id int PRIMARY KEY)")
    pipeline = pipeline.with_tables("public.t")
    with pipeline.running() as capture:
        pipeline.snapshot_done(capture)
    before = pipeline.records(Position)

    def lost() -> bool:
        source.execute("SELECT pg_logical_emit_message(false, 'noise', repeat('x', 100000))")
        source.execute("SELECT pg_switch_wal()")
        source.execute("CHECKPOINT")
        (found,) = slot.slots_of(source, pipeline.settings.pipeline).values()
        return found.wal_status == "lost"

    history.wait_for("the slot to be lost", lost)
    with pytest.raises(SlotLostError, match="WAL"), pipeline.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")
    assert pipeline.records(Position) == before
