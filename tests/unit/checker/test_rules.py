"""The checker's own rules against what they must agree with."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from examples.clinic.transforms import e164
from tests.checker.entities.foundation import phone_number
from tests.checker.identity import uuid5


@given(namespace=st.uuids(), name=st.text())
def test_the_checkers_uuid_is_the_one_of_the_standard(namespace: uuid.UUID, name: str) -> None:
    name = name.encode(errors="replace").decode()
    assert uuid5(str(namespace), name) == str(uuid.uuid5(namespace, name))


@given(st.none() | st.text(alphabet="+0123456789 ()-/", max_size=12))
def test_the_clinics_phone_numbers_are_what_the_checker_expects(typed: str | None) -> None:
    assert e164([typed]) == [phone_number(typed)]
