"""The checker's own rules against what they must agree with."""

import uuid

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from examples.clinic.transforms import e164
from tests.checker.entities.foundation import phone_number
from tests.checker.identity import uuids

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(namespace=st.uuids(), entity=st.sampled_from(("orders", "jaws")), keys=st.lists(TEXTS))
def test_the_checkers_uuids_are_those_of_the_standard(
    namespace: uuid.UUID, entity: str, keys: list[str]
) -> None:
    found = uuids(str(namespace), entity, pl.Series(keys, dtype=pl.String)).to_list()
    assert found == [str(uuid.uuid5(namespace, f"{entity}:{key}")) for key in keys]


@given(st.none() | st.text(alphabet="+0123456789 ()-/", max_size=12))
def test_the_clinics_phone_numbers_are_what_the_checker_expects(typed: str | None) -> None:
    assert e164([typed]) == [phone_number(typed)]
