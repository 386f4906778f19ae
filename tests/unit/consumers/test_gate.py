"""Which entities wait for which while the snapshot is applied."""

from pathlib import Path

import pytest

from consumers import gate
from consumers.gate import State
from schemas import migration
from schemas.event_id import ZERO
from schemas.migration import Migration


def load(folder: Path, entities: dict[str, tuple[str, list[str]]]) -> Migration:
    """Entities by name: their legacy table, and what they refer to (`-x`: with missing = keep)."""
    (folder / "entities").mkdir()
    namespace = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
    (folder / "understudy.toml").write_text(f'pipeline = "p"\nnamespace = "{namespace}"\n')
    for name, (table, refs) in entities.items():
        lines = [f'source = "public.{table}"', f'target = "new.{name}"', "[columns]"]
        lines.append("id = { uuid = true }")
        for ref in refs:
            keep = ', missing = "keep"' if ref.startswith("-") else ""
            parent = ref.removeprefix("-")
            lines.append(f'{parent}_id = {{ ref = "{parent}", from = "{parent}"{keep} }}')
        (folder / "entities" / f"{name}.toml").write_text("\n".join(lines))
    return migration.load(folder, {})


def waits(folder: Path, entities: dict[str, tuple[str, list[str]]]) -> dict[str, set[str]]:
    found = gate.waits(load(folder, entities))
    return {topic.rpartition(".")[2]: set(names) for topic, names in found.items()}


def test_a_child_waits_for_its_parents_and_they_for_theirs(tmp_path: Path) -> None:
    entities = {"a": ("a", []), "b": ("b", ["a"]), "c": ("c", ["b", "a"])}
    assert waits(tmp_path, entities) == {"a": set(), "b": {"a"}, "c": {"a", "b"}}


def test_a_reference_that_is_kept_waits_for_nobody(tmp_path: Path) -> None:
    assert waits(tmp_path, {"a": ("a", []), "b": ("b", ["-a"])}) == {"a": set(), "b": set()}


def test_a_row_may_refer_to_its_own_table(tmp_path: Path) -> None:
    assert waits(tmp_path, {"a": ("a", ["a"])}) == {"a": set()}


def test_a_ring_goes_together_and_waits_for_what_lies_outside(tmp_path: Path) -> None:
    entities = {"a": ("a", []), "x": ("x", ["y", "a"]), "y": ("y", ["x"]), "z": ("z", ["y"])}
    assert waits(tmp_path, entities) == {"a": set(), "x": {"a"}, "y": {"a"}, "z": {"y"}}


def test_entities_that_share_a_topic_go_together(tmp_path: Path) -> None:
    entities = {"a": ("t", []), "b": ("u", ["a"]), "c": ("t", ["b"]), "d": ("v", [])}
    assert waits(tmp_path, entities) == {"t": set(), "u": set(), "v": set()}


def state(phase: str = "tail", *, held: bool = False, stopped: bool = False) -> State:
    return State(phase=phase, held=held, stopped=stopped, truncated=ZERO)


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        (state("backfill"), state("backfill"), False),
        (state("backfill"), state("tail"), True),
        (state("backfill"), state("switched"), True),
        (state("tail"), state("backfill"), True),
        (state("switched"), state("tail"), False),
        (state(held=True), state(), False),
        (state(stopped=True), state(), False),
        (state(), state(stopped=True), True),
    ],
)
def test_an_entity_is_open_or_not(child: State, parent: State, *, expected: bool) -> None:
    known = {"child": child, "parent": parent}
    assert gate.is_open(["child"], frozenset({"parent"}), known) is expected


def test_what_is_not_registered_is_closed() -> None:
    assert not gate.is_open(["child"], frozenset(), {})
    assert not gate.is_open(["child"], frozenset({"parent"}), {"child": state("backfill")})
