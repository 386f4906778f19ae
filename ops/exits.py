"""What the exit codes of the commands mean, in one place for --help and for the page."""

MEANS = {
    0: "done",
    1: "a bug",
    2: "command line",
    3: "configuration",
    4: "source",
    5: "Kafka or registry",
    6: "target",
    7: "not ready",
    8: "source and target differ",
    9: "in use",
    10: "embedded stack",
    11: "a record cannot be applied",
    75: "try again",
}


def meaning(code: int) -> str:
    """What an exit code says."""
    return MEANS.get(code, f"ended by signal {code - 128}")
