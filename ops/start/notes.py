"""What the writer of an entity file should know of a legacy table and its columns, in words. Pure."""

from collections.abc import Iterator

from ops.start.legacy import LegacyTable
from ops.start.links import Link
from ops.start.sampling import Sampled
from schemas.table import Column, ReplicaIdentity

_NOT_ASKED = "not sampled, for that takes too long here"
_LARGE = ("text", "character varying", "bytea", "json", "jsonb", "xml")


def of_table(table: LegacyTable) -> Iterator[str]:
    """The risks of capturing it."""
    about = table.table
    if not about.key:
        yield from _without_key(table)
    if about.key_deferrable:
        yield "RISK: the primary key is deferrable: drop the constraint and add it again without DEFERRABLE"
    if about.kind == "p":
        yield "partitioned; do not ATTACH, DETACH or TRUNCATE a partition while the migration runs"
    if not table.facts.is_logged:
        yield "RISK: unlogged, so its changes are in no WAL: ALTER TABLE ... SET LOGGED"
    if table.facts.hides_rows:
        yield "RISK: row security hides rows from the role that read this"
    if not table.facts.may_read:
        yield "RISK: the role that read this may not SELECT here, so nothing was sampled"
    large = [name for name in table.facts.toastable if _is_large(table.column(name))]
    if large and about.identity is not ReplicaIdentity.FULL:
        names = ", ".join(large)
        yield f"updates may leave out large values of {names}: `originals` completes them, so leave that on"


def _is_large(column: Column) -> bool:
    """Whether values may well be longer than the 2 kB from which on they are stored apart (TOAST)."""
    return column.base in _LARGE or column.base.endswith("[]")


def _without_key(table: LegacyTable) -> Iterator[str]:
    yield "RISK: no primary key, so no row can be followed: ALTER TABLE ... ADD PRIMARY KEY (...) before anything else"
    for key in table.uniques:
        columns = [table.column(name) for name in key.columns]
        if key.plain and not key.deferrable and all(column.not_null for column in columns):
            yield f"      its index {key.name} would do: ... ADD PRIMARY KEY USING INDEX {key.name}"


def of_type(column: Column) -> Iterator[str]:
    """What becomes of a type."""
    if column.base == "text" and column.type != "text":
        yield f"{column.type} is no type of PostgreSQL's own: its text is kept"
    elif column.base != column.type:
        yield f"{column.type} is a domain: what it checks does not come along"
    elif _names_a_thing(column):
        yield f"{column.type} names a thing of the legacy server, which has no home on another: its text is kept"
    elif column.type == "money":
        yield 'money is without its currency: { sql = "...::numeric" } and a numeric column are better'
    if column.base.startswith("timestamp") and column.base.endswith("without time zone"):
        yield 'a local time; for a moment: { from = ..., timezone = "Europe/Vienna" } and timestamptz'


def home(column: Column) -> str:
    """The type of a proposed column: the same where it is PostgreSQL's own, else what holds every text of it."""
    return "text" if _names_a_thing(column) else column.base


def _names_a_thing(column: Column) -> bool:
    """Whether values are the names of tables, types or roles (regclass and the like)."""
    return column.base == column.type and column.type.startswith("reg")


def of_link(link: Link, parent: str) -> Iterator[str]:
    """What is known of a reference."""
    sampled = link.sampled
    if not link.is_likely:
        yield f"{', '.join(link.columns)} may mean {parent}, by its name; {_doubt(sampled)}"
        return
    if not link.declared:
        yield "no foreign key says so: by its name, and by sampled values"
    if sampled is None:
        yield _NOT_ASKED
    elif sampled.orphans:
        yield (
            f"RISK: of {sampled.values} sampled values {sampled.orphans} have no parent; "
            'once they are mended: missing = "park", and a foreign key'
        )


def _doubt(sampled: Sampled | None) -> str:
    if sampled is None:
        return _NOT_ASKED
    if not sampled.values:
        return "there were no values to sample"
    return f"but of {sampled.values} sampled values only {sampled.found} are there"
