"""What an operator signs off before a cutover."""

import json

from tests.acceptance.commands import command
from tests.fix_pipeline import Pipeline


def signed_off(clinic: Pipeline) -> list[str]:
    """The gates that can be signed off, each with its count, as words of `cutover begin`; it names the others."""
    plan = json.loads(command("cutover", "plan", clinic.folder, "--output", "json").stdout)
    counted = [gate for gate in plan["gates"] if not gate["met"] and gate["count"] is not None]
    words = [("--accept", f"{gate['name']}={gate['count']}") for gate in counted]
    return [word for pair in words for word in pair] + ["--because", "a test"]
