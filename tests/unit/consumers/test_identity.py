"""Legacy key -> UUID."""

from decimal import Decimal
from uuid import UUID, uuid5

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.identity import MANY, Identity, composite, legacy_keys, normal_form

NAMESPACE = UUID("2b1f6e0a-9d5e-4b1e-8f41-6a1b7c8d9e0f")
KEY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(
    st.lists(KEY | st.none(), max_size=20),
    st.sampled_from(["orders", "Ärzte", "a:b"]),
    st.sampled_from([0, MANY]),
)
def test_the_uuid_is_uuid5_of_entity_and_key(few: list[str | None], entity: str, more: int) -> None:
    keys = [*few, *map(str, range(more))]
    column = pl.Series(keys, dtype=pl.String)
    wanted = [None if key is None else uuid5(NAMESPACE, f"{entity}:{key}").hex for key in keys]
    assert Identity(NAMESPACE, entity).column(column).to_list() == wanted


def test_a_key_of_bytes_is_the_text_that_the_server_prints() -> None:
    column = pl.Series("k", [b"\0\xff", b"", None])
    assert normal_form(column, "bytea").to_list() == ["\\x00ff", "\\x", None]


def test_an_override_wins_over_the_computed_uuid() -> None:
    other = "018f3c1e-0000-7000-8000-000000000001"
    identity = Identity(NAMESPACE, "orders", {"7": other})
    for count in (9, MANY):
        found = identity.column(pl.Series(map(str, range(count)), dtype=pl.String))
        assert found[7] == UUID(other).hex
        assert found[8] == uuid5(NAMESPACE, "orders:8").hex


@given(st.lists(KEY, min_size=2, max_size=3), st.lists(KEY, min_size=2, max_size=3))
def test_case_010_two_composite_keys_are_never_one_text(one: list[str], other: list[str]) -> None:
    assert (composite(one) == composite(other)) == (one == other)


def test_case_010_a_composite_key_has_its_parts_in_key_order() -> None:
    parts = [pl.Series(["1", "2"]), pl.Series(["a,b", 'q"\\']), pl.Series(["x", "Ä"])]
    assert legacy_keys(parts).to_list() == ['["1","a,b","x"]', '["2","q\\"\\\\","Ä"]']


def test_case_011_a_key_with_a_null_part_is_no_key() -> None:
    parts = [pl.Series(["1", None]), pl.Series(["a", "b"])]
    assert legacy_keys(parts).to_list() == ['["1","a"]', None]


@pytest.mark.parametrize(
    ("base", "text", "wanted"),
    [
        ("numeric", "1.0", "1"),
        ("numeric(10,2)", "1.00", "1"),
        ("numeric", "1.50", "1.5"),
        ("numeric", "100", "100"),
        ("numeric", "0.00", "0"),
        ("numeric", "-1.10", "-1.1"),
        ("numeric", "1000.0001000", "1000.0001"),
        ("numeric", "NaN", "NaN"),
        ("character(5)", "ab   ", "ab"),
        ("character(5)", " a   ", " a"),
        ("bpchar", "ab ", "ab"),
        ("text", "ab ", "ab "),
        ("text", "1.00", "1.00"),
        ("character varying(9)", "x ", "x "),
        ("uuid", "018f3c1e-0000-7000-8000-000000000001", "018f3c1e-0000-7000-8000-000000000001"),
    ],
)
def test_case_015_a_key_is_compared_in_the_normal_form_of_its_type(
    base: str, text: str, wanted: str
) -> None:
    assert normal_form(pl.Series([text, None]), base).to_list() == [wanted, None]


def test_an_integer_refers_to_a_numeric_key() -> None:
    integer = normal_form(pl.Series([5, None], dtype=pl.Int64), "bigint")
    assert integer.to_list() == normal_form(pl.Series(["5.00", None]), "numeric(9,2)").to_list()


FINITE = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)


@given(FINITE, FINITE)
def test_numerics_have_one_normal_form_where_they_are_equal(one: Decimal, other: Decimal) -> None:
    texts = [f"{abs(value) if value == 0 else value:f}" for value in (one, other)]
    forms = normal_form(pl.Series(texts), "numeric").to_list()
    assert (forms[0] == forms[1]) == (one == other)
