"""The life of a row as lines for a terminal. Pure."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from ops.proof.events import Event
from ops.proof.trace import Life

WIDTH_MAX = 100
_OPS = {"r": "snapshot", "c": "insert", "u": "update", "d": "delete", "t": "tombstone"}


def lines(life: Life, folder: Path) -> Iterator[str]:
    """Where it stands, then why, then how it came about, and what to do next where something waits."""
    yield f"{life.source} {life.legacy_key} -> {life.target} (entity {life.entity}): {life.state}"
    yield from _row("legacy row now", life.legacy_row)
    yield from _row("target row now", life.target_row)
    if life.mapping is not None:
        original = life.mapping["original"]
        yield from _row("mapping", {k: v for k, v in life.mapping.items() if k != "original"})
        yield from _row("original row", original)
    if life.waiting is not None:
        image = life.waiting["image"]
        yield from _row(life.state, {k: v for k, v in life.waiting.items() if k != "image"})
        yield from _row("its image", image)
    if life.parent is not None:
        yield f"  waits for the row {life.parent['source']} {life.parent['legacy_key']}"
    for done in life.done:
        yield f"  {done['action']} by {done['who']} at {done['at']}" + (
            f": {done['why']}" if done["why"] else ""
        )
    yield f"  events in Kafka: {len(life.events)}"
    for event in life.events:
        yield _event(event)
    step = _next_step(life, quote(str(folder)))
    if step:
        yield f"  next: {step}"


def _next_step(life: Life, folder: str) -> str | None:
    if life.parent is not None:
        key = quote(life.parent["legacy_key"])
        # A key may begin with a minus.
        return f"understudy trace source --folder {folder} -- {life.parent['source']} {key}"
    if life.waiting and life.waiting["reason"] == "unique" and life.waiting["waits_id"]:
        return f"understudy trace target {life.target} {life.waiting['waits_id']} --folder {folder}"
    if life.state == "dead letter":
        only = quote(f"key={life.legacy_key}")
        retry = f"understudy dead-letters retry {folder} --entity {life.entity} --only {only}"
        return f"correct the row at the source; or the rule, then {retry}"
    return f"understudy status {folder}" if life.state == "never applied" else None


def _row(title: str, row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is None:
        yield f"  {title}: none"
        return
    yield f"  {title}:"
    width = max(map(len, row), default=0)
    for name, value in row.items():
        if value is not None:
            yield f"    {name:<{width}}  {_value(value)}"


def _value(value: object) -> str:
    """On one line; of what is long the beginning."""
    text = json.dumps(value, default=str, ensure_ascii=False) if _is_json(value) else str(value)
    line = text.replace("\n", "\\n")
    if len(line) <= WIDTH_MAX:
        return line
    return f"{line[:WIDTH_MAX]}... ({len(text):,} characters; --output json has them)"


def _is_json(value: object) -> bool:
    return isinstance(value, bool | dict | list)


def _event(event: Event) -> str:
    place = f"    {event.topic}/{event.partition} offset {event.offset}"
    if event.lsn is None:
        return f"{place}  {_OPS[event.op]}"
    parts = [f"{place}  {event.at}  {_OPS[event.op]} at {event.lsn}/{event.ordinal}"]
    if event.moved_to:
        parts.append(f"moved to {', '.join(event.moved_to)}")
    if event.unavailable:
        parts.append(f"not sent: {', '.join(event.unavailable)}")
    return "  ".join(parts)
