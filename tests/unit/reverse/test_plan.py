"""The inverse plan: which legacy columns come out of a target row, and what is refused."""

from pathlib import Path
from typing import Any

from consumers.reverse.plan import Refusal, Surroundings, TableBack, compile_table, reads
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.pipeline import Pipeline
from schemas.rules import Sql
from schemas.table import Column, Table

LEGACY = ("id", "name", "status", "doctor", "kind")
TARGET = ("id", "name", "status", "doctor_id", "label")


def entity(name: str, columns: dict[str, Any], **words: Any) -> Entity:
    rules = {"id": {"uuid": True}} | columns
    document = {"name": name, "source": f"old.{name}", "target": "new.orders", "columns": rules}
    return Entity.model_validate(document | words)


def compiled(*entities: Entity, needed: str = "id") -> tuple[TableBack, tuple[Refusal, ...]]:
    """The way back of the table that some entities write; one legacy column is NOT NULL without a default."""
    found = {each.name: each for each in entities}
    pipeline = Pipeline.model_validate(
        {"pipeline": "p", "namespace": "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"}
    )
    migration = Migration(
        folder=Path(), pipeline=pipeline, entities=found, files={}, waves=tuple((n,) for n in found)
    )
    legacies = {name: table("old", name, LEGACY, needed) for name in found}
    around = Surroundings(migration=migration, legacies=legacies, server_version=180_000)
    return compile_table(table("new", "orders", TARGET), "p-back.new.orders", around)


def table(schema: str, name: str, columns: tuple[str, ...], needed: str = "") -> Table:
    found = (
        Column(name=c, type="text", base="text", not_null=c == needed, has_default=c == "id")
        for c in columns
    )
    return Table(schema=schema, name=name, columns=tuple(found), key=("id",))


def ways(*entities: Entity) -> list[str]:
    back, refusals = compiled(*entities)
    assert not refusals
    return [way.column.name for way in back.entities[0].ways]


def whats(*entities: Entity, needed: str = "id") -> list[str]:
    return [refusal.what for refusal in compiled(*entities, needed=needed)[1]]


def test_exact_rules_lead_back_and_what_no_rule_reads_has_no_way() -> None:
    rules = {"name": "name", "status": {"from": "status", "values": {"0": "open", "1": "paid"}}}
    assert ways(entity("orders", rules)) == ["name", "status"]


def test_an_inverse_is_of_the_one_column_that_no_exact_rule_gives() -> None:
    rules = {
        "status": "status",
        "name": {"sql": "case status when 'x' then name end", "inverse": "lower(name)"},
    }
    assert ways(entity("orders", rules)) == ["status", "name"]


def test_an_inverse_of_a_rule_that_reads_two_open_columns_does_not_say_of_which_it_is() -> None:
    rules = {"name": {"sql": "name || kind", "inverse": "name"}}
    assert len(whats(entity("orders", rules))) == 2


def test_a_rule_without_an_inverse_is_refused_unless_the_file_says_what_becomes_of_its_columns() -> (
    None
):
    rules = {"name": {"sql": "name || kind"}}
    assert len(whats(entity("orders", rules))) == 2
    said = {"keep": ["kind"], "columns": {"name": "split_part(name, '-', 1)"}}
    assert ways(entity("orders", rules, inverse=said)) == ["name"]


def test_values_lead_back_only_one_to_one() -> None:
    two = {"status": {"from": "status", "values": {"0": "open", "1": "open"}}}
    null = {"status": {"from": "status", "values": {"0": "open"}, "else": "null"}}
    keep = {"status": {"from": "status", "values": {"0": "open"}, "else": "keep"}}
    swapped = {"status": {"from": "status", "values": {"a": "b", "b": "a"}, "else": "keep"}}
    for rules in (two, null, keep):
        assert ["status" in what for what in whats(entity("orders", rules))] == [True]
    assert ways(entity("orders", swapped)) == ["status"]


def test_a_column_in_a_string_of_an_expression_is_not_read() -> None:
    assert not reads(Sql(sql="case name when 'kind' then 1 end"), "kind")
    assert reads(Sql(sql="case \"Kind\" when 'kind' then 1 end"), "kind")


def test_what_a_new_row_cannot_do_without_is_refused() -> None:
    rules = {"name": "name"}
    assert ["kind" in what for what in whats(entity("orders", rules), needed="kind")] == [True]
    assert not whats(entity("orders", rules, inverse={"new_rows": False}), needed="kind")


def test_exactly_one_of_several_entities_takes_new_rows() -> None:
    one = entity("orders", {"name": "name"}, merge="union")
    other = entity("others", {"name": "name"}, merge="union")
    taking = entity("others", {"name": "name"}, merge="union", inverse={"new_rows": True})
    assert ["new.orders" in what for what in whats(one, other)] == [True]
    back, refusals = compiled(one, taking)
    assert not refusals
    assert [each.takes_new for each in back.entities] == [False, True]


def test_a_reference_that_the_forward_side_may_owe_is_known_as_such() -> None:
    rules = {"doctor_id": {"ref": "orders", "from": "doctor", "missing": "null"}}
    back, _ = compiled(entity("orders", rules))
    assert [way.owed for way in back.entities[0].ways] == [True]
    assert [reference.staged for reference in back.entities[0].references] == ["doctor_id"]


def test_target_columns_that_no_legacy_column_has_are_one_way() -> None:
    rules = {
        "name": "name",
        "label": {"constant": "x"},
        "status": {"sql": "case when kind is null then status end"},
    }
    said = {"keep": ["kind"], "columns": {"status": "status"}}
    table, refusals = compiled(entity("orders", rules, inverse=said))
    assert not refusals
    assert [column for _, column in table.one_way()] == ["label"]
    assert table.takes_new
    table, _ = compiled(
        entity("orders", rules, inverse={"keep": ["kind", "status"], "new_rows": False})
    )
    assert [column for _, column in table.one_way()] == ["label", "status"]
    assert not table.takes_new
