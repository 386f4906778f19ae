"""A migration of sixty entities that nobody runs: what the page shows of it is known beforehand."""

import math
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.cutover.journal import Cutover, Step
from ops.cutover.report import Report
from ops.cutover.states import State
from ops.proof.verified import Stored
from ops.serve.beside import Beside, Verified, Waiting
from ops.serve.details import Details, Query, without_keys
from ops.serve.history import POINT_S, POINTS_MAX
from ops.serve.overview import Overview, Sizes
from ops.watch.movement import Movement, Pace
from ops.watch.source import SourceStatus
from ops.watch.status import EntityStatus, Status
from producers.slot import Slot

ENTITIES = 60
AT = datetime(2026, 5, 1, 18, 0, tzinfo=UTC)
HOSTILE = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
)
NAMES = (
    "patients", "orders", "order_items", "doctors", "invoices", "payments", "appointments", "products", "treatments",
    "messages", "documents", "measurements",
)  # fmt: skip
GB = 1024**3
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
VERIFIED = Verified(
    entity="orders",
    compared=8911,
    differing=0,
    found={"dead letter": 8},
    differences=[],
    scope="all",
    lsn=0x1530000,
    at=AT,
    seconds=12.0,
    who="ada",
)
DIFFERING = replace(VERIFIED, entity="invoices_2022", differing=3, found={"written by others": 3})
REPORT = Report(
    pipeline="clinic",
    folder=Path("migrations/clinic"),
    cutover=Cutover(
        id=1,
        state=State.PREPARED,
        who="ada@desk",
        began_at=AT,
        ended_at=None,
        accepted={"dead-letters:orders": 8},
        because=HOSTILE,
    ),
    steps=(Step(step="gates", at=AT, seconds=1.25, who="ada", evidence={"gates": [HOSTILE]}),),
)


@dataclass(slots=True)
class HandMade:
    """Looks at nothing: the same figures each time, a moment later.

    Attributes:
        looks: How often it was asked.
        trouble: Whether some of it does not run.
        why: What is said of the entity that has stopped.
    """

    trouble: bool = True
    why: str = "column tooth of relation treatments does not exist"
    looks: int = 0
    at_s: float = field(default_factory=lambda: time.time() - POINTS_MAX * POINT_S)

    def look(self) -> Overview:
        """One moment of it."""
        self.looks += 1
        self.at_s += POINT_S
        entities = tuple(map(self.entity, range(ENTITIES)))
        return Overview(
            at_ms=round(self.at_s * 1000),
            status=self.status(entities),
            beside=self.beside(),
            sizes={one.name: Sizes(source=one.captured) for one in entities},
            rows={one.name: one.captured for one in entities},
        )

    def rest(self) -> None:
        """Nothing is open."""

    def status(self, entities: tuple[EntityStatus, ...]) -> Status:
        retained = GB // 4 + (20 + round(20 * math.sin(self.looks / 40))) * GB // 200
        slot = Slot(
            name="understudy_clinic_1",
            active_pid=7,
            confirmed_lsn=0x1540000,
            wal_status="reserved",
            retained_bytes=retained,
            safe_wal_bytes=8 * GB - retained,
        )
        return Status(
            pipeline="clinic",
            folder=Path("migrations/clinic"),
            source=SourceStatus(now_ms=round(self.at_s * 1000), wal_lsn=0x1550000, slot=slot),
            captured_lsn=0x1540000,
            workers=2,
            entities=tuple(sorted(entities, key=lambda one: one.name)),
            problems=(),
            capture_lag_ms=120,
            stored=sum(one.applied + (one.lag_records or 0) for one in entities),
            apply_pace=Pace(movement=Movement.OK, per_s=103.0, eta_s=9.7),
        )

    def entity(self, number: int) -> EntityStatus:
        kind, series = NAMES[number % len(NAMES)], number // len(NAMES)
        name = f"{kind}_{2020 + series}" if series else kind
        size = 1000 + 7919 * number
        late = self.late_ms(number)
        one = EntityStatus(
            name=name,
            target=f"clinic.{name}",
            state="tail",
            stopped_reason=None,
            rows=size,
            parked={},
            dead_letters={},
            captured=size,
            is_captured=True,
            applied=size + self.looks * (3 + number % 9),
            lag_records=round(late / 20),
            remaining_records=round(late / 20),
            pace=Pace(movement=Movement.OK, per_s=(3 + number % 9) / POINT_S, eta_s=late / 1000),
            watermark="0/1540000",
            lag_ms=late,
            unowned=(),
            verified=stored(name),
        )
        return troubled(one, number, self.why) if self.trouble else one

    def late_ms(self, number: int) -> int:
        """A lag that wanders, with a wave that every entity meets at its own time; one is worst."""
        hour = self.looks / 450
        wave = math.exp(-(((hour * 9 - number % 7) / 1.5) ** 2))
        wander = 1 + math.sin(self.looks / 23 + number) * math.sin(self.looks / 57 + number * 3)
        return round(180 + 150 * wander + 700 * wave * (3 if number == 1 else 0.5 + number % 3 / 2))

    def beside(self) -> Beside:
        waits = Waiting(entity="order_items", reason="parent", waits_for="orders", rows=41)
        return Beside(
            waiting=(waits,) if self.trouble else (),
            verified={"orders": VERIFIED},
        )


def troubled(one: EntityStatus, number: int, why: str) -> EntityStatus:
    """One with dead letters, one whose rows wait, one that has stopped; all others are well."""
    if number == 1:
        return replace(one, dead_letters={"23514 orders_total_check": 6, "22P02 status": 2})
    if number == 2:
        return replace(one, parked={"parent": 41})
    if number == 8:
        reason = f"The target database refused or failed: {why} sqlstate=42703"
        return replace(one, state="stopped", stopped_reason=reason)
    return one


def stored(name: str) -> Stored:
    return Stored(
        entity=name,
        lsn=0x1530000,
        at=AT,
        differing=0,
        is_clean=True,
        truncated=False,
        by_other_rules=False,
        records=40,
        rows=1000,
        offsets={},
    )


class Told(Details):
    """Answers of a migration that nobody runs."""

    def verification(self, _query: Query) -> dict[str, Any]:
        return {"entities": [without_keys(VERIFIED), without_keys(DIFFERING)]}

    def evidence(self, _query: Query) -> dict[str, Any]:
        return REPORT.as_json()

    def entity(self, query: Query) -> dict[str, Any]:
        return {
            "name": query["entity"], "source": "public.orders", "target": "clinic.orders", "topic": "orders",
            "file": "entities/orders.toml", "level": 0, "parents": ["patients"], "children": ["order_items"],
            "waiting": [], "verified": without_keys(VERIFIED), "commands": [],
        }  # fmt: skip

    def waiting(self, query: Query) -> dict[str, Any]:
        letter = {
            "entity": query["entity"],
            "legacy_key": "4711",
            "error": HOSTILE,
            "attempts": 1,
            "first_at": str(AT),
        }
        return {"found": 1, "rows": [letter]}

    def differences(self, _query: Query) -> dict[str, Any]:
        return {"found": 0, "rows": []}

    def letter(self, query: Query) -> dict[str, Any]:
        return {
            "entity": query["entity"],
            "legacy_key": query["key"],
            "error": HOSTILE,
            "image": {"name": HOSTILE},
        }


def write_folder(folder: Path) -> Path:
    """A migration folder of two of the entities; nobody is at its servers."""
    (folder / "entities").mkdir(exist_ok=True)
    (folder / "entities" / "orders.toml").write_text(
        'source = "public.orders"\ntarget = "clinic.orders"\n[columns]\nid = { uuid = true }\n'
    )
    (folder / "understudy.toml").write_text(
        'pipeline = "clinic"\nnamespace = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"\n'
        f'[source]\ndsn = "{NOWHERE}"\n[target]\ndsn = "{NOWHERE}"\n'
        '[kafka]\nbootstrap = "127.0.0.1:1"\n[registry]\nurl = "http://127.0.0.1:1"\n'
    )
    return folder
