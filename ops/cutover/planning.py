"""What a cutover is going to do, step by step, in words. Pure."""

from collections.abc import Sequence
from pathlib import Path

from ops.cutover.fence import GRACE_S
from ops.cutover.gate import Gate
from ops.cutover.hooks import TIMEOUT_S
from ops.cutover.sequences import MARGIN
from schemas.migration import Migration


def steps(migration: Migration) -> list[tuple[str, str]]:
    """Each step with what it does, in order."""
    settings = migration.pipeline.cutover
    tables = len({entity.source.place for entity in migration.entities.values()})
    shut_out = [f"{role} loses LOGIN, its sessions are ended" for role in settings.writers]
    if settings.tables_refuse:
        shut_out.append(f"{tables} legacy tables refuse writes (trigger)")
    listed = [
        ("gates", "all gates below are met, or signed off"),
        ("before_fence", _hook(settings.before_fence)),
        ("fenced", f"{'; '.join(shut_out)}; open transactions have {GRACE_S:g} s to end"),
        ("drained", "marker 1 applied by every entity; nothing waits that was not signed off"),
        ("", "what changed since the last verification is verified"),
        ("", f"sequences of the target set {MARGIN} above the highest value"),
        ("", "marker 2: a change between the two means that the fence leaks, and it opens again"),
        ("switched", f"{len(migration.entities)} entities leave the forward side, in one transaction"),
        ("after_switch", _hook(settings.after_switch)),
        ("finished", "by understudy cutover finish, when you are content"),
    ]  # fmt: skip
    return [(step, does) for step, does in listed if does]


def _hook(command: str | None) -> str:
    return f"{command} (at most {TIMEOUT_S} s)" if command else ""


def next_steps(folder: Path, gates: Sequence[Gate]) -> list[str]:
    """What to do about the gates that are not met; where all are, begin."""
    unmet = [gate.remedy for gate in gates if not gate.met]
    return list(dict.fromkeys(unmet)) or [f"understudy cutover begin {folder}"]
