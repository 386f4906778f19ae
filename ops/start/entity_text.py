"""The text of an entity file. Pure."""

from collections.abc import Iterator

from ops.start import toml_text
from ops.start.legacy import Place
from ops.start.proposal import Proposal, Toml


def entity_file(proposal: Proposal) -> str:
    """An entity file with its comments."""
    heads: list[tuple[str, Toml, list[str]]] = [
        ("source", place(proposal.source), []),
        ("target", place(proposal.target), []),
    ]
    if proposal.topic:
        heads.append(("topic", proposal.topic, []))
    columns = [(column.name, column.written, column.notes) for column in proposal.columns]
    blocks = [
        [*map(toml_text.comment, proposal.notes), *toml_text.lines(heads)],
        ["[columns]", *toml_text.lines(columns)],
        list(_left_out(proposal)),
        list(_open(proposal)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def place(of: Place) -> Toml:
    """A table as entity files name it: in two parts where a name has a dot."""
    if any("." in part for part in of):
        return {"schema": of[0], "table": of[1]}
    return ".".join(of)


def _left_out(proposal: Proposal) -> Iterator[str]:
    if proposal.left_out:
        yield "# No rule reads these legacy columns; they stay in the original row:"
        for name, why in proposal.left_out.items():
            yield toml_text.comment(f"  {toml_text.string(name)}: {why}")


def _open(proposal: Proposal) -> Iterator[str]:
    if proposal.open_columns:
        yield "# No legacy column is called like these columns of the target:"
        for text in proposal.open_columns:
            yield toml_text.comment(f"  {text}")
