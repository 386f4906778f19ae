"""One entity's part of an apply transaction: from events in columns to rows, mapping and what waits.

The transaction itself (locks, checkpoints, commit) is checkpoint.py's; the order in here is that of design section 5, step 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import psycopg
from psycopg.pq import TransactionStatus

from consumers import images, staging, statement, waiting
from consumers.conversion import ident
from consumers.judge import broken, judge
from consumers.overlay import FIRST, META, Layer, lay_over, one_per_key
from consumers.plan import EntityPlan
from consumers.transform import Transform
from consumers.waiting import Reason, Why
from schemas.errors import RecordError
from schemas.event_id import ZERO, EventId
from schemas.rules import Ref

Cursor = psycopg.Cursor[tuple[object, ...]]
# SQLSTATE classes and codes after which the whole batch is tried again: nothing is wrong with the rows.
RETRIED = ("40001", "40P01", "53", "55P03", "57", "25006", "08")
# Classes that speak of a record: data exception, integrity constraint, check option, program limit, RAISE in a trigger.
OF_A_RECORD = ("22", "23", "44", "54", "P0")
_FOREIGN_KEY, _UNIQUE = "23503", "23505"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a transaction knows when it begins, read under its locks.

    Attributes:
        truncated: Events below this are stale.
        watermarks: Commit LSN of the last applied marker, by entity.
    """

    truncated: EventId = ZERO
    watermarks: Mapping[str, int] = field(default_factory=dict)


class Applier:
    """Applies events of one entity.

    Args:
        plan: The compiled entity.
        transform: Its rules in columns.
    """

    def __init__(self, plan: EntityPlan, transform: Transform) -> None:
        self.plan = plan
        self._transform = transform
        self._columns = plan.legacy.columns
        self._staged = statement.stage_columns(plan)

    def prepare(self, cursor: Cursor) -> None:
        """Create the staging tables of this connection."""
        cursor.execute(statement.create_stage(self.plan))
        cursor.execute(waiting.CREATE_STAGE)

    def read(self, events: pl.DataFrame) -> pl.DataFrame:
        """Add the legacy key to events as the envelope reader yields them; outside of any transaction."""
        return events.with_columns(self._transform.keys(events)).select(*META, *(column.name for column in self._columns))

    def nothing(self) -> pl.DataFrame:
        """An empty frame of events."""
        return pl.DataFrame(schema=_META_TYPES | {column.name: images.frame_type(column) for column in self._columns})

    def settle(self, cursor: Cursor, events: pl.DataFrame, wake: Sequence[str], ground: Ground) -> None:
        """Apply events, and try again what waits for some keys.

        Args:
            cursor: Inside the transaction, after `checkpoint.lock`.
            events: As `read` returned them, any order; may be empty.
            wake: Legacy keys whose waiting image or owed reference is tried again.
            ground: Read after the locks.
        """
        if ground.truncated > ZERO:
            events = events.filter(_at_least(ground.truncated))
        rows, known = self._newest(cursor, events, wake)
        if rows.is_empty():
            waiting.forget(cursor, self.plan, known)
            return
        lacking = rows.filter(pl.col("__unavailable").is_not_null())
        whole = rows.filter(pl.col("__unavailable").is_null()) if lacking.height else rows
        self._set_aside(cursor, self._identified(lacking), [Reason(why=Why.BASE)] * lacking.height)
        kept = set(lacking["__key"].to_list()) | self._apply(cursor, self._identified(whole), ground)
        waiting.forget(cursor, self.plan, [key for key in known if key not in kept])

    # ------------------------------------------------------------------------------------------------ the newest versions
    def _newest(self, cursor: Cursor, events: pl.DataFrame, wake: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
        """The newest version of each key, and the keys for which something waited."""
        keys = [*events["__key"].unique().to_list(), *wake]
        waits = waiting.exists(cursor, self.plan)
        waiters = waiting.fetch(cursor, self.plan, keys) if waits else None
        known = waiters["__key"].to_list() if waiters is not None else []
        partial = events.filter(pl.col("__unavailable").is_not_null())["__key"].to_list()
        special = {*known, *partial, *wake}
        if not special:
            return self._plain(one_per_key(events)), []
        chosen = pl.col("__key").is_in(list(special))
        layers = [self._mapped(cursor, sorted(special)), self._batch(events.filter(chosen))]
        if waiters is not None and known:
            layers.append(self._waiting(waiters))
        folded = lay_over(pl.concat(layers, how="diagonal_relaxed"), self._columns)
        plain = self._plain(one_per_key(events.filter(~chosen)))
        owed = self._owed(cursor, wake, {*folded["__key"].to_list()})
        return pl.concat([plain, folded.select(plain.columns), owed.select(plain.columns)], how="vertical_relaxed"), known

    @staticmethod
    def _plain(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.lit(0, dtype=pl.Int64).alias(name) for name in FIRST)

    def _batch(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events as a layer. The insert of a key change has no base but what is newer than itself."""
        moved = (pl.col("__op") == "c") & pl.col("__unavailable").is_not_null()
        origin = dict(zip(FIRST, ("__epoch", "__lsn", "__ordinal"), strict=True))
        firsts = [pl.when(moved).then(pl.col(of).cast(pl.Int64)).otherwise(0).alias(name) for name, of in origin.items()]
        return events.with_columns(*firsts, pl.lit(Layer.BATCH.value).alias("__layer"))

    def _waiting(self, waiters: pl.DataFrame) -> pl.DataFrame:
        op = pl.when(pl.col("__deleted")).then(pl.lit("d")).otherwise(pl.lit("u")).alias("__op")
        images_of = images.decode(waiters["__image"], self._columns)
        layer = waiters.with_columns(op, pl.lit(Layer.WAITING.value).alias("__layer")).drop("__deleted", "__image")
        return pl.concat([layer, images_of], how="horizontal")

    def _mapped(self, cursor: Cursor, keys: Sequence[str]) -> pl.DataFrame:
        """The mapping of some keys as a layer; an image that was not kept is as good as none."""
        query = f"""
            SELECT legacy_key, epoch, commit_lsn, ordinal, CAST(state AS text), partition, "offset", CAST(original AS text), owed IS NOT NULL
            FROM {self.plan.mapping} WHERE generation = 1 AND source = %s AND legacy_key = ANY(%s)"""  # noqa: S608 - a quoted name
        rows = cursor.execute(query, [str(self.plan.entity.source), list(keys)]).fetchall()
        frame = pl.DataFrame(rows, schema=_MAPPED, orient="row")
        gone = (pl.col("__state") == "d") | pl.col("__image").is_null()
        layer = frame.with_columns(
            pl.when(gone).then(pl.lit("d")).otherwise(pl.lit("u")).alias("__op"), pl.lit(Layer.MAPPING.value).alias("__layer")
        ).drop("__image")
        return pl.concat([layer, images.decode(frame["__image"], self._columns)], how="horizontal")

    def _owed(self, cursor: Cursor, wake: Sequence[str], folded: set[str]) -> pl.DataFrame:
        """Rows that owe a reference, as they stand in the mapping: applied again at an equal id."""
        rows = self._plain(self._mapped(cursor, [key for key in wake if key not in folded]))
        lacks_nothing = pl.lit(None, dtype=pl.List(pl.String)).alias("__unavailable")
        return rows.filter((pl.col("__owed")) & (pl.col("__state") == "l")).with_columns(lacks_nothing)

    # --------------------------------------------------------------------------------------------------------- writing
    def _identified(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(self._transform.ids(rows["__key"]))

    def _apply(self, cursor: Cursor, rows: pl.DataFrame, ground: Ground) -> set[str]:
        """Apply whole rows; where they fail, halves of them, down to the record at fault.

        Returns:
            The keys that were set aside.
        """
        if rows.is_empty():
            return set()
        try:
            with cursor.connection.transaction():
                return self._write(cursor, rows, ground)
        except (psycopg.Error, RecordError) as error:
            if cursor.connection.info.transaction_status is not TransactionStatus.INTRANS or not is_of_a_record(error):
                raise
            if rows.height == 1:
                return self._refused(cursor, rows, error)
        half = rows.height // 2
        return self._apply(cursor, rows[:half], ground) | self._apply(cursor, rows[half:], ground)

    def _refused(self, cursor: Cursor, rows: pl.DataFrame, error: psycopg.Error | RecordError) -> set[str]:
        key = str(rows["__key"][0])
        reason = reason_of(error)
        return self._keep(cursor, rows, {key: reason})

    def _write(self, cursor: Cursor, rows: pl.DataFrame, ground: Ground) -> set[str]:
        aside = self._stage(cursor, rows)
        deletes = bool((rows["__op"] == "d").any())
        self._look_up(cursor)
        aside |= judge(cursor, self.plan, ground.watermarks, deletes=deletes)
        self._upsert(cursor, deletes=deletes or self.plan.entity.where is not None)
        kept = self._keep(cursor, rows, aside)
        if self.plan.defers:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"DELETE FROM {self.plan.stage}")  # noqa: S608 - a quoted name
        return kept

    def _stage(self, cursor: Cursor, rows: pl.DataFrame) -> dict[str, Reason]:
        """Fill the stage; rows that a rule in columns refuses are returned instead."""
        derived = self._transform.derive(rows)
        deleted = pl.col("__op") == "d"
        faulty = derived.filter(pl.col("__fault").is_not_null() & ~deleted)
        sound = derived.filter(pl.col("__fault").is_null() | deleted) if faulty.height else derived
        original = images.encode(sound, self._columns) if self.plan.entity.originals else pl.Series([None] * sound.height, dtype=pl.String)
        full = sound.with_columns(
            original.alias("__original"),
            pl.when(deleted).then(pl.lit("d")).otherwise(pl.lit("l")).alias("__state"),
            pl.lit(None, dtype=pl.String).alias("__owed"),
        ).with_columns(pl.when(deleted).then(None).otherwise(pl.col("__original")).alias("__original"))
        lines = staging.copy_text(full.select(list(self._staged)))
        staging.copy_into(cursor, self.plan.stage, [ident(name) for name in self._staged], lines)
        return {str(key): broken(f"columns.{column}") for key, column in faulty.select("__key", "__fault").iter_rows()}

    def _look_up(self, cursor: Cursor) -> None:
        """References whose key is an SQL expression: evaluated by the target, made UUIDs here."""
        for derived in self.plan.derived:
            if isinstance(derived.rule, Ref) and derived.rule.sql:
                found = cursor.execute(statement.reference_keys(self.plan, derived.rule.sql)).fetchall()
                keys = pl.DataFrame(found, schema={"__key": pl.String, "ref": pl.String}, orient="row")
                ids = self._transform.references(derived.rule.ref, keys["ref"])
                cursor.execute(statement.set_references(self.plan, derived.name), [keys["__key"].to_list(), ids.to_list()])

    def _upsert(self, cursor: Cursor, *, deletes: bool) -> None:
        if self.plan.defers:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        if not self.plan.has_secondary:
            cursor.execute(statement.merge(self.plan, deletes=deletes))
            return
        cursor.execute(statement.win(self.plan))
        cursor.execute(statement.delete_winners(self.plan))
        self._release(cursor)
        cursor.execute(statement.update_winners(self.plan))
        cursor.execute(statement.insert_winners(self.plan))
        cursor.execute(f"DELETE FROM {statement.winners(self.plan)}")  # noqa: S608 - a quoted name

    def _release(self, cursor: Cursor) -> None:
        """Let go of unique values that other rows of the batch take over."""
        for key in self.plan.uniques:
            ids = [row[0] for row in cursor.execute(statement.takeovers(self.plan, key)).fetchall()]
            query = statement.release(self.plan, key)
            if ids and query:
                cursor.execute(query, [ids])

    # ------------------------------------------------------------------------------------------------------ what waits
    def _keep(self, cursor: Cursor, rows: pl.DataFrame, aside: Mapping[str, Reason]) -> set[str]:
        """Save what was set aside, but for what is stale."""
        if not aside:
            return set()
        chosen = rows.filter(pl.col("__key").is_in(list(aside)))
        stale = self._stale(cursor, list(aside), chosen)
        chosen = chosen.filter(~pl.col("__key").is_in(list(stale)))
        self._set_aside(cursor, chosen, [aside[key] for key in chosen["__key"].to_list()])
        absent = [key for key in chosen["__key"].to_list() if aside[key].why is Why.PARENT]
        self._withdraw(cursor, absent)
        return set(chosen["__key"].to_list())

    def _set_aside(self, cursor: Cursor, rows: pl.DataFrame, reasons: Sequence[Reason]) -> None:
        waiting.save(cursor, self.plan, rows, reasons)

    def _stale(self, cursor: Cursor, keys: Sequence[str], rows: pl.DataFrame) -> set[str]:
        """Which of these rows are no newer than what the mapping knows."""
        mapped = self._mapped(cursor, keys)
        known = {key: (EventId(*event_id), state, owed) for key, *event_id, state, owed in mapped.select("__key", "__epoch", "__lsn", "__ordinal", "__state", "__owed").iter_rows()}
        stale = set()
        for key, *parts in rows.select("__key", "__epoch", "__lsn", "__ordinal").iter_rows():
            if key in known:
                event_id, state, owed = known[key]
                mine = EventId(*parts)
                if mine < event_id or (mine == event_id and state != "p" and not owed):
                    stale.add(key)
        return stale

    def _withdraw(self, cursor: Cursor, keys: Sequence[str]) -> None:
        """Take older versions of rows that wait for an absent parent out of the target, unless children hold them."""
        if not keys:
            return
        held = " ".join(f"AND NOT EXISTS (SELECT FROM {ident(*child.place)} c WHERE c.{ident(child.column)} = t.{self.plan.id})" for child in self.plan.children)
        cursor.execute(
            f"""
            WITH old AS (
                SELECT m.id, m.legacy_key FROM {self.plan.mapping} m
                WHERE m.generation = 1 AND m.source = %s AND m.legacy_key = ANY(%s) AND m.state = 'l'),
            gone AS (DELETE FROM {self.plan.table} t USING old WHERE t.{self.plan.id} = old.id {held} RETURNING old.legacy_key)
            UPDATE {self.plan.mapping} m SET state = 'p' FROM gone
            WHERE m.generation = 1 AND m.source = %s AND m.legacy_key = gone.legacy_key""",  # noqa: S608 - quoted names
            [str(self.plan.entity.source), list(keys), str(self.plan.entity.source)],
        )


_META_TYPES = {
    "__key": pl.String,
    "__epoch": pl.Int32,
    "__lsn": pl.Int64,
    "__ordinal": pl.Int64,
    "__op": pl.String,
    "__unavailable": pl.List(pl.String),
    "__partition": pl.Int32,
    "__offset": pl.Int64,
}
_MAPPED = {
    "__key": pl.String,
    "__epoch": pl.Int32,
    "__lsn": pl.Int64,
    "__ordinal": pl.Int64,
    "__state": pl.String,
    "__partition": pl.Int32,
    "__offset": pl.Int64,
    "__image": pl.String,
    "__owed": pl.Boolean,
}


def _at_least(event_id: EventId) -> pl.Expr:
    epoch, lsn, ordinal = pl.col("__epoch"), pl.col("__lsn"), pl.col("__ordinal")
    same_lsn = (lsn > event_id.lsn) | ((lsn == event_id.lsn) & (ordinal >= event_id.ordinal))
    return (epoch > event_id.epoch) | ((epoch == event_id.epoch) & same_lsn)


def is_retried(error: Exception) -> bool:
    """Whether an error says nothing about the rows, so that the whole batch is tried again."""
    state = getattr(error, "sqlstate", None)
    return isinstance(error, psycopg.OperationalError) if state is None else state.startswith(RETRIED)


def is_of_a_record(error: psycopg.Error | RecordError) -> bool:
    """Whether an error speaks of a record, so that the others of the batch can go on."""
    return isinstance(error, RecordError) or (error.sqlstate or "").startswith(OF_A_RECORD)


def reason_of(error: psycopg.Error | RecordError) -> Reason:
    """Why a single record could not go in. PostgreSQL's own text is left out: it quotes values."""
    if isinstance(error, RecordError):
        return Reason(why=Why.RULE, error=error.detail, column=str(error.context.get("column", "")) or None)
    place = error.diag
    known = {"sqlstate": error.sqlstate, "constraint": place.constraint_name, "column": place.column_name}
    if error.sqlstate == _FOREIGN_KEY:
        return Reason(why=Why.PARENT, waits_for=place.constraint_name, **known)
    if error.sqlstate == _UNIQUE:
        return Reason(why=Why.UNIQUE, waits_for=place.constraint_name, **known)
    return Reason(why=Why.RULE, error=f"the target refused the row: {type(error).__name__}", **known)
