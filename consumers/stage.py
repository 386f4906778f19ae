"""The stage of one entity: from whole legacy rows to rows of its staging table, with what its rules make of them."""

import polars as pl
import psycopg

from consumers import images, judge_sql, staging, statement, waiting
from consumers.numbered import execute
from consumers.overlay import META
from consumers.plan import EntityPlan
from consumers.staging import Lines
from consumers.transform import Transform
from schemas.rules import Ref

Cursor = psycopg.Cursor[tuple[object, ...]]
# Dead rows of a staging table are read with every batch; to truncate it means to plan its statements anew.
STAGE_BYTES_MAX = 1_000_000
_SIZE = "SELECT pg_relation_size(%s::regclass) + pg_relation_size(%s::regclass)"


class Stage:
    """Fills the staging table of one entity."""

    def __init__(self, plan: EntityPlan, transform: Transform) -> None:
        """Take the compiled entity, and its rules in columns."""
        self.plan = plan
        self._transform = transform
        self._columns = plan.legacy.columns
        self._staged = statement.stage_columns(plan)

    def prepare(self, cursor: Cursor) -> None:
        """Create the staging tables of this connection."""
        cursor.execute(statement.create_stage(self.plan))
        cursor.execute(waiting.CREATE_STAGE)

    def tidy(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Give back what rows of earlier batches have left of the staging tables; outside of a transaction."""
        stage, won = self.plan.stage, statement.winners(self.plan)
        (size,) = connection.execute(_SIZE, [stage, won]).fetchall()[0]
        if int(str(size)) > STAGE_BYTES_MAX:
            connection.execute(f"TRUNCATE {stage}, {won}".encode())

    def empty(self, cursor: Cursor) -> None:
        """Forget all rows; at once, and without a trace, in the transaction that made the tables."""
        cursor.execute(f"TRUNCATE {self.plan.stage}")

    def keys(self, legacy: pl.DataFrame) -> pl.Series:
        """The legacy key of each row."""
        return self._transform.keys(legacy)

    def put(self, cursor: Cursor, lines: Lines) -> None:
        """Take rows into the stage, and look up what the target has to be asked for."""
        staging.copy_into(cursor, self.plan.stage, lines)
        self._look_up(cursor)

    def lines(self, rows: pl.DataFrame, *, images_too: bool = True) -> Lines:
        """Whole rows as the stage takes them.

        Raises:
            RecordError: A Python rule fails.
        """
        deleted = pl.col("__op") == "d"
        derived = self._transform.derive(rows)
        state = pl.when(deleted).then(pl.lit("d")).otherwise(pl.lit("l")).alias("__state")
        nothing = (pl.lit(None, dtype=pl.String).alias(name) for name in ("__owed", "__repaired"))
        ids = self._transform.ids(rows)
        moved = self._transform.moved_to(rows["__moved_to"])
        original = self._original(rows, kept=images_too and self.plan.entity.originals)
        full = derived.with_columns(ids, state, *nothing, moved, original)
        return staging.lines_of(full.select(list(self._staged)))

    def fill(self, cursor: Cursor, legacy: pl.DataFrame) -> None:
        """Fill the empty stage with what the rules make of legacy rows, and nothing more; for who only looks.

        Args:
            cursor: In a transaction.
            legacy: Whole rows, in the legacy columns alone.

        Raises:
            RecordError: A Python rule fails.
        """
        self.put(cursor, self.lines(self._whole(legacy), images_too=False))

    def derived(self, legacy: pl.DataFrame) -> pl.DataFrame:
        """Whole legacy rows, as `fill` takes them, with `__id` and what is computed in columns.

        Raises:
            RecordError: A Python rule fails.
        """
        rows = self._whole(legacy)
        return self._transform.derive(rows).with_columns(self._transform.ids(rows))

    def _whole(self, legacy: pl.DataFrame) -> pl.DataFrame:
        """Legacy rows as rows of events that write them."""
        absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in META.items()]
        return legacy.with_columns(*absent).with_columns(
            self.keys(legacy), pl.lit("u").alias("__op")
        )

    def _original(self, rows: pl.DataFrame, *, kept: bool) -> pl.Expr:
        """The image of each row; none for deletes, which leave the last one in the mapping."""
        if not kept:
            return pl.lit(None, dtype=pl.String).alias("__original")
        image = pl.lit(images.encode(rows, self._columns))
        return pl.when(pl.col("__op") == "d").then(None).otherwise(image).alias("__original")

    def _look_up(self, cursor: Cursor) -> None:
        """References that the target has to be asked for: by an alternative key, or one that is an SQL expression."""
        for reference in self.plan.references:
            if reference.lookup:
                cursor.execute(judge_sql.look_up(self.plan, reference, reference.lookup))
        for derived in self.plan.derived:
            if isinstance(derived.rule, Ref) and derived.rule.sql:
                query = judge_sql.reference_keys(self.plan, derived.rule.sql)
                found = cursor.execute(query).fetchall()
                refs = pl.Series([ref for _, ref in found], dtype=pl.String)
                ids = self._transform.references(derived.rule.ref, refs)
                fill = judge_sql.set_references(self.plan, derived.name)
                execute(cursor, fill, [key for key, _ in found], ids.to_list())
