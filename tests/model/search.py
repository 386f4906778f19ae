"""One random history on one target: what goes wrong with it."""

from dataclasses import dataclass
from random import Random

from tests.model.faults import faults, invented
from tests.model.feed import Feed, feed
from tests.model.history import Event, EventId, History, history
from tests.model.play import play
from tests.model.scenario import Scenario
from tests.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A random history, and what the producer makes of it."""

    scenario: Scenario
    log: History
    feed: Feed

    def __str__(self) -> str:
        """For whoever must understand a counterexample."""
        lines = [str(self.scenario), "the source:"]
        lines += [f"  {event}" for event in self.log.events]
        for (table, number), queue in self.feed.queues.items():
            lines.append(f"{table}, partition {number}:")
            lines += [f"  {event.id} {event.op} {event.key}" for event in queue]
        return "\n".join([*lines, f"truncations: {self.feed.truncations}"])


class Recorded:
    """A target that writes down what is done to it."""

    def __init__(self, target: Target) -> None:
        """Begin with nothing.

        Args:
            target: Does it.
        """
        self._target = target
        self.steps: list[str] = []
        self.dump, self.states = target.dump, target.states

    def settle(self, table: str, events: list[Event]) -> None:
        """Apply a batch."""
        batch = " ".join(f"{event.id}{event.op}{event.key}" for event in events)
        self.steps.append(f"{table} {batch}")
        self._target.settle(table, events)

    def truncate(self, table: str, event_id: EventId) -> None:
        """Obey a TRUNCATE."""
        self.steps.append(f"{table} truncated at {event_id}")
        self._target.truncate(table, event_id)

    def mark(self, table: str, lsn: int) -> None:
        """Apply a marker."""
        self.steps.append(f"{table} marker {lsn}")
        self._target.mark(table, lsn)

    def sweep(self) -> None:
        """Try again what waits."""
        self.steps.append("sweep")
        self._target.sweep()


def draw(rng: Random, scenario: Scenario) -> Case:
    """A random case of a scenario."""
    log = history(rng, scenario)
    return Case(scenario=scenario, log=log, feed=feed(rng, scenario, log))


def wrong(rng: Random, case: Case, target: Target) -> list[str]:
    """Play a case.

    Args:
        rng: Interleaves the consumers.
        case: What they consume.
        target: An empty one.

    Returns:
        What is wrong with the target; nothing if it converged.
    """
    try:
        play(rng, case.scenario, case.feed, target, lambda: _all_was_there(case, target))
        found = faults(case.scenario, case.log, target.states())
        if case.scenario.replayed and not found:
            found = _replay(rng, case, target)
    except AssertionError as error:
        return [str(error)]
    return found


def _all_was_there(case: Case, target: Target) -> None:
    strange = invented(case.log, target.states())
    assert not strange, strange[0]


def _replay(rng: Random, case: Case, target: Target) -> list[str]:
    """Consume everything once more: nothing may change, not even for a moment."""
    dump = target.dump()
    rows = {table: dict(state.rows) for table, state in target.states().items()}

    def nothing_moves() -> None:
        now = {table: state.rows for table, state in target.states().items()}
        assert now == rows, "a replay changes the target"

    play(rng, case.scenario, case.feed, target, nothing_moves)
    return [] if target.dump() == dump else ["a replay leaves something behind"]
