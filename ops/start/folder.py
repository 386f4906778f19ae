"""`understudy init`: reads both catalogs, and writes a migration folder that has nothing in it yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from consumers.catalog import TargetTable
from consumers.conversion import bounded
from ops import databases
from ops.start import ddl, drafting, legacy, links, matching, naming, rings
from ops.start.drafting import Named
from ops.start.entity_text import entity_file
from ops.start.legacy import Legacy, Place
from ops.start.links import Link
from ops.start.proposal import Proposal
from ops.start.sampling import Sampler
from ops.start.settings_text import settings
from schemas import names as topics
from schemas.errors import ConfigError, SourceUnfitError, UsageError
from schemas.migration import ENTITY_FOLDER, PIPELINE_FILE, TARGET_FILE

APPLICATION = "init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was written.

    Attributes:
        proposals: One an entity file.
        files: In the order in which a reader takes them.
    """

    pipeline: str
    proposals: tuple[Proposal, ...]
    files: tuple[Path, ...]

    def summary(self) -> str:
        """What there is, and what is left to do, in one line."""
        risks = sum(note.startswith("RISK") for note in self._notes())
        new = sum(proposal.is_new for proposal in self.proposals)
        refs = sum(bool(c.entity) for proposal in self.proposals for c in proposal.columns)
        return (
            f"{len(self.proposals)} entities, {refs} references, {new} target tables proposed, "
            f"{risks} risks (grep RISK)"
        )

    def _notes(self) -> list[str]:
        columns = [note for p in self.proposals for column in p.columns for note in column.notes]
        return columns + [note for proposal in self.proposals for note in proposal.notes]


def begin(folder: Path, source_dsn: str, target_dsn: str | None) -> Begun:
    """Write a migration folder.

    Args:
        folder: Empty, or not there yet; its name becomes the pipeline's.
        source_dsn: The legacy database; only read, and few rows of it.
        target_dsn: The new database, if there is one; its catalog is read.

    Raises:
        UsageError: The folder holds something.
        SourceError: The source cannot be reached, or has no table.
        TargetError: The target cannot be reached.
    """
    _require_empty(folder)
    targets: dict[Place, TargetTable] = {}
    if target_dsn:
        with databases.target(target_dsn, APPLICATION, "--target") as connection:
            targets = legacy.tables(connection)
    with databases.source(source_dsn, APPLICATION, "--source") as connection:
        found = legacy.read(connection)
        linked = links.find(found, Sampler(connection).ask)
    if not found.tables:
        raise SourceUnfitError("the database has no table", remedy="Name the legacy database.")
    pipeline = naming.pipeline(folder)
    proposals = propose(found, linked, targets, pipeline)
    texts = {
        PIPELINE_FILE: settings(pipeline, uuid4(), source_dsn, target_dsn),
        TARGET_FILE: ddl.target_sql(proposals, ddl.Names(reserved=found.reserved)),
        **{f"{ENTITY_FOLDER}/{p.name}.toml": entity_file(p) for p in proposals},
    }
    return Begun(pipeline=pipeline, proposals=tuple(proposals), files=_written(folder, texts))


def _require_empty(folder: Path) -> None:
    try:
        is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    except OSError as error:
        raise UsageError(f"the folder cannot be read: {error.strerror}", folder=folder) from error
    if not is_free:
        remedy = "Name one that is empty, or not there yet: nothing is ever written over."
        raise UsageError("the folder holds something already", folder=folder, remedy=remedy)


def _written(folder: Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    files = [folder / name for name, text in texts.items() if text]
    try:
        (folder / ENTITY_FOLDER).mkdir(parents=True)
        for file in files:
            with file.open("x", encoding="utf-8") as stream:
                stream.write(texts[file.relative_to(folder).as_posix()])
    except OSError as error:
        raise UsageError(
            f"the folder cannot be written: {error.strerror}", folder=folder
        ) from error
    return tuple(files)


def propose(
    found: Legacy,
    linked: Mapping[Place, Sequence[Link]],
    targets: Mapping[Place, TargetTable],
    pipeline: str,
) -> list[Proposal]:
    """A proposal for every legacy table, in the order of the tables.

    Args:
        found: The legacy catalog.
        linked: The links of every table.
        targets: The tables of the target that are there.
        pipeline: Its name.
    """
    matched = _matched(found, targets)
    named = _named(found, matched, pipeline)
    drafts = {
        place: drafting.draft(table, linked[place], named) for place, table in found.tables.items()
    }
    drafting.resolve(drafts)
    proposals = [
        matching.match(made, linked[place], matched[place])
        if place in matched
        else drafting.finish(made, linked[place])
        for place, made in drafts.items()
    ]
    rings.open_rings(proposals)
    return _with_topics(proposals, pipeline)


def _matched(found: Legacy, targets: Mapping[Place, TargetTable]) -> dict[Place, TargetTable]:
    """The target tables that are there, each for one legacy table."""
    left = dict(targets)
    # A name that is the same is nobody else's.
    matched = {place: left.pop(place) for place in found.tables if place in targets}
    for place in [one for one in found.tables if one not in matched]:
        table = matching.table(place, left)
        if table:
            matched[place] = left.pop(table.place)
    return matched


def _named(
    found: Legacy, matched: Mapping[Place, TargetTable], pipeline: str
) -> dict[Place, Named]:
    """Entities are called as their tables are; where two schemas have one of that name, as both."""
    named: dict[Place, Named] = {}
    taken: set[str] = set()
    for schema, table in found.tables:
        plain = naming.snake(table)
        whole = bounded(f"{naming.snake(schema)}_{plain}")
        name = naming.fresh(whole if plain in taken else plain, taken)
        taken.add(name)
        target = matched.get((schema, table))
        place = target.place if target else (naming.schema(schema, pipeline), name)
        named[schema, table] = Named(entity=name, target=place)
    return named


def _with_topics(proposals: Sequence[Proposal], pipeline: str) -> list[Proposal]:
    """Topics by number for tables whose names Kafka would not take, or not tell apart."""
    wanted = [topics.positions_topic(pipeline)]
    changed = {}
    for number, proposal in enumerate(proposals, start=1):
        try:
            name = topics.topic(pipeline, *proposal.source)
        except ConfigError:
            name = ""
        if not name or topics.collisions([name, *wanted]):
            changed[proposal.name] = f"{pipeline}.table-{number}"
        wanted.append(name)
    return [replace(proposal, topic=changed.get(proposal.name)) for proposal in proposals]
