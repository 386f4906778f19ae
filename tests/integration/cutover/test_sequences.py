"""Sequences of the target are set above what the rows brought along, once."""

from pathlib import Path

import psycopg
import pytest

from ops import databases
from ops.cutover import sequences
from schemas.migration import Migration, load

TARGET = """
CREATE SCHEMA app;
CREATE SEQUENCE app.numbers;
CREATE TABLE app.things (
    id uuid PRIMARY KEY, one serial, two int GENERATED ALWAYS AS IDENTITY, three bigint DEFAULT nextval('app.numbers'),
    four smallserial, five int DEFAULT 5
);
INSERT INTO app.things (id, one, two, three, four) OVERRIDING SYSTEM VALUE
VALUES (gen_random_uuid(), 70, 700, 7000, 32767);
CREATE TABLE app.empty (id uuid PRIMARY KEY, one serial);
"""
ENTITY = 'source = "public.{name}"\ntarget = "app.{name}"\n[columns]\nid = {{ uuid = true }}\n'


@pytest.fixture
def migration(tmp_path: Path, target_database: str) -> Migration:
    (tmp_path / "entities").mkdir()
    (tmp_path / "understudy.toml").write_text(
        'pipeline = "p"\nnamespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"\n'
    )
    for name in ("things", "empty"):
        (tmp_path / "entities" / f"{name}.toml").write_text(ENTITY.format(name=name))
    with psycopg.connect(target_database, autocommit=True) as connection:
        connection.execute(TARGET)
    return load(tmp_path, {})


def test_every_sequence_of_a_column_is_set_above_its_highest_value_and_never_back(
    migration: Migration, target_database: str
) -> None:
    with databases.target(target_database, "test") as target:
        raised = {one.column: one.value for one in sequences.raise_all(target, migration)}
        assert raised == {
            "app.things.one": 70 + sequences.MARGIN,
            "app.things.two": 700 + sequences.MARGIN,
            "app.things.three": 7000 + sequences.MARGIN,
            "app.things.four": 32767,
        }
        assert sequences.raise_all(target, migration) == []
        (row,) = target.execute(
            "INSERT INTO app.things (id, four) VALUES (gen_random_uuid(), 1) RETURNING one, two, three"
        ).fetchall()
        assert row == (71 + sequences.MARGIN, 701 + sequences.MARGIN, 7001 + sequences.MARGIN)
