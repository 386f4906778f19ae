"""The SQL that compares a stage with the target, from an entity's plan. Pure; expectation.py puts the questions.

Values are compared by their bytes (the operator *<>): what another operator calls equal, such as 1.0 and 1.00, is not.
Source: PostgreSQL manual, "Composite Type Comparison".
"""

from consumers.conversion import ident, literal
from consumers.plan import EntityPlan, Written
from consumers.statement import LIVE, shaped


def compared(plan: EntityPlan) -> list[Written]:
    """The columns that are compared: all that an update writes."""
    return [written for written in plan.written if written.updatable]


def differing(plan: EntityPlan) -> str:
    """Rows of the stage that the target does not have as they are: legacy key, and whether it has them at all."""
    different = f"{_record(_ours(plan))} *<> {_record(_theirs(plan))}"
    return f"""
    SELECT v."__key", t.{plan.id} IS NOT NULL
    FROM {shaped(plan, LIVE)} v LEFT JOIN {plan.table} t ON t.{plan.id} = v."__id"
    WHERE t.{plan.id} IS NULL OR {different}"""


def left_in(plan: EntityPlan) -> str:
    """Legacy keys of the stage that the rules exclude, and that the target has all the same."""
    return f"""
    SELECT s."__key" FROM {plan.stage} s JOIN {plan.table} t ON t.{plan.id} = s."__id"
    WHERE s."__state" = 'x'"""


def side_by_side(plan: EntityPlan) -> str:
    """Of some rows ($1: legacy keys, text[]) each compared column as two texts, expected and found."""
    pairs = ", ".join(
        f"CAST({_cast(plan, w)} AS text), CAST(t.{ident(w.column)} AS text)" for w in compared(plan)
    )
    return f"""
    SELECT v."__key", {pairs or "NULL"}
    FROM {shaped(plan, f's."__key" = ANY($1) AND {LIVE}')} v JOIN {plan.table} t ON t.{plan.id} = v."__id\""""


def expected(plan: EntityPlan) -> str:
    """Rows of the stage as the target would have them: legacy key, and a text for each written column."""
    values = ", ".join(f"CAST({_cast(plan, written)} AS text)" for written in plan.written)
    return f"""SELECT v."__key", {values} FROM {shaped(plan, LIVE)} v"""


def standing(plan: EntityPlan) -> str:
    """What is recorded of some legacy keys ($1: text[]): the mapping, and what waits."""
    return f"""
    SELECT k.key, CAST(m.state AS text), m.spec_version, CAST(m.owed AS text[]), CAST(m.original AS text), w.reason,
        coalesce(w.deleted, false), m.state = 'x' AND {given_up(plan, "k.key")}
    FROM unnest($1::text[]) AS k (key)
    LEFT JOIN {plan.mapping} m ON m.legacy_key = k.key AND m.source = {plan.source} AND m.generation = 1
    LEFT JOIN understudy.waiting w ON w.generation = understudy.generation(w.entity) AND w.entity = {literal(plan.name)}
        AND w.source = {plan.source} AND w.legacy_key = k.key"""


def given_up(plan: EntityPlan, key: str) -> str:
    """Whether an operator has given a row up: it is excluded for good, whatever the rules say."""
    return f"""EXISTS (
        SELECT FROM understudy.audit_log a
        WHERE a.action = 'discard' AND a.subject = {literal(plan.name)} AND jsonb_exists(a.detail -> 'keys', {key}))"""


def present(plan: EntityPlan) -> str:
    """Those of some legacy keys ($1: text[]) whose row, by the mapping, stands in the target."""
    return f"""
    SELECT m.legacy_key FROM {plan.mapping} m JOIN {plan.table} t ON t.{plan.id} = m.id
    WHERE m.generation = 1 AND m.source = {plan.source} AND m.state = 'l' AND m.legacy_key = ANY($1)"""


def _record(values: str) -> str:
    """A row as one value; two row constructors would be compared column by column."""
    return f"CAST(ROW({values}) AS record)"


def _ours(plan: EntityPlan) -> str:
    return ", ".join(_cast(plan, written) for written in compared(plan))


def _theirs(plan: EntityPlan) -> str:
    return ", ".join(f"t.{ident(written.column)}" for written in compared(plan))


def _cast(plan: EntityPlan, written: Written) -> str:
    """An expected value as the column would store it."""
    column = plan.target.table.column(written.column)
    return f"CAST(v.{ident(written.column)} AS {column.type if column else 'text'})"
