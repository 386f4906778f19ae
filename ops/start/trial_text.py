"""A trial for people: what is wrong first, then a few rows that go in, source and target side by side. Pure."""

from collections.abc import Iterator, Sequence

from ops.start.trial import EntityTrial, Row, Verdict

HEADINGS = ("ENTITY", "TARGET", "TRIED", *(verdict.name for verdict in Verdict))
SIDES = ("TARGET COLUMN", "TARGET", "SOURCE", "SOURCE COLUMN")
# With --output json there are all.
SHOWN_MAX = {
    Verdict.REFUSED: 20,
    Verdict.WAITS: 5,
    Verdict.EXCLUDED: 2,
    Verdict.WRITTEN: 2,
}
VALUE_LENGTH_MAX = 60


def counts(trials: Sequence[EntityTrial]) -> list[tuple[object, ...]]:
    """A line an entity."""
    return [
        (trial.entity, trial.target, len(trial.rows), *(trial.count(one) for one in Verdict))
        for trial in trials
    ]


def shown(trial: EntityTrial) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """The rows that are shown: a sentence, and the lines of the table below it."""
    for verdict in Verdict:
        rows = [row for row in trial.rows if row.verdict is verdict]
        for row in rows[: SHOWN_MAX[verdict]]:
            yield title(trial, row), list(_sides(trial, row))
        left = len(rows) - SHOWN_MAX[verdict]
        if left > 0:
            yield f"{trial.entity}: {left} more {verdict.value} (--output json shows all)", []


def title(trial: EntityTrial, row: Row) -> str:
    """A row in a sentence."""
    return f"{trial.entity} {row.key}: {row.verdict.value}{f', {row.why}' if row.why else ''}"


def _sides(trial: EntityTrial, row: Row) -> Iterator[tuple[str, ...]]:
    read: set[str] = set()
    for column, text in row.target.items():
        origins = trial.origins[column]
        read |= set(origins)
        values = ", ".join(_short(row.source.get(name)) for name in origins)
        yield column, _short(text), values, ", ".join(origins)
    for name, value in row.source.items():
        if name not in read:
            yield "", "", _short(value), name


def _short(value: object) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= VALUE_LENGTH_MAX else f"{text[: VALUE_LENGTH_MAX - 1]}…"
