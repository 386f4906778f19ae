"""A gate of the cutover: something that must be so, with what shows it; and signing one off. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from schemas.errors import NotReadyError, UsageError

# Gates that count the rows that wait, one an entity.
WAITING = ("dead-letters", "parked")
_SIGNATURE = re.compile(r"(?P<name>[^<=]+)(?P<sign><?=)(?P<count>[0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Something that must be so before the fence closes.

    Attributes:
        name: By which it is signed off, where that can be done.
        met: Whether it is so, or signed off.
        says: How it is, in one line.
        remedy: The next command, where it is not met.
        count: Of what is wrong; None where it cannot be signed off.
        accepted: Whether it is met only because it was signed off.
    """

    name: str
    met: bool
    says: str
    remedy: str = ""
    count: int | None = None
    accepted: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """For `--output json`, and as evidence."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What was typed of a gate.

    Attributes:
        count: Of what is wrong.
        or_fewer: Whether fewer will do: while the source is written to, the rows that wait come and go.
    """

    count: int
    or_fewer: bool = False

    def __str__(self) -> str:
        """As it is told."""
        return f"at most {self.count}" if self.or_fewer else f"{self.count}"

    def as_json(self) -> int | str:
        """The count, or `<=N`."""
        return f"<={self.count}" if self.or_fewer else self.count

    @classmethod
    def from_json(cls, value: int | str) -> "Signature":
        """Read what `as_json` wrote."""
        text = str(value)
        return cls(count=int(text.removeprefix("<=")), or_fewer=text.startswith("<="))

    def covers(self, count: int | None) -> bool:
        """Whether so many are signed off by it."""
        return count == self.count or (self.or_fewer and count is not None and count < self.count)


def parse(words: Iterable[str], entities: Collection[str]) -> dict[str, Signature]:
    """Read what `--accept` was given: NAME=COUNT, or NAME<=COUNT.

    Args:
        words: As typed.
        entities: Names: of their rows that wait there may be fewer than was typed, and none at all.

    Raises:
        UsageError: It is spelled otherwise.
    """
    accepted = {}
    for word in words:
        found = _SIGNATURE.fullmatch(word)
        if found is None:
            raise UsageError(
                f"--accept {word} is not NAME=COUNT",
                remedy="For instance --accept dead-letters:tasks=6358, or --accept 'parked:orders<=20'.",
            )
        name, or_fewer = found["name"], found["sign"] == "<="
        kind, _, entity = name.partition(":")
        if or_fewer and (kind not in WAITING or entity not in entities):
            raise UsageError(
                f"--accept {word}: only rows that wait may be fewer than was typed",
                remedy="They are dead-letters:E and parked:E, for an entity E.",
            )
        accepted[name] = Signature(count=int(found["count"]), or_fewer=or_fewer)
    return accepted


def judge(gates: Sequence[Gate], accepted: Mapping[str, Signature]) -> list[Gate]:
    """Take into account what was signed off; another count than the one that was typed is not.

    Returns:
        The gates; what was signed off but is not, or cannot be, is a gate too, which is not met. Rows of which there
        may be fewer may be none.
    """
    open_ = {gate.name for gate in gates if not gate.met and gate.count is not None}
    idle = [
        Gate(
            name=name,
            met=False,
            says=f"there is nothing to be signed off, and {typed} was typed",
            remedy="Leave it out.",
        )
        for name, typed in accepted.items()
        if name not in open_ and not typed.or_fewer
    ]
    judged = [
        _judged(gate, accepted[gate.name]) if gate.name in open_ & accepted.keys() else gate
        for gate in gates
    ]
    return judged + idle


def _judged(gate: Gate, typed: Signature) -> Gate:
    if typed.covers(gate.count):
        limit = f": {typed}" if typed.or_fewer else ""
        return replace(gate, met=True, accepted=True, says=f"{gate.says}; signed off{limit}")
    return replace(gate, says=f"{gate.says}, not {typed} as was typed")


def require_met(gates: Sequence[Gate]) -> None:
    """Go on only where all gates are met.

    Raises:
        NotReadyError: Of the first that is not; the others are its notes.
    """
    unmet = [gate for gate in gates if not gate.met]
    if not unmet:
        return
    error = NotReadyError(f"{unmet[0].name}: {unmet[0].says}", remedy=_remedies(unmet))
    for gate in unmet[1:]:
        error.add_note(f"{gate.name}: {gate.says}")
    raise error


def _remedies(unmet: Sequence[Gate]) -> str:
    return "\n  ".join(dict.fromkeys(f"{gate.name}: {gate.remedy}" for gate in unmet))
