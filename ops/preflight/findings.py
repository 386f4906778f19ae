"""What a check finds: one value per problem, with its place and its remedy."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from schemas import lines as toml_lines
from schemas.entity import Entity
from schemas.errors import (
    BrokerError,
    BrokerUnfitError,
    ConfigError,
    SourceError,
    SourceUnfitError,
    TargetError,
    TargetUnfitError,
    UnderstudyError,
)
from schemas.migration import PIPELINE_FILE, Migration


class Severity(enum.StrEnum):
    """Whether the pipeline may start."""

    ERROR = "error"
    WARNING = "warning"


class Side(enum.Enum):
    """Who has to act; the value is the class of error whose exit code `check` ends with."""

    CONFIG = ConfigError
    SOURCE = SourceError
    BROKER = BrokerError
    TARGET = TargetError

    @property
    def exit_code(self) -> int:
        """See schemas/errors.py."""
        failure: type[UnderstudyError] = self.value
        return failure.exit_code

    @property
    def unfit(self) -> type[UnderstudyError]:
        """The class of error for what understudy refuses, where the side itself refuses nothing."""
        return _UNFIT.get(self, self.value)


_UNFIT: Mapping[Side, type[UnderstudyError]] = {
    Side.SOURCE: SourceUnfitError,
    Side.BROKER: BrokerUnfitError,
    Side.TARGET: TargetUnfitError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file of the migration folder, and a key in it."""

    file: Path
    key: str

    def __str__(self) -> str:
        """File, line and key, as editors and people read it."""
        return f"{self.file}{'' if self.line is None else f':{self.line}'} {self.key}"

    @property
    def line(self) -> int | None:
        """Of the key, or of what is around it."""
        found = toml_lines.place(self.file, self.key).get("line")
        return None if found is None else int(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem.

    Attributes:
        code: Stable word for programs.
        what: One sentence.
        place: What to look at first.
        remedy: What to do.
        is_plain: Whether `what` is said by the side itself, and not by us.
    """

    code: str
    severity: Severity
    side: Side
    what: str
    place: Place
    remedy: str
    is_plain: bool = False

    @property
    def failure(self) -> type[UnderstudyError]:
        """The class of error whose sentence `what` goes on with."""
        return self.side.value if self.is_plain else self.side.unfit

    def as_json(self) -> dict[str, str | int | None]:
        """The finding as a JSON object."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "side": self.side.name.lower(),
            "what": self.what,
            "file": str(self.place.file),
            "line": self.place.line,
            "key": self.place.key,
            "remedy": self.remedy,
        }


def error(side: Side, code: str, place: Place, what: str, remedy: str) -> Finding:
    """A finding that keeps the pipeline from starting."""
    return Finding(
        code=code, severity=Severity.ERROR, side=side, what=what, place=place, remedy=remedy
    )


def warning(side: Side, code: str, place: Place, what: str, remedy: str) -> Finding:
    """A finding that the operator should know of."""
    return Finding(
        code=code, severity=Severity.WARNING, side=side, what=what, place=place, remedy=remedy
    )


def failed(side: Side, code: str, place: Place, problem: UnderstudyError) -> Finding:
    """A finding from an error that ended the check of one side."""
    # Whoever raises the finding as an error of its side says the sentence of that class again.
    is_plain = type(problem) is side.value and bool(problem.detail)
    what = problem.particulars if is_plain or type(problem) is side.unfit else str(problem)
    found = error(side, code, place, what, problem.advice or "See the message.")
    return replace(found, is_plain=is_plain)


def in_pipeline(migration: Migration, key: str) -> Place:
    """A key of understudy.toml."""
    return Place(file=migration.folder / PIPELINE_FILE, key=key)


def in_entity(migration: Migration, entity: Entity, key: str) -> Place:
    """A key of an entity file."""
    return Place(file=migration.files[entity.name], key=key)


def exit_code(findings: Iterable[Finding]) -> int:
    """The exit code of the first error's side; 0 without errors."""
    return next((f.side.exit_code for f in findings if f.severity is Severity.ERROR), 0)


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Each finding as one line and its remedy as another."""
    for finding in findings:
        yield f"{finding.severity.value}: {finding.place}: {finding.what}"
        yield f"  {finding.remedy}"


def summary(findings: Sequence[Finding]) -> str:
    """How many there are of each severity."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    return f"errors: {errors}, warnings: {len(findings) - errors}"
