"""F1, F2, F3: capture and worker are killed at every named place and at random moments, in snapshot and in tail.

Afterwards both sides are equal, the mapping is bijective, and what the target saw meanwhile never went back.
"""

import os
import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import ledger
from tests.checker.topics import Endpoints, check_topics, read_topic
from tests.fix_pipeline import Part, Pipeline, one, writing

FULL = "UNDERSTUDY_TEST_FULL" in os.environ
Places = tuple[str, ...]

# Where the capture is killed, one place after the other, and where the worker; @n: at the n-th time that it comes by.
SNAPSHOT: tuple[tuple[Places, Places], ...] = (
    (("snap.chunk_acked_not_recorded@3", "snap.done_not_marked@2"), ("cons.before_commit@3",)),
    (("slot.before_create",), ("cons.polled",)),
    (("slot.after_create_before_persist",), ("cons.polled@4",)),
    (("schema.before_register@5",), ("map.before_insert",)),
    (("schema.registered_not_sent@8",), ("map.before_insert@3",)),
    (("snap.before_import",), ("cons.applied_not_offset",)),
    (("snap.chunk_read@2",), ("cons.applied_not_offset@3",)),
    (("snap.chunk_produced_not_flushed@5",), ("cons.commit_unknown@2",)),
    (("snap.done_not_marked",), ("cons.after_commit@3",)),
)
TAIL: tuple[tuple[Places, Places], ...] = (
    (("tail.mid_tx", "tail.acked_not_fed_back"), ("cons.commit_unknown@2",)),
    (("tail.begin@3",), ("cons.polled@3",)),
    (("tail.mid_tx@3",), ("map.before_insert@2",)),
    (("tail.produced_not_acked@2",), ("cons.applied_not_offset@2",)),
    (("tail.acked_not_fed_back@2",), ("cons.before_commit@2",)),
    (("tail.feedback_sent",), ("cons.after_commit",)),
    (("schema.registered_not_sent",), ("cons.after_commit@5",)),
)
# With --full, twice as many.
RANDOM_KILLS = 20
RANDOM_S = (0.3, 9.0)


def in_suite(cases: Iterable[tuple[Places, Places]]) -> list[object]:
    """The first in the default suite, all of them with --full."""
    skip = pytest.mark.skipif(not FULL, reason="runs with --full")
    return [
        pytest.param(*case, id="+".join(case[0] + case[1]), marks=[skip] if number else [])
        for number, case in enumerate(cases)
    ]


def kill_at(
    clinic: Pipeline, word: str, places: Places, look: Callable[[], None] = lambda: None
) -> None:
    """Start a part again and again to be killed at these places, and then for good."""
    for place in places:
        name, _, count = place.partition("@")
        clinic.await_kill(clinic.start(word, failpoint_=f"{name}:kill@{count or 1}"))
        look()
    clinic.start(word)


def kill_both_at(
    clinic: Pipeline, capture: Places, worker: Places, look: Callable[[], None] = lambda: None
) -> None:
    with ThreadPoolExecutor() as pool:
        killed = [
            pool.submit(kill_at, clinic, "produce", capture, look),
            pool.submit(kill_at, clinic, "consume", worker),
        ]
    for done in killed:
        done.result()


def require_stored(clinic: Pipeline, entries: dict[int, int]) -> None:
    """I6: of what the slot was told to forget, Kafka has everything. Only exact while the capture is dead.

    Args:
        clinic: The pipeline.
        entries: Rows of the ledger since the slot exists, with an LSN behind their commit.
    """
    slot = (
        "SELECT {} FROM pg_replication_slots WHERE database = current_database() AND NOT temporary"
    )
    source = clinic.at.source_dsn
    clinic.wait_for("the slot", lambda: not one(source, slot.format("active")))
    confirmed = one(source, slot.format("confirmed_flush_lsn - '0/0'::pg_lsn"))
    servers = Endpoints(bootstrap=clinic.at.bootstrap, registry=clinic.at.registry_url)
    stored = read_topic(servers, f"{clinic.name}.public.{ledger.NAME}", ledger.KEY)
    forgotten = {
        number for number, lsn in entries.items() if isinstance(confirmed, int) and lsn <= confirmed
    }
    assert not {number for number in forgotten if (str(number),) not in stored}


@pytest.mark.parametrize(("capture", "worker"), in_suite(SNAPSHOT))
def test_case_042_kills_in_the_snapshot_lose_nothing(
    clinic: Pipeline, capture: Places, worker: Places
) -> None:
    with writing(clinic.at, seed=1):
        kill_both_at(clinic, capture, worker)
        clinic.wait_for("the tail", clinic.in_tail)
    clinic.drain()
    assert clinic.problems() == []


@pytest.mark.parametrize(("capture", "worker"), in_suite(TAIL))
def test_case_023_kills_in_the_tail_lose_nothing(
    clinic: Pipeline, capture: Places, worker: Places
) -> None:
    with writing(clinic.at, seed=2) as bookkeeper:
        parts = clinic.start("produce"), clinic.start("consume")
        clinic.wait_for("the tail", clinic.in_tail)
        before = set(bookkeeper.entries)
        for part in parts:
            clinic.kill(part)

        def look() -> None:
            entries = dict(bookkeeper.entries)
            require_stored(clinic, {n: lsn for n, lsn in entries.items() if n not in before})

        kill_both_at(clinic, capture, worker, look)
    clinic.drain()
    assert clinic.problems() == []
    servers = Endpoints(bootstrap=clinic.at.bootstrap, registry=clinic.at.registry_url)
    assert check_topics(clinic.at.source_dsn, servers, clinic.name) == []


@pytest.mark.skipif(not FULL, reason="runs with --full")
@pytest.mark.parametrize("seed", [1, 2])
def test_f2_twenty_kills_at_random_moments_lose_nothing(clinic: Pipeline, seed: int) -> None:
    dice, never = random.Random(seed), threading.Event()  # noqa: S311 - not cryptography.
    with writing(clinic.at, seed=seed):
        running: dict[str, Part] = {word: clinic.start(word) for word in ("produce", "consume")}
        for _ in range(RANDOM_KILLS):
            never.wait(dice.uniform(*RANDOM_S))
            for word in dice.choice((("produce",), ("consume",), ("produce", "consume"))):
                clinic.kill(running[word])
                running[word] = clinic.start(word)
        clinic.wait_for("the tail", clinic.in_tail)
    clinic.drain()
    assert clinic.problems() == []
