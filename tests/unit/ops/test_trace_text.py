from pathlib import Path
from typing import Any

import pytest

from ops.proof import trace_text
from ops.proof.trace import Life

FOLDER = Path("my shop")
HOLDER = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
KEY = '["7","L"]'


def waiting(reason: str) -> dict[str, Any]:
    return {"reason": reason, "waits_id": HOLDER, "image": {}}


@pytest.mark.parametrize(
    ("known", "step"),
    [
        (
            {"waiting": waiting("parent"), "parent": {"source": "public.jaws", "legacy_key": KEY}},
            f"understudy trace source --folder 'my shop' -- public.jaws '{KEY}'",
        ),
        (
            {"waiting": waiting("unique")},
            f"understudy trace target shop.orders {HOLDER} --folder 'my shop'",
        ),
        (
            {"waiting": waiting("rule")},
            "understudy dead-letters retry 'my shop' --entity orders --only key=4711",
        ),
        ({}, "understudy status 'my shop'"),
    ],
)
def test_a_life_ends_with_the_command_that_comes_next(known: dict[str, Any], step: str) -> None:
    life = Life(
        entity="orders", source="public.orders", target="shop.orders", legacy_key="4711", **known
    )
    *_, last = trace_text.lines(life, FOLDER)
    assert last.startswith("  next: ")
    assert last.endswith(step)


def test_a_row_that_is_in_the_target_needs_nothing_next() -> None:
    life = Life(
        entity="orders",
        source="public.orders",
        target="shop.orders",
        legacy_key="4711",
        mapping={"state": "l", "original": None},
    )
    assert "next:" not in "\n".join(trace_text.lines(life, FOLDER))
