"""The whole walk on the clinic, and the command that leads is killed on the way.

Snapshot and tail under load, verify, cut over, write on the target, roll back, write on the source, rebuild all tables
from the topics and swap them in, cut over again.

What each side has accepted is known by the applications' own count, and the independent checker compares both sides.
The rebuild comes before the second cutover: after it the topics lack what the target accepts. What it accepted before
the rollback is in them, for the way back has written it to the legacy tables, and the capture has read it there.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from examples.clinic.load import FOUNDATION
from examples.clinic.writer import Writer
from ops import wiring
from ops.cutover import reverse
from ops.stack.state import Endpoints
from schemas.errors import SourceError
from tests.acceptance.commands import DEADLINE_S, command
from tests.acceptance.signing import signed_off
from tests.beside import Connection, application, beside
from tests.checker.check import check
from tests.checker.entities.foundation import FOUNDATION as CORE
from tests.checker.expected import Born
from tests.fix_pipeline import NAMESPACE, Part, Pipeline, create_clinic, one, pipeline_of
from tests.here import command_here

FULL = "UNDERSTUDY_TEST_FULL" in os.environ
SEED = 9
TRIES, NOT_READY = 12, 7
SETTLE_S = 10.0
READ_ONLY = "25006"
# In the order in which the commands come by.
BEGINS = (
    "cut.planned", "cut.prepared", "cut.fence_recorded", "cut.fence_closed", "cut.fenced", "cut.applied",
    "cut.before_drained", "cut.drained", "cut.before_switch", "cut.switched",
)  # fmt: skip
ROLLS_BACK = (
    "back.fence_recorded", "back.fenced", "back.drained", "back.ended", "back.before_return", "back.returned",
)  # fmt: skip
REBUILDS = ("rebuild.begun", "cons.after_commit")
SWAPS = ("swap.proved", "swap.before_commit", "swap.swapped")
PLACES = (*BEGINS, *ROLLS_BACK, *REBUILDS, *SWAPS)
KILLED = PLACES if FULL else random.Random(SEED).sample(PLACES, 2)  # noqa: S311 - not cryptography

# A patient of the new applications with an order; another order dearer by a cent.
NEW_ORDER = """
WITH born AS (
    INSERT INTO clinic.patients
        (id, office_id, given_name, family_name, balance, currency, archived, created_at)
    SELECT %(patient)s, id, 'Walk', %(word)s, 0, 'EUR', false, '2026-01-01 12:00+01'
    FROM clinic.offices ORDER BY id LIMIT 1 RETURNING id)
INSERT INTO clinic.orders (id, patient_id, doctor_id, product_id, status, priority, total, created_at)
SELECT %(order)s, born.id, d.id, p.id, 'submitted', 5, %(total)s, '2026-01-01 12:00+01'
FROM born, (SELECT id FROM clinic.doctors ORDER BY id LIMIT 1) d,
    (SELECT id FROM clinic.products ORDER BY id LIMIT 1) p"""
DEARER = """
UPDATE clinic.orders SET total = total + 0.01, notes = notes || '.'
WHERE id = (SELECT id FROM clinic.orders ORDER BY id OFFSET %(number)s %% 50 LIMIT 1)"""
BORN = """
SELECT p.lname, p.id::text, o.id::text FROM patients p JOIN orders o ON o.patient_id = p.id
WHERE p.fname = 'Walk' AND o.created = '2026-01-01 12:00'"""

PATIENTS = "SELECT 'clinic.patients'::regclass::oid"

# What the application made: the name of the patient, and the UUIDs of patient and order.
Made = tuple[str, tuple[str, str]]


@pytest.fixture
def walked(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Iterator[Pipeline]:
    """The clinic's foundation; nothing runs yet."""
    create_clinic(tmp_path / "clinic", endpoints, scale=0.01, domains=(FOUNDATION,))
    for pipeline in pipeline_of(tmp_path / "clinic", prefix, endpoints):
        yield pipeline
        reverse.drop(wiring.read(pipeline.folder), endpoints)


def test_no_write_that_either_side_accepted_is_missing_on_the_other(walked: Pipeline) -> None:
    walked.start("run")
    with writing_on_the_source(walked.at.source_dsn, seed=1) as writer:
        walked.wait_for("the tail", walked.in_tail)
        verified(walked)
        cut_over(walked, [place for place in BEGINS if place in KILLED])
        fenced(writer)
    assert problems(walked) == ""  # At once: the drain is what proves it.
    born = there_and_back(walked)
    assert settled(walked, born) == ""

    with writing_on_the_source(walked.at.source_dsn, seed=2) as writer:
        rebuilt(walked)
        verified(walked)
        cut_over(walked, ())
        fenced(writer)
    assert problems(walked, born) == ""


def there_and_back(pipeline: Pipeline) -> Born:
    """Write on the target, roll back, and see that all of it has come; the UUIDs of those rows.

    By the keys of this moment: a row that the legacy writer gives another key has another UUID from then on.
    """
    made = gone_back(pipeline)
    come = come_back(pipeline)
    assert sorted(made) == sorted(name for name, _, _ in come)
    return {
        "patients": {patient: made[name][0] for name, patient, _ in come},
        "orders": {order: made[name][1] for name, _, order in come},
    }


def gone_back(pipeline: Pipeline) -> dict[str, tuple[str, str]]:
    """Write on the target, then roll back; what the target accepted."""
    back = pipeline.start("reverse")
    with writing_on_the_target(pipeline.at.target_dsn) as accepted:
        pipeline.wait_for("writes on the target", lambda: len(accepted) > 20)
        led(ROLLS_BACK, "rollback", pipeline.folder, "--confirm", pipeline.name)
    ended(pipeline, back)
    return dict(accepted)


def rebuilt(pipeline: Pipeline) -> None:
    """Have new tables, filled from the topics alone, take the places of all that there are."""
    before = one(pipeline.at.target_dsn, PATIENTS)
    led(REBUILDS, "replay", pipeline.folder, "--all", "--into", "blue")
    led(SWAPS, "swap", pipeline.folder)
    assert one(pipeline.at.target_dsn, PATIENTS) != before


def ended(pipeline: Pipeline, back: Part) -> None:
    """The way back ends by itself once the legacy side is written again."""
    assert back.process.wait(DEADLINE_S) == 0, back.last_words()
    pipeline.parts.remove(back)


def come_back(pipeline: Pipeline) -> list[tuple[str, str, str]]:
    """Of each patient that the target made and the source has: the name, and both legacy keys."""
    with psycopg.connect(pipeline.at.source_dsn) as source:
        return source.execute(BORN).fetchall()


def settled(pipeline: Pipeline, born: Born) -> str:
    """What the checker says once the forward side has heard of what came back."""
    pipeline.drain()
    deadline = time.monotonic() + SETTLE_S
    while (found := problems(pipeline, born)) and time.monotonic() < deadline:
        pass
    return found


def problems(pipeline: Pipeline, born: Born | None = None) -> str:
    """What the independent checker says."""
    at = pipeline.at
    report = check(at.source_dsn, at.target_dsn, NAMESPACE, entities=CORE, born=born)
    return "\n".join(map(str, report.problems))


def verified(pipeline: Pipeline) -> None:
    found = command_here("verify", pipeline.folder)
    assert found.returncode == 0, found.stdout + found.stderr


def cut_over(pipeline: Pipeline, killed_at: Sequence[str]) -> None:
    """Cut over, killed at each of some places first."""
    words = ("cutover", "begin", pipeline.folder, "--confirm", pipeline.name, *signed_off(pipeline))
    for place in killed_at:
        found = begun(words, f"{place}:kill")
        assert found.returncode == -signal.SIGKILL, (place, found.stderr)
    found = begun(words, "")
    assert found.returncode == 0, found.stderr


def begun(words: Sequence[object], failpoint: str) -> subprocess.CompletedProcess[str]:
    """Begin; while the writer has the pipeline lag a moment, again."""
    found = None
    for _ in range(TRIES):
        found = command(*words, failpoint_=failpoint)
        if found.returncode != NOT_READY:
            return found
    pytest.fail(f"not met after {TRIES} attempts: {found and found.stderr}")


def led(places: Sequence[str], *words: object) -> None:
    """Give a command, killed first at each of its places that was chosen."""
    for place in (place for place in places if place in KILLED):
        found = command(*words, failpoint_=f"{place}:kill")
        assert found.returncode == -signal.SIGKILL, (place, found.stderr)
    found = command(*words)
    assert found.returncode == 0, found.stderr


@contextmanager
def writing_on_the_source(dsn: str, seed: int) -> Iterator[Future[object]]:
    """The clinic's users; that they are refused is for the caller to see."""
    writer = Writer(dsn, seed=seed, rate=10.0, domains=(FOUNDATION,))
    with beside(writer.run) as (ran,):
        yield ran
    assert writer.counts.total() > 0


def fenced(writer: Future[object]) -> None:
    with pytest.raises(SourceError, match="is closed to writes"):
        writer.result(DEADLINE_S)


@contextmanager
def writing_on_the_target(dsn: str) -> Iterator[list[Made]]:
    """An application of the target, which writes until it may not; what was accepted."""

    def write(connection: Connection, number: int) -> tuple[str, tuple[str, str]]:
        made = (str(uuid4()), str(uuid4()))
        row = {"word": f"{number:04}", "total": number / 100, "number": number}
        connection.execute(NEW_ORDER, {**row, "patient": made[0], "order": made[1]})
        connection.execute(DEARER, row)
        return str(row["word"]), made

    with application(dsn, write) as writes:
        yield writes.accepted
    assert set(writes.refusals) <= {READ_ONLY}
