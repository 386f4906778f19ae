"""What the writer of an entity file should know of a legacy table and its columns, in words. Pure."""

from collections.abc import Iterator

from ops.start.legacy import LegacyTable
from ops.start.links import Link
from schemas.table import Column, ReplicaIdentity

_LOCAL = "timestamp without time zone"
_LARGE = ("text", "character varying", "bytea", "json", "jsonb", "xml")
# They name things of the server they are on.
_OF_A_SERVER = ("reg", "oid", "xid", "cid", "tid")


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
    elif column.type.startswith(_OF_A_SERVER):
        yield f"{column.type} names a thing of the legacy server, which has no home on another: its text is kept"
    elif column.type == "money":
        yield 'money is without its currency: { sql = "...::numeric" } and a numeric column are better'
    if column.base.startswith(_LOCAL) or column.base.startswith("timestamp("):
        yield 'a local time; for a moment: { from = ..., timezone = "Europe/Vienna" } and timestamptz'


def home(column: Column) -> str:
    """The type of a proposed column: the same where it is PostgreSQL's own, else what holds every text of it."""
    if column.base == column.type and column.type.startswith(_OF_A_SERVER):
        return "text"
    return column.base


def of_link(link: Link, parent: str) -> Iterator[str]:
    """What is known of a reference."""
    columns = ", ".join(link.columns)
    sampled = link.sampled
    if not link.declared and link.is_likely:
        yield "no foreign key says so: by its name, and by sampled values"
    if sampled is None:
        yield "not sampled: that takes too long here"
    elif not sampled.values and not link.declared:
        yield f"{columns} may mean {parent}, by its name; there were no values to sample"
    elif sampled.orphans and link.is_likely:
        yield (
            f"RISK: of {sampled.values} sampled values {sampled.orphans} have no parent; "
            'once they are mended: missing = "park", and a foreign key'
        )
    elif sampled.orphans:
        yield (
            f"{columns} may mean {parent}, by its name; "
            f"but of {sampled.values} sampled values only {sampled.found} are there"
        )
