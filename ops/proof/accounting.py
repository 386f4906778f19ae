"""Taking the account: both sides at an exact point, row by row of each legacy table, in columns."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files

import polars as pl
from psycopg import sql

from consumers import catalog, control, identity
from consumers.identity import Identity
from ops.databases import Connection
from ops.preflight import catalogs
from ops.proof import frames
from ops.proof.account import Account, EntityAccount
from ops.proof.classes import Class, classes
from ops.proof.exact_point import ExactPoint, Say, exact_point, require_unmoved
from ops.proof.totals import of_target, totals
from ops.proof.totals_sql import Summed
from ops.stack.state import Endpoints
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Python
from schemas.table import CATALOG_SQL, Table, tables_of

_UNREAD = files("ops.proof").joinpath("unread.sql").read_bytes()
_CLASS_COLUMNS = ["key", "class", "reason", "repaired"]
_PRESENT = (Class.TARGET.value, Class.MERGED.value)
_EXPLAINED = (*_PRESENT, Class.DEAD_LETTER.value, Class.PARKED.value, Class.EXCLUDED.value)


def take(
    migration: Migration, at: Endpoints, entities: Sequence[str], say: Say, *, timeout_s: float
) -> Account:
    """Take the account of some entities at an exact point.

    Args:
        migration: A pipeline that runs.
        at: Where its servers are.
        entities: Names.
        say: Told what is being done.
        timeout_s: As `exact_point`.

    Raises:
        NotReadyError: As `exact_point`.
        ConflictError: As `exact_point`.
    """
    with exact_point(migration, at, entities, say, timeout_s=timeout_s) as point:
        say("comparing; the workers go on")
        return _at_point(migration, point, entities)


def _at_point(migration: Migration, point: ExactPoint, entities: Sequence[str]) -> Account:
    taking = _Taking(migration, point)
    return Account(
        pipeline=migration.pipeline.pipeline,
        lsn=point.lsn,
        at=point.at,
        held_s=point.held_s,
        versions=versions(point),
        entities=tuple(taking.entity(migration.entities[name]) for name in entities),
        unread=_unread(point.source, migration),
    )


def versions(point: ExactPoint) -> dict[str, str]:
    """Of understudy and of both servers."""
    servers = {"source": point.source, "target": point.target}
    found = {
        side: str(c.execute("SHOW server_version").fetchall()[0][0]) for side, c in servers.items()
    }
    return {"understudy": version("understudy")} | found


def _unread(source: Connection, migration: Migration) -> dict[str, int]:
    places = catalogs.places([entity.source.place for entity in migration.entities.values()])
    return {str(t): int(str(n)) for t, n in source.execute(_UNREAD, places).fetchall()}


class _Taking:
    """The account of one entity after the other."""

    def __init__(self, migration: Migration, point: ExactPoint) -> None:
        self._migration = migration
        self._point = point
        places = catalogs.places([entity.source.place for entity in migration.entities.values()])
        self._tables = tables_of(point.source.execute(CATALOG_SQL, places).fetchall())
        overrides = control.overrides(point.target, list(migration.entities))
        namespace = migration.pipeline.namespace
        self._ids = {name: Identity(namespace, name, overrides[name]) for name in overrides}

    def entity(self, entity: Entity) -> EntityAccount:
        """The account of one entity; rolled back, so that its legacy table is locked no longer than it is read."""
        legacy = self._tables[entity.source.place]
        with self._point.source.transaction(force_rollback=True):
            found = self._entity(entity, legacy)
            require_unmoved(self._point.source, [legacy])
        return found

    def _entity(self, entity: Entity, legacy: Table) -> EntityAccount:
        key = entity.key or legacy.key
        rows = self._rows(legacy, key)
        known = frames.read(self._point.target, classes(entity), _CLASS_COLUMNS)
        both = rows.join(known, on="key", how="full", coalesce=True)
        ours = both.filter(pl.col("__source"))
        explained = pl.col("class").is_in(_EXPLAINED)
        staying = ours.filter(~pl.col("class").is_in(_PRESENT).fill_null(value=False))
        left = both.filter(pl.col("__source").is_null())
        where = entity.where or ""
        target = catalog.read(self._point.target, entity.target)
        summed = Summed(entity=entity, legacy=legacy, target=target, key=key)
        return EntityAccount(
            entity=entity.name,
            domain=self._migration.domain(entity.name),
            source=str(entity.source),
            target=str(entity.target),
            rows=len(ours),
            counts=_counts(ours),
            dead_letters=_reasons(ours, Class.DEAD_LETTER),
            parked=_reasons(ours, Class.PARKED),
            excluded=_reasons(ours, Class.EXCLUDED, where),
            repaired=len(ours.filter(pl.col("repaired") == "t")),
            unaccounted=_keys(ours.filter(~explained.fill_null(value=False))),
            extra=_keys(left.filter(explained & (pl.col("class") != Class.EXCLUDED.value))),
            totals=tuple(
                totals(
                    self._point.source,
                    summed,
                    staying.select(f"__key{n}" for n in range(len(key))),
                    self._ids,
                    of_target(self._point.target, summed),
                )
            ),
            rules=self._rules(entity),
        )

    def _rules(self, entity: Entity) -> str:
        """The entity file, and the modules that its Python rules are from."""
        rules = (rule for rule in entity.columns.values() if isinstance(rule, Python))
        modules = sorted({f"{rule.python.partition(':')[0]}.py" for rule in rules})
        files = [self._migration.folder / module for module in modules]
        own = self._migration.files[entity.name].read_text(encoding="utf-8")
        return "\n".join(
            [own, *(f"# {file.name}\n{file.read_text(encoding='utf-8')}" for file in files)]
        )

    def _rows(self, legacy: Table, key: Sequence[str]) -> pl.DataFrame:
        """The keys of the source: as one text, and each column of them as text, which true is to a boolean, not t."""
        names = [f"__key{n}" for n in range(len(key))]
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(
                sql.SQL("CAST({} AS text)").format(sql.Identifier(name)) for name in key
            ),
            sql.Identifier(legacy.schema, legacy.name),
        )
        rows = frames.read(self._point.source, query, names)
        bases = [column.base for name in key if (column := legacy.column(name))]
        parts = [
            identity.normal_form(rows[name], base) for name, base in zip(names, bases, strict=True)
        ]
        keys = identity.legacy_keys(parts).alias("key")
        return rows.with_columns(keys, pl.lit(value=True).alias("__source"))


def _counts(rows: pl.DataFrame) -> Counter[Class]:
    counted = rows.filter(pl.col("class").is_not_null()).group_by("class").len()
    return Counter({Class(name): count for name, count in counted.iter_rows()})


def _reasons(rows: pl.DataFrame, of: Class, rule: str = "") -> Counter[str]:
    """Rows of a class by reason, the most frequent first; without one it is the rule."""
    chosen = rows.filter(pl.col("class") == of.value)
    counted = chosen.with_columns(pl.col("reason").fill_null(rule)).group_by("reason").len()
    return Counter(dict(sorted(counted.iter_rows(), key=lambda row: (-row[1], row[0]))))


def _keys(rows: pl.DataFrame) -> tuple[str, ...]:
    return tuple(rows["key"].sort().to_list())
