"""The account as one page of HTML that stands by itself: an auditor can keep it. Pure."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template

from ops.proof.account import Account, EntityAccount
from ops.proof.classes import Class
from ops.proof.totals import Total
from schemas.event_id import lsn_text

_PAGE = Template(files("ops.proof").joinpath("account_page.html").read_text(encoding="utf-8"))
_HEADINGS = (
    "entity", "legacy table", "target table", "rows in the source", "in the target", "merged", "dead letters", "parked",
    "excluded", "unaccounted",
)  # fmt: skip
# Of each entity; a page of a million keys helps nobody.
KEYS_SHOWN_MAX = 1_000


def page(account: Account) -> str:
    """The whole page."""
    return _PAGE.substitute(
        pipeline=escape(account.pipeline),
        verdict=escape(account.verdict()),
        state="clean" if account.is_clean else "open",
        facts=_facts(account),
        domains="\n".join(_domain(account, name) for name in _domains(account)),
        unread=_unread(account),
        rules="\n".join(
            f"<details><summary>{escape(e.entity)}</summary><pre>{escape(e.rules)}</pre></details>"
            for e in account.entities
        ),
    )


def _facts(account: Account) -> str:
    facts = {
        "Exact point": f"LSN {lsn_text(account.lsn)} of the source",
        "Time": account.at.isoformat(timespec="seconds"),
        "Workers were held for": f"{account.held_s:.1f} s",
        **{f"Version, {name}": text for name, text in account.versions.items()},
    }
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())


def _domains(account: Account) -> list[str]:
    return list(dict.fromkeys(entity.domain for entity in account.entities))


def _domain(account: Account, name: str) -> str:
    entities = [entity for entity in account.entities if entity.domain == name]
    title = f"<h2>{escape(name.capitalize() or 'Rows')}</h2>"
    parts = [title, _table(_HEADINGS, [_row(entity) for entity in entities])]
    reasons = [row for entity in entities for row in _reasons(entity)]
    if reasons:
        title = "<h3>What stays behind, and what was repaired</h3>"
        parts += [title, _table(("entity", "rows", "as", "why"), reasons)]
    totals = [row for entity in entities for row in _totals(entity)]
    if totals:
        headings = ("entity", "column", "by", "of", "source", "target", "")
        parts += ["<h3>Totals</h3>", _table(headings, totals)]
    return "\n".join(parts)


def _row(entity: EntityAccount) -> list[object]:
    counts = [
        entity.counts[class_]
        for class_ in (
            Class.TARGET,
            Class.MERGED,
            Class.DEAD_LETTER,
            Class.PARKED,
            Class.EXCLUDED,
        )
    ]
    unaccounted = len(entity.unaccounted) + len(entity.extra)
    return [
        entity.entity,
        entity.source,
        entity.target,
        entity.rows,
        *counts,
        unaccounted,
    ]


def _reasons(entity: EntityAccount) -> Iterator[list[object]]:
    for word, reasons in (
        ("dead letter", entity.dead_letters),
        ("parked", entity.parked),
        ("excluded by rule", entity.excluded),
    ):
        for reason, rows in reasons.items():
            yield [entity.entity, rows, word, reason]
    if entity.repaired:
        yield [
            entity.entity,
            entity.repaired,
            "repaired",
            "a parent was found by an alternative key",
        ]
    for word, keys in (("UNACCOUNTED", entity.unaccounted), ("NOT IN THE SOURCE", entity.extra)):
        for key in keys[:KEYS_SHOWN_MAX]:
            yield [entity.entity, 1, word, f"key {key}"]
        if keys[KEYS_SHOWN_MAX:]:
            yield [entity.entity, len(keys) - KEYS_SHOWN_MAX, word, "further keys, not listed"]


def _totals(entity: EntityAccount) -> Iterator[list[object]]:
    for total in entity.totals:
        yield [
            entity.entity, total.column, total.by or "all rows", total.group or "",
            _amount(total.source), _amount(total.target), _mark(total),
        ]  # fmt: skip


def _amount(value: object) -> str:
    return "" if value is None else f"{value:,}"


def _mark(total: Total) -> str:
    if total.problem:
        return f"not added up: {total.problem}"
    return "equal" if total.agrees else "DIFFERS"


def _unread(account: Account) -> str:
    if not account.unread:
        return ""
    rows: list[Sequence[object]] = list(account.unread.items())
    table = _table(("legacy table", "rows, about"), rows)
    return f"<h2>Legacy tables that no entity reads</h2>\n{table}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"
