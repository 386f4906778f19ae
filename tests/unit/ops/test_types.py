import pytest

from ops.preflight.types import is_narrower, lost, meet


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("integer", "bigint"),
        ("smallint", "numeric(10,0)"),
        ("text", "character varying(20)"),
        ("character(6)", "text"),
        ("uuid", "uuid"),
        ("date", "date"),
    ],
)
def test_keys_of_one_family_meet(one: str, other: str) -> None:
    assert meet(one, other)
    assert meet(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("integer", "text"),
        ("uuid", "text"),
        ("date", "timestamp without time zone"),
        ("integer", "integer[]"),
    ],
)
def test_keys_whose_texts_differ_do_not_meet(one: str, other: str) -> None:
    assert not meet(one, other)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("bigint", "integer"),
        ("numeric(10,2)", "bigint"),
        ("numeric(12,2)", "numeric(10,2)"),
        ("numeric(10,4)", "numeric(10,2)"),
        ("numeric", "numeric(30,10)"),
        ("integer", "numeric(10,2)"),
        ("text", "character varying(10)"),
        ("character varying(11)", "character varying(10)"),
        ("double precision", "real"),
        ("bigint", "double precision"),
        ("numeric", "double precision"),
    ],
)
def test_a_type_that_may_not_hold_the_value_is_narrower(source: str, target: str) -> None:
    assert is_narrower(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("integer", "bigint"),
        ("integer", "numeric(12,2)"),
        ("numeric(12,2)", "numeric(14,2)"),
        ("numeric(10,2)", "numeric"),
        ("character varying(10)", "character varying(10)"),
        ("character(3)", "text"),
        ("smallint", "real"),
        ("real", "double precision"),
        ("timestamp(3) without time zone", "timestamp without time zone"),
    ],
)
def test_a_type_that_holds_every_value_is_not_narrower(source: str, target: str) -> None:
    assert not is_narrower(source, target)


@pytest.mark.parametrize(
    ("source", "target", "wanted"),
    [
        ("timestamp without time zone", "date", "time of day"),
        ("timestamp(3) with time zone", "time without time zone", "date"),
        ("time with time zone", "time without time zone", "offset"),
        ("interval", "time without time zone", "days"),
        ("timestamp without time zone", "timestamp(3) with time zone", "decimals"),
        ("numeric(14,2)", "numeric(10,0)", "decimals"),
        ("numeric(14,2)", "bigint", "decimals"),
        ("numeric", "integer", "decimals"),
        ("double precision", "integer", "decimals"),
    ],
)
def test_a_type_without_a_place_for_a_part_of_every_value_loses_it(
    source: str, target: str, wanted: str
) -> None:
    assert lost(source, target) == wanted


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("date", "timestamp without time zone"),
        ("time(3) without time zone", "interval"),
        ("timestamp with time zone", "timestamp without time zone"),
        ("numeric(10,0)", "bigint"),
        ("numeric", "numeric(12,2)"),
        ("bigint", "integer"),
        ("text", "date"),
        ("numeric(14,2)", "text"),
    ],
)
def test_a_type_that_may_be_too_narrow_for_some_values_loses_nothing(
    source: str, target: str
) -> None:
    assert lost(source, target) is None
