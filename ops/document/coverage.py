"""coverage.md: which legacy table, target table and column is covered by which rules, and which by none. Pure."""

from collections import Counter
from collections.abc import Iterator

from consumers.compilation import effective_missing
from ops.document.data_model import unwritten
from ops.document.legacy import elsewhere, readers
from ops.document.markdown import code, codes, table
from ops.document.model import Domain, Model, Place
from schemas.entity import Entity
from schemas.rules import AnyRule, Missing, Timezone, Values

NAME = "coverage.md"
INTRODUCTION = """\
Which rules cover which legacy tables, domain by domain, and what no rule covers. `understudy document` writes this
page.

A legacy column is *moved* where a rule or the key names it; others stay readable in the original row beside the UUID.
What *may stay behind* is what the rules provide for: the account says how many rows each of them holds.
"""
HEADINGS = (
    "legacy table",
    "entity → target",
    "columns moved",
    "kept in the original row only",
    "refers to",
    "rules",
    "may stay behind",
)


def page(model: Model) -> str:
    """The whole page."""
    parts = [
        f"# Coverage of {code(model.migration.pipeline.pipeline)}",
        INTRODUCTION.rstrip(),
        _summary(model),
    ]
    for domain in model.domains:
        rows = (_row(model, entity) for entity in domain.entities)
        parts += [f"## {domain.name}", table(HEADINGS, rows)]
    parts += ["## Covered by nothing", *_gaps(model)]
    return "\n\n".join(parts) + "\n"


def _summary(model: Model) -> str:
    rows = [_counted(model, domain) for domain in model.domains]
    total = [sum(column) for column in zip(*(counts for _, counts in rows), strict=True)]
    lines = [(name, *counts) for name, counts in (*rows, ("in all", total))]
    return table(("domain", "entities", "legacy columns", "of these moved"), lines)


def _counted(model: Model, domain: Domain) -> tuple[str, list[int]]:
    """A legacy table that several entities read counts once."""
    columns, moved = set[tuple[Place, str]](), set[tuple[Place, str]]()
    for entity in domain.entities:
        for name, targets in readers(entity, model.source_of(entity)).items():
            columns.add((entity.source.place, name))
            if targets:
                moved.add((entity.source.place, name))
    return domain.name, [len(domain.entities), len(columns), len(moved)]


def _row(model: Model, entity: Entity) -> tuple[str, ...]:
    goes = readers(entity, model.source_of(entity))
    others = elsewhere(model, entity)
    left = [name for name, targets in goes.items() if not targets]
    kept = [name for name in left if not others.get(name)]
    parents = sorted({rule.ref for rule in entity.refs.values()})
    rules = Counter(_word(rule) for rule in entity.columns.values())
    return (
        code(entity.source),
        f"{code(entity.name)} → {code(entity.target)}",
        f"{len(goes) - len(left)} of {len(goes)}",
        codes(kept) if entity.originals else f"{codes(kept)} (originals are not kept)",
        codes(parents),
        ", ".join(f"{count} {word}" for word, count in sorted(rules.items())),
        "; ".join(_left_behind(model, entity)),
    )


def _word(rule: AnyRule) -> str:
    return "copy" if rule.word == "from" else rule.word


def _left_behind(model: Model, entity: Entity) -> Iterator[str]:
    if entity.where:
        yield "excluded by `where`"
    if entity.expect:
        yield f"dead letters by `expect` {codes(list(entity.expect))}"
    dead = [name for name, rule in entity.columns.items() if _may_kill(rule)]
    by_missing: dict[Missing, list[str]] = {}
    for column, rule in entity.refs.items():
        missing = effective_missing(rule, column, model.target_of(entity))
        by_missing.setdefault(missing, []).append(column)
    dead += by_missing.get(Missing.DEAD_LETTER, [])
    if dead:
        yield f"dead letters by the rules of {codes(sorted(dead))}"
    if waiting := by_missing.get(Missing.PARK):
        yield f"parked by {codes(waiting)}"
    target = model.target_of(entity)
    if not entity.joined and (
        unique := sorted(key.name for key in target.secondary(entity.id_column))
    ):
        yield f"parked by unique {codes(unique)}"


def _may_kill(rule: AnyRule) -> bool:
    match rule:
        case Values():
            return rule.otherwise == "dead-letter"
        case Timezone():
            return "dead-letter" in (rule.gap, rule.overlap)
        case _:
            return False


def _gaps(model: Model) -> Iterator[str]:
    yield _listed("Legacy tables that no entity reads", model.unread)
    yield _listed("Target tables that no entity writes", model.unwritten)
    rows = [row for place in model.written if (row := _columns(model, place))]
    if rows:
        yield table(("target table", "columns that no entity writes"), rows)
    else:
        yield "Target columns that no entity writes: none."


def _listed(what: str, places: tuple[Place, ...]) -> str:
    return f"{what}: {codes('.'.join(place) for place in places) or 'none'}."


def _columns(model: Model, place: Place) -> tuple[str, str] | None:
    entities = [e for e in model.migration.entities.values() if e.target.place == place]
    written = {column for entity in entities for column in entity.columns}
    left = [
        f"{code(column.name)} ({unwritten(column).removeprefix('no rule: ')})"
        for column in model.targets[place].table.columns
        if column.name not in written
    ]
    return (code(".".join(place)), ", ".join(left)) if left else None
