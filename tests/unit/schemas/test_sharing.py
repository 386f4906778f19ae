"""Entities that write one target table say how they share it."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.migration import load

DOCTORS = """
source = "public.doctors"
target = "clinic.doctors"
{words}
[columns]
id = {{ uuid = true }}
name = "name"
"""
OTHERS = 'source = "public.others"\ntarget = "{target}"\n{words}\n[columns]\n{columns}\n'
OWN = "id = { uuid = true }"
UNION = 'merge = "union"'
JOIN = 'id = { join = "doctors", from = "doctor" }'
BIO = '\nbio = "bio"'


def loaded(folder: Path, *, doctors: str = "", **others: str) -> list[str]:
    """The names of the entities of a migration of doctors and others; its waves put doctors first."""
    (folder / "entities").mkdir()
    (folder / "understudy.toml").write_text(
        'pipeline = "clinic"\nnamespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"\n'
    )
    (folder / "entities" / "doctors.toml").write_text(DOCTORS.format(words=doctors))
    others = {"target": "clinic.doctors", "words": "", "columns": OWN} | others
    (folder / "entities" / "others.toml").write_text(OTHERS.format(**others))
    migration = load(folder, {})
    return [name for group in migration.waves for name in group]


def test_rows_of_their_own_are_a_union(tmp_path: Path) -> None:
    assert loaded(tmp_path, doctors=UNION, words=UNION) == ["doctors", "others"]


def test_columns_of_the_same_rows_are_joined_after_them(tmp_path: Path) -> None:
    assert loaded(tmp_path, columns=JOIN + '\nbio = "bio"') == ["doctors", "others"]


@pytest.mark.parametrize(
    ("others", "key", "text"),
    [
        ({}, "target", "clinic.doctors is already the target of doctors"),
        ({"words": UNION}, "target", "clinic.doctors is already the target of doctors"),
        ({"columns": JOIN + '\nname = "n"'}, "columns.name", "doctors writes the same column"),
        ({"columns": JOIN}, "", "adds columns to it"),
        (
            {"columns": JOIN + '\no = { ref = "doctors", from = "o" }'},
            "",
            "refers to nothing else",
        ),
        (
            {
                "target": "clinic.x",
                "columns": OWN + '\nx = { ref = "others", from = "x", by = "y", when = "z" }',
            },
            "columns.x.by",
            "it is the entity itself",
        ),
        ({"columns": JOIN + BIO, "target": "clinic.x"}, "target", "doctors writes another table"),
        ({"columns": JOIN + BIO, "words": UNION}, "", "and is no union"),
        ({"columns": JOIN + BIO, "words": "originals = false"}, "", "keeps its originals"),
        ({"columns": JOIN.replace("id =", "uid =") + BIO}, "columns.uid", "rows are known by id"),
        ({"columns": JOIN.replace("from", "sql")}, "columns.id.from", "is missing"),
        ({"columns": JOIN.replace("doctors", "doctor") + BIO}, "columns.id.join", "mean doctors?"),
        ({"columns": JOIN.replace("doctors", "others") + BIO}, "columns.id", "no rows of its own"),
        (
            {"columns": OWN + '\nx = { ref = "doctors", from = "x", by = "name" }'},
            "columns.x",
            "write both",
        ),
        (
            {"columns": OWN + '\nx = { ref = "doctors", sql = "x", by = "name", when = "y" }'},
            "columns.x",
            "`from` one column",
        ),
        (
            {
                "columns": OWN
                + '\nx = { ref = "doctors", from = "x", by = "name", when = "y", missing = "stub" }'
            },
            "columns.x",
            "must be there",
        ),
    ],
)
def test_what_does_not_say_it_or_cannot_be_is_refused(
    tmp_path: Path, others: dict[str, str], key: str, text: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, **others)
    assert text in str(refused.value)
    assert refused.value.context["key"] == key
    assert str(refused.value.context["file"]).endswith("others.toml")
