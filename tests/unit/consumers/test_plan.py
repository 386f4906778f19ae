"""Entity files against tables, without a server."""

import pytest

from consumers.catalog import ForeignKey, UniqueKey
from consumers.plan import leaf
from schemas.errors import ConfigError
from schemas.rules import Missing
from tests.unit.consumers.planned import plan

TO_DOCTORS = ForeignKey(
    name="orders_doctor_fk",
    table=("app", "orders"),
    columns=("doctor_id",),
    parent=("app", "doctors"),
    parent_columns=("id",),
    deferrable=False,
    on_delete="a",
    on_update="a",
)


@pytest.mark.parametrize("name", ["__id", "__offset", "__12"])
def test_a_legacy_column_with_a_name_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"the column {name} of the legacy table has a name"):
        plan(legacy={name: "text"})
    plan(legacy={"__v": "integer"})


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({"name": "nam"}, "columns.name"),
        ({"name": {"from": "nam", "default": "x"}}, "columns.name"),
        ({"name": {"from": "nam", "timezone": "UTC"}}, "columns.name"),
        ({"name": {"from": "nam", "python": "a:b"}}, "columns.name"),
        ({"name": {"from": "nam", "values": {"1": "x"}}}, "columns.name"),
        ({"name": {"json": ["name", "nam"]}}, "columns.name"),
        ({"doctor_id": {"ref": "doctors", "from": "nam"}}, "columns.doctor_id"),
    ],
)
def test_a_legacy_column_that_is_not_there_is_named_with_file_and_key(
    rule: dict[str, object], key: str
) -> None:
    with pytest.raises(ConfigError, match="the legacy table has no column nam") as caught:
        plan(rule)
    assert caught.value.context == {
        "file": "orders.toml",
        "key": key,
        "table": "legacy.orders",
    }


def test_a_target_column_that_is_not_there_is_named_with_file_and_key() -> None:
    with pytest.raises(ConfigError, match="the target table has no column nam") as caught:
        plan({"nam": "name"})
    assert caught.value.context["key"] == "columns.nam"
    assert caught.value.advice


def test_case_009_a_table_without_a_key_wants_one_in_the_entity_file() -> None:
    with pytest.raises(ConfigError, match="no primary key") as caught:
        plan(primary_key=())
    assert caught.value.advice == 'Name the key: key = ["..."].'


def test_a_key_of_the_entity_file_goes_before_the_primary_key() -> None:
    assert [column.name for column in plan().key] == ["id"]
    assert [column.name for column in plan(key=["status", "name"]).key] == ["status", "name"]


def test_a_reference_parks_under_a_foreign_key_and_asks_nobody_without_one() -> None:
    rule = {"doctor_id": {"ref": "doctors", "from": "doctor"}}
    constrained = plan(rule, references=(TO_DOCTORS,))
    assert [reference.missing for reference in constrained.references] == [Missing.PARK]
    assert plan(rule).references == ()


def test_a_reference_that_is_filled_later_needs_the_original() -> None:
    rule = {"doctor_id": {"ref": "doctors", "from": "doctor", "missing": "null"}}
    assert plan(rule).references
    with pytest.raises(ConfigError, match="filled later from the original row"):
        plan(rule, originals=False)


def test_only_what_sql_reads_is_staged() -> None:
    compiled = plan(
        {
            "name": "name",
            "number": {"sql": "status + 1"},
            "doctor_id": {"ref": "doctors", "from": "doctor"},
        },
        where="DONE IS NOT TRUE",
    )
    assert [column.name for column in compiled.staged] == ["name", "status", "done"]
    assert [derived.column for derived in compiled.derived] == ["doctor_id"]


def test_a_unique_key_is_judged_where_the_rules_write_all_of_it() -> None:
    keys = tuple(
        UniqueKey(name=name, columns=columns, deferrable=False, plain=plain)
        for name, columns, plain in (
            ("pk", ("id",), True),
            ("name", ("name",), True),
            ("number", ("number",), True),
            ("both", ("name", "number"), True),
            ("lower", (), False),
        )
    )
    compiled = plan({"name": "name"}, uniques=keys)
    assert [key.name for key in compiled.uniques] == ["name"]
    assert compiled.has_secondary


def test_names_of_long_entities_are_not_cut_to_the_same_name() -> None:
    one, other = leaf("a" * 60 + "b"), leaf("a" * 60 + "c")
    assert one != other
    assert len(one.encode()) <= 63
    assert len(leaf("ä" * 40).encode()) <= 63
    assert leaf("orders") == "migration_mappings_orders"
