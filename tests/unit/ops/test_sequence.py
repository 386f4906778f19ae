"""The order of a migration: waves, rings, and whose rows an entity writes."""

from pathlib import Path

from ops import sequence
from schemas.migration import load

ENTITY = 'source = "public.{name}"\ntarget = "app.{target}"\n{words}\n[columns]\n{columns}\n'
OWN = "id = { uuid = true }\n"


def test_parents_come_in_waves_before_their_children_and_rings_together(tmp_path: Path) -> None:
    files = {
        "a": (OWN, "a", ""),
        "b": (OWN + 'a = { ref = "a", from = "a" }', "b", ""),
        "c": (OWN + 'b = { ref = "b", from = "b" }\nd = { ref = "d", from = "d" }', "c", ""),
        "d": (OWN + 'c = { ref = "c", from = "c", missing = "null" }', "d", ""),
        "e": (OWN + 'd = { ref = "d", from = "d", missing = "keep" }', "e", 'merge = "union"'),
        "f": (OWN, "e", 'merge = "union"'),
        "g": ('id = { join = "a", from = "a" }\nx = "x"', "a", ""),
    }
    (tmp_path / "entities").mkdir()
    (tmp_path / "understudy.toml").write_text(
        'pipeline = "p"\nnamespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"\n'
    )
    for name, (columns, target, words) in files.items():
        text = ENTITY.format(name=name, target=target, words=words, columns=columns)
        (tmp_path / "entities" / f"{name}.toml").write_text(text)
    steps = sequence.steps(load(tmp_path, {}))
    assert [(step.wave, step.entity, step.rows) for step in steps] == [
        (1, "a", "own"),
        (1, "e", "union"),
        (1, "f", "union"),
        (2, "b", "own"),
        (2, "g", "join a"),
        (3, "c", "own"),
        (3, "d", "own"),
    ]
    ring = {step.entity: (step.waits_for, step.ring) for step in steps if step.ring}
    assert ring == {"c": (("b",), ("d",)), "d": ((), ("c",))}
    assert steps[1].refers_to == ("d",)
