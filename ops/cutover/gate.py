"""A gate of the cutover: something that must be so, with what shows it; and signing one off. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from schemas.errors import NotReadyError, UsageError


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


def parse(words: Iterable[str]) -> dict[str, int]:
    """Read what `--accept` was given: NAME=COUNT.

    Raises:
        UsageError: It is spelled otherwise.
    """
    accepted = {}
    for word in words:
        name, _, count = word.rpartition("=")
        if not name or not count.isdecimal():
            raise UsageError(
                f"--accept {word} is not NAME=COUNT",
                remedy="For instance --accept dead-letters:tasks=6358.",
            )
        accepted[name] = int(count)
    return accepted


def judge(gates: Sequence[Gate], accepted: Mapping[str, int]) -> list[Gate]:
    """Take into account what was signed off; another count than the one that was typed is not.

    Returns:
        The gates; what was signed off but is not, or cannot be, is a gate too, which is not met.
    """
    open_ = {gate.name for gate in gates if not gate.met and gate.count is not None}
    idle = [
        Gate(
            name=name,
            met=False,
            says=f"there is nothing to be signed off, and {accepted[name]} was typed",
            remedy="Leave it out.",
        )
        for name in accepted
        if name not in open_
    ]
    judged = [
        _judged(gate, accepted[gate.name]) if gate.name in open_ & accepted.keys() else gate
        for gate in gates
    ]
    return judged + idle


def _judged(gate: Gate, typed: int) -> Gate:
    if typed == gate.count:
        return replace(gate, met=True, accepted=True, says=f"{gate.says}; signed off")
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
