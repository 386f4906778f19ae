from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.complaints import did_you_mean
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.migration import load, waves

PIPELINE = """
pipeline = "clinic"
namespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
"""
HEAD = 'source = "public.orders"\ntarget = "clinic.orders"\n'
ENTITY = HEAD + "[columns]\nid = { uuid = true }\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a migration folder with one entity, orders."""

    def written(entity: str = ENTITY, pipeline: str = PIPELINE) -> Path:
        (tmp_path / "entities").mkdir()
        (tmp_path / "entities" / "orders.toml").write_text(entity)
        (tmp_path / "understudy.toml").write_text(pipeline)
        return tmp_path

    return written


def test_the_clinic_is_read_whole() -> None:
    clinic = load(Path("examples/clinic"), {})
    assert "orders" in clinic.entities
    assert sorted(name for group in clinic.waves for name in group) == sorted(clinic.entities)
    assert clinic.group_of("projects") == ("projects", "treatment_plans")
    assert clinic.topics["clinic.public.patients"] == ("patients",)


@pytest.mark.parametrize(
    ("line", "key", "text"),
    [
        ('x = { form = "y" }', "columns.x", "no rule is named here; write one of uuid, ref"),
        ('x = { from = "y", timezone = "UTC", gapp = "shift" }', "columns.x.gapp", "mean gap?"),
        ('x = { ref = "order", from = "y" }', "columns.x.ref", "no entity is called order; did"),
        ('x = { ref = "orders" }', "columns.x", "either `from` a column or from `sql`"),
        ('x = { ref = "orders", from = "y", missing = "parc" }', "columns.x.missing", "'park'"),
        ('x = { from = "y", values = {}, else = "drop" }', "columns.x.else", "'dead-letter'"),
        ('x = { python = "nothing", from = "y" }', "columns.x.python", 'write "module:function"'),
        ("x = { uuid = true }", "columns", "exactly one column must be the row's own"),
        ("x = 3", "columns.x", "no rule is named here"),
        ("[expect]\nt = 3", "expect.t", "valid string"),
    ],
)
def test_a_wrong_rule_is_named_by_file_and_key(
    write: Write, line: str, key: str, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(ENTITY + line), {})
    assert text in str(caught.value)
    assert str(caught.value.context["file"]).endswith("entities/orders.toml")
    assert caught.value.context["key"] == key


@pytest.mark.parametrize(
    ("entity", "key", "text"),
    [
        (ENTITY.replace("source", "sorce"), "sorce", "unknown key sorce; did you mean source?"),
        (ENTITY.replace("source", "#"), "source", "the key is missing"),
        ('keyy = ["id"]\n' + ENTITY, "keyy", "unknown key keyy; did you mean key?"),
        (ENTITY.replace("public.orders", "orders"), "source", 'write "schema.table"'),
        (ENTITY.replace("public.orders", "a.b.c"), "source", 'write "schema.table"'),
        (
            ENTITY.replace('"public.orders"', '{ schema = "a", tabel = "b" }'),
            "source.tabel",
            "did you mean table?",
        ),
        ("partitions = 9\n" + ENTITY, "partitions", "less than or equal to 8"),
        (HEAD, "columns", "the key is missing"),
        ("key = []\n" + ENTITY, "key", "name the columns of the legacy key"),
        ('key = [""]\n' + ENTITY, "key.0", "a name is wanted here, not an empty text"),
        ('key = ["id", "id"]\n' + ENTITY, "key", "each once"),
        (ENTITY.replace('"public.orders"', '"public."'), "source.table", "a name is wanted here"),
    ],
)
def test_a_wrong_entity_is_named_by_file_and_key(
    write: Write, entity: str, key: str, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(entity), {})
    assert text in str(caught.value)
    assert caught.value.context["key"] == key


@pytest.mark.parametrize(
    ("word", "words", "hint"),
    [
        ("public.ordes", ["public.others_", "public.orders"], "; did you mean public.orders?"),
        ("publc.orders", ["public.orders"], "; did you mean public.orders?"),
        ("public.invoices", ["public.orders", "public.visits"], ""),
        ("tint", ["columns", "ref"], ""),
    ],
)
def test_only_a_near_word_is_proposed_whatever_the_schemas_have_in_common(
    word: str, words: list[str], hint: str
) -> None:
    assert did_you_mean(word, words) == hint


@pytest.mark.parametrize(
    ("other", "key", "text"),
    [
        (ENTITY.replace("public.orders", "public.bills"), "target", "already the target of bills"),
        ('topic = "t"\n' + ENTITY.replace("clinic.orders", "clinic.b"), "topic", "another topic"),
    ],
)
def test_entities_share_neither_a_target_table_nor_a_source_table_with_two_topics(
    write: Write, other: str, key: str, text: str
) -> None:
    folder = write()
    (folder / "entities" / "bills.toml").write_text(other)
    with pytest.raises(ConfigError, match=text) as caught:
        load(folder, {})
    assert str(caught.value.context["file"]).endswith("entities/orders.toml")
    assert caught.value.context["key"] == key


def test_a_table_whose_name_has_a_dot_is_written_in_two_parts(write: Write) -> None:
    odd = '{ schema = "public", table = "Odd.Name" }'
    orders = load(write(ENTITY.replace('"public.orders"', odd)), {}).entities["orders"]
    assert orders.source.place == ("public", "Odd.Name")


@pytest.mark.parametrize(
    ("pipeline", "key", "text"),
    [
        (PIPELINE + "[sourc]\n", "sourc", "unknown key sourc; did you mean source?"),
        (PIPELINE + "[source]\ndns = 'x'", "source.dns", "unknown key dns; did you mean dsn?"),
        (PIPELINE + "[target]\nbatch_rows = 0", "target.batch_rows", "greater than"),
        (PIPELINE.replace("clinic", "Clinic"), "pipeline", "write up to 31 of"),
        (PIPELINE.replace("6ba7b810-", ""), "namespace", "write a UUID"),
    ],
)
def test_a_wrong_pipeline_is_named_by_file_and_key(
    write: Write, pipeline: str, key: str, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(pipeline=pipeline), {})
    assert text in str(caught.value)
    assert str(caught.value.context["file"]).endswith("understudy.toml")
    assert caught.value.context["key"] == key


def test_all_errors_of_a_file_are_told_at_once_and_a_misspelt_key_once(write: Write) -> None:
    wrong = PIPELINE.replace("clinic", "Clinic").replace("6ba7b810-", "")
    with pytest.raises(ConfigError) as caught:
        load(write(pipeline=wrong), {})
    (note,) = caught.value.__notes__
    assert "key=pipeline" in str(caught.value)
    assert "key=namespace" in note


def test_a_misspelt_key_is_not_called_missing_as_well(write: Write) -> None:
    with pytest.raises(ConfigError, match="unknown key sorce") as caught:
        load(write(ENTITY.replace("source", "sorce")), {})
    assert not hasattr(caught.value, "__notes__")


def test_a_file_in_place_of_its_folder_is_refused_with_the_folders_name(write: Write) -> None:
    folder = write()
    with pytest.raises(ConfigError, match="a folder is wanted") as caught:
        load(folder / "understudy.toml", {})
    assert caught.value.advice == f"Name {folder}."


def test_a_file_that_is_not_toml_or_not_there_is_named(write: Write) -> None:
    folder = write(entity="x = [")
    with pytest.raises(ConfigError, match=r"not readable as TOML.*orders\.toml"):
        load(folder, {})
    with pytest.raises(ConfigError, match=r"the folder does not exist folder=.*elsewhere"):
        load(folder / "elsewhere", {})
    with pytest.raises(ConfigError, match=r"the file does not exist.*understudy\.toml"):
        load(folder / "entities", {})
    (folder / "entities" / "orders.toml").unlink()
    with pytest.raises(ConfigError, match="there is no entity file"):
        load(folder, {})


def test_the_environment_is_laid_over_the_file(write: Write) -> None:
    folder = write(pipeline=PIPELINE + "[source]\ndsn = 'host=file'\nchunk_rows = 5000\n")
    environment = {
        "UNDERSTUDY_SOURCE__DSN": "host=environment",
        "UNDERSTUDY_HEARTBEAT_MS": "250",
        "UNDERSTUDY_FAILPOINT": "is no setting",
        "HOME": "is nothing of ours",
    }
    pipeline = load(folder, environment).pipeline
    assert pipeline.source.dsn is not None
    assert pipeline.source.dsn.get_secret_value() == "host=environment"
    assert (pipeline.source.chunk_rows, pipeline.heartbeat_ms) == (5000, 250)
    assert "environment" not in repr(pipeline)


@pytest.mark.parametrize("variable", ["SORCE__DSN", "SOURCE", "HEARTBEAT_MS__X", "SOURCE_DSN"])
def test_an_unknown_variable_stops_the_start(write: Write, variable: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown environment.*UNDERSTUDY_{variable}"):
        load(write(), {f"UNDERSTUDY_{variable}": "x"})


def test_a_wrong_value_of_the_environment_does_not_show(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(), {"UNDERSTUDY_TARGET__CONNECTIONS": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value)


def entity(name: str, parents: set[str], missing: str = "park") -> Entity:
    refs = {f"{p}_id": {"ref": p, "from": p, "missing": missing} for p in sorted(parents)}
    columns = {"id": {"uuid": True}, **refs}
    document = {"name": name, "source": "s.t", "target": "t.t", "columns": columns}
    return Entity.model_validate(document)


def reachable(edges: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Warshall: which entity waits, directly or not, for which."""
    found = {(child, parent) for child, parents in edges.items() for parent in parents}
    for middle, first, last in product(edges, repeat=3):
        if (first, middle) in found and (middle, last) in found:
            found.add((first, last))
    return found


@given(st.data())
def test_parents_come_before_children_and_rings_together(data: st.DataObject) -> None:
    found = "abcdefg"[: data.draw(st.integers(1, 7))]
    edges = {name: data.draw(st.sets(st.sampled_from(found))) for name in found}
    groups = waves({name: entity(name, parents) for name, parents in edges.items()})
    place = {name: at for at, group in enumerate(groups) for name in group}
    assert sorted(place) == sorted(found)
    waits = reachable(edges)
    for one, other in product(found, repeat=2):
        ring = one == other or {(one, other), (other, one)} <= waits
        assert (place[one] == place[other]) == ring
        if (one, other) in waits:
            assert place[other] <= place[one]


def test_a_reference_that_keeps_its_computed_key_waits_for_nobody() -> None:
    entities = {"a": entity("a", {"b"}, missing="keep"), "b": entity("b", {"a"})}
    assert waves(entities) == (("a",), ("b",))
