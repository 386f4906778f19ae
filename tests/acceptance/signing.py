"""What an operator signs off before a cutover."""

import json

from ops import wiring
from ops.cutover.gate import WAITING
from tests.fix_pipeline import Pipeline
from tests.here import command_here

# Rows that the writer may leave waiting, of an entity, until the fence closes.
MORE = 20


def signed_off(clinic: Pipeline) -> list[str]:
    """The gates that can be signed off, as words of `cutover begin`; it names the others.

    Rows that wait may become some more, of any entity, so that the words hold under load.
    """
    plan = json.loads(command_here("cutover", "plan", clinic.folder, "--output", "json").stdout)
    counts = {gate["name"]: gate["count"] for gate in plan["gates"] if not gate["met"]}
    waiting = [f"{kind}:{name}" for kind in WAITING for name in wiring.read(clinic.folder).entities]
    words = [f"{name}<={counts.pop(name, 0) + MORE}" for name in waiting]
    words += [f"{name}={count}" for name, count in counts.items() if count is not None]
    return [word for pair in words for word in ("--accept", pair)] + ["--because", "a test"]
