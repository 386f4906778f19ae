"""The DDL of the proposed target tables. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumers.conversion import ident
from ops.start import toml_text
from ops.start.proposal import Proposal, Proposed

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_HEAD = """\
-- Proposed tables of the target, by `understudy init`: what the entity files beside it write. Change both as you like.
-- Not here: defaults, checks and triggers of the legacy tables, views, functions and rights."""
_SECURITY = """\
-- Row security, to begin with: who owns the tables, and migrates them, is not subject to it. Nobody else sees a row
-- until a policy says so.
-- CREATE ROLE app NOLOGIN;"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names as they stand in SQL.

    Attributes:
        reserved: Words that must be quoted.
    """

    reserved: frozenset[str]

    def of(self, *parts: str) -> str:
        """A name, quoted where it must be."""
        return ".".join(
            part if _PLAIN.fullmatch(part) and part not in self.reserved else ident(part)
            for part in parts
        )

    def all(self, parts: Sequence[str]) -> str:
        """Names in parentheses."""
        return f"({', '.join(map(self.of, parts))})"


def target_sql(proposals: Sequence[Proposal], names: Names) -> str:
    """One script for all tables that are not there yet, in one transaction; empty where all are."""
    new = [proposal for proposal in proposals if proposal.is_new]
    if not new:
        return ""
    by_name = {proposal.name: proposal for proposal in proposals}
    schemas = dict.fromkeys(proposal.target[0] for proposal in new)
    blocks = [
        [_HEAD],
        ["BEGIN;"],
        [f"CREATE SCHEMA IF NOT EXISTS {names.of(schema)};" for schema in schemas],
        *([*_table(proposal, names)] for proposal in new),
        [line for proposal in new for line in _references(proposal, by_name, names)],
        ["COMMIT;"],
        [
            _SECURITY,
            *(f"-- GRANT USAGE ON SCHEMA {names.of(schema)} TO app;" for schema in schemas),
            *(line for proposal in new for line in _row_security(proposal, names)),
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _table(proposal: Proposal, names: Names) -> Iterator[str]:
    yield toml_text.plain(f"-- {'.'.join(proposal.source)}")
    body = [f"{names.of(proposal.id_column)} uuid PRIMARY KEY DEFAULT gen_random_uuid()"]
    body += [_column(column, names) for column in proposal.columns[1:]]
    for key in proposal.uniques:
        nulls = "" if key.nulls_distinct else " NULLS NOT DISTINCT"
        body.append(f"UNIQUE{nulls} {names.all(key.columns)}")
    yield f"CREATE TABLE {names.of(*proposal.target)} ("
    yield ",\n".join(f"    {line}" for line in body)
    yield ");"


def _column(column: Proposed, names: Names) -> str:
    return f"{names.of(column.name)} {column.type}{' NOT NULL' if column.not_null else ''}"


def _references(proposal: Proposal, by_name: Mapping[str, Proposal], names: Names) -> Iterator[str]:
    """Foreign keys, and an index for each: a delete of the parent looks its children up."""
    table = names.of(*proposal.target)
    led = {key.columns[0] for key in proposal.uniques}
    for column in proposal.columns:
        if column.entity is None:
            continue
        parent = by_name[column.entity]
        there = f"{names.of(*parent.target)} {names.all([parent.id_column])}"
        key = f"ALTER TABLE {table} ADD FOREIGN KEY {names.all([column.name])} REFERENCES {there};"
        unsure = toml_text.plain(f"-- Some rows have no parent: {key}")
        yield key if column.has_foreign_key else unsure
        if column.name not in led:
            yield f"CREATE INDEX ON {table} {names.all([column.name])};"


def _row_security(proposal: Proposal, names: Names) -> Iterator[str]:
    table = names.of(*proposal.target)
    yield f"-- GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO app;"
    yield f"-- ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
    yield f"-- CREATE POLICY app ON {table} TO app USING (false) WITH CHECK (false);"
