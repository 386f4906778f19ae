"""What is wrong with a target: what differs from the source through the rules, and what waits though it could go on."""

from collections.abc import Mapping

from tests.model.history import History, Row, Tables
from tests.model.scenario import Scenario
from tests.model.target import State


def faults(scenario: Scenario, log: History, states: Mapping[str, State]) -> list[str]:
    """Differences between a target at rest and the source."""
    found = []
    expected, parked = expected_tables(scenario, log.tables)
    for table, state in states.items():
        for key in sorted(expected[table].keys() | state.rows.keys()):
            wanted, is_there = expected[table].get(key), state.rows.get(key)
            if wanted != is_there:
                found.append(f"{table} {key}: {is_there} instead of {wanted}")
        idle, missed = state.waiting.keys() - parked[table], parked[table] - state.waiting.keys()
        found += [f"{table} {key} waits for {state.why[key]}" for key in sorted(idle)]
        found += [f"{table} {key} is not parked" for key in sorted(missed)]
    return found


def expected_tables(scenario: Scenario, source: Tables) -> tuple[Tables, dict[str, set[int]]]:
    """The target rows of a source, and the keys that wait for a parent that is absent."""
    expected = {
        table: {key: as_target(row) for key, row in rows.items() if not row["x"]}
        for table, rows in source.items()
    }
    parked: dict[str, set[int]] = {table: set() for table in source}
    if scenario.missing in ("keep", "stub"):
        return expected, parked
    while lacking := _lacking_parent(scenario, expected):
        for table, key in lacking:
            if scenario.missing == "null":
                expected[table][key]["p"] = None
            else:
                del expected[table][key]
                parked[table].add(key)
    return expected, parked


def _lacking_parent(scenario: Scenario, tables: Tables) -> list[tuple[str, int]]:
    return [
        (table, key)
        for table, parent in scenario.shape.refers.items()
        for key, row in tables[table].items()
        if row["p"] is not None and row["p"] not in tables[parent]
    ]


def as_target(row: Row) -> Row:
    """A legacy row as it stands in the target."""
    return {name: value for name, value in row.items() if name != "x"}


def invented(log: History, states: Mapping[str, State]) -> list[str]:
    """Target rows that the source never had; only the reference may be NULL."""
    had = [(table, key, as_target(row)) for table, key, row in log.versions]
    without = [(table, key, {**row, "p": None}) for table, key, row in had]
    return [
        f"{table} {key}: {row} was never there"
        for table, state in states.items()
        for key, row in state.rows.items()
        if (table, key, row) not in had and (table, key, row) not in without
    ]
