"""The newest version of each key: what is mapped, what waits and the batch, laid over one another.

They are laid in the order of event ids. A version that lacks a column takes it from the one below.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.model.history import UNAVAILABLE, Event, EventId, Row

NOTHING: EventId = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A row at some event id.

    Attributes:
        row: None: it is deleted.
        below: A base is taken only if it is newer than this.
    """

    id: EventId
    row: Row | None
    below: EventId = NOTHING

    @property
    def is_partial(self) -> bool:
        """Whether a column is still lacking."""
        return self.row is not None and self.row["t"] == UNAVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """What was applied last of a key.

    Attributes:
        state: live, deleted, excluded, or withdrawn (taken out of the target while a newer one is parked).
        row: The original row; None where it was deleted.
    """

    id: EventId
    state: str
    row: Row | None

    def as_version(self) -> Version:
        """The mapping as the base of what comes later."""
        return Version(id=self.id, row=None if self.state == "deleted" else self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    key: int
    version: Version
    waited: bool


def lay_over(
    rules: frozenset[str],
    mapping: dict[int, Mapping],
    waiting: dict[int, Version],
    events: Iterable[Event],
) -> dict[int, Version]:
    """The newest version of each key that is not stale.

    Args:
        rules: Those that hold.
        mapping: Of the entity.
        waiting: What waits for the keys in question.
        events: The batch.
    """
    layers = _layers(rules, waiting, list(events))
    below = {key: mapped.as_version() for key, mapped in mapping.items()}
    newest: dict[int, Version] = {}
    for layer in layers:
        if {"stale_aside", "fence"} <= rules and _is_stale(layer, mapping.get(layer.key)):
            continue
        version = _completed(rules, layer.version, below.get(layer.key))
        below[layer.key] = newest[layer.key] = version
    return newest


def _layers(
    rules: frozenset[str], waiting: dict[int, Version], events: list[Event]
) -> list[_Layer]:
    named = {event.key for event in events}
    layers = [
        _Layer(key=key, version=version, waited=True)
        for key, version in waiting.items()
        if "merged" in rules or key not in named
    ]
    for event in events:
        takes_no_older_base = event.op == "c" and "insert_base" in rules
        version = Version(
            id=event.id, row=event.row, below=event.id if takes_no_older_base else NOTHING
        )
        layers.append(_Layer(key=event.key, version=version, waited=False))
    if "order" in rules:
        layers.sort(key=lambda layer: (layer.version.id, layer.waited, layer.key))
    return layers


def _is_stale(layer: _Layer, mapped: Mapping | None) -> bool:
    if mapped is None or layer.version.id > mapped.id:
        return False
    withdrawn = layer.waited and mapped.state == "withdrawn"
    return not (withdrawn and layer.version.id == mapped.id)


def _completed(rules: frozenset[str], version: Version, base: Version | None) -> Version:
    if "unavailable" not in rules:
        version = _without(version)
    if version.is_partial and base and base.row is not None:
        version = _over(version, base)
    return version if "base" in rules else _without(version)


def _over(version: Version, base: Version) -> Version:
    """Where the base lacks the column too, what the base waits for is what is missing."""
    if version.row is None or base.row is None or not (base.id > version.below or base.is_partial):
        return version
    return replace(version, row={**version.row, "t": base.row["t"]}, below=base.below)


def _without(version: Version) -> Version:
    """A column that was not sent becomes NULL: what must not happen."""
    if version.row is None or not version.is_partial:
        return version
    return replace(version, row={**version.row, "t": None})
