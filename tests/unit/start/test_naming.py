from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.start import naming
from schemas.names import PIPELINE

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize("name", ["orderNo", "OrderNo", "Order No.", "ORDER_NO", '"order"-no'])
def test_spellings_of_one_name_become_one(name: str) -> None:
    assert naming.snake(name) == "order_no"


@settings(max_examples=50)
@given(NAMES)
def test_every_name_becomes_one_that_postgresql_takes_and_does_not_cut(name: str) -> None:
    made = naming.snake(name)
    assert 0 < len(made.encode()) <= 63


@settings(max_examples=50)
@given(st.lists(NAMES))
def test_fresh_names_are_never_taken_twice(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(naming.fresh(naming.snake(name), taken))
    assert len(set(taken)) == len(taken)
    assert all(len(name.encode()) <= 63 for name in taken)


@pytest.mark.parametrize(
    ("column", "parent", "key", "name"),
    [
        ("customer_id", "customers", "id", "customer_id"),
        ("customer", "customers", "id", "customer_id"),
        ("custNo", "tblcust", "no", "cust_id"),
        ("billing_customer_no", "customers", "id", "billing_customer_id"),
        ("approved_by", "users", "id", "approved_by_id"),
        ("isbn", "books", "isbn", "book_id"),
        ("user", "User", "ID", "user_id"),
    ],
)
def test_a_reference_is_called_after_what_it_means(
    column: str, parent: str, key: str, name: str
) -> None:
    assert naming.reference(column, parent, key) == name


@pytest.mark.parametrize(
    ("word", "one"),
    [("addresses", "address"), ("cities", "city"), ("boss", "boss"), ("cats", "cat")],
)
def test_a_table_of_many_holds_one(word: str, one: str) -> None:
    assert naming.singular(word) == one


@pytest.mark.parametrize(
    ("schema", "target"),
    [("public", "shop"), ("Sales Data", "sales_data"), ("understudy", "new_understudy")],
)
def test_public_becomes_the_pipelines_schema_and_ours_stays_ours(schema: str, target: str) -> None:
    assert naming.schema(schema, "shop") == target


@pytest.mark.parametrize("name", ["Shop 2026", "2nd", "ümläut", "-", "x" * 80, "a-" * 30, "日本"])
def test_any_folder_gives_a_name_of_a_pipeline(name: str, tmp_path: Path) -> None:
    assert PIPELINE.fullmatch(naming.pipeline(tmp_path / name))
