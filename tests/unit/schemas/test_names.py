import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import names
from schemas.errors import ConfigError

# Texts in which escapes, and what looks like one, are frequent.
awkward = st.text(st.sampled_from("_u0041aé.-1 ") | st.characters(codec="utf-8"), min_size=1)
short = st.text(st.sampled_from("_u0041aé.-1 "), min_size=1, max_size=8)


@given(awkward)
def test_81_an_avro_name_is_legal_and_reads_back(column: str) -> None:
    written = names.avro_field(column)
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", written)
    assert names.column_name(written) == column


@given(short, short, short, short)
def test_two_tables_never_share_a_topic(a: str, b: str, c: str, d: str) -> None:
    same = names.topic("p", a, b) == names.topic("p", c, d)
    assert same == ((a, b) == (c, d))


@given(awkward, awkward)
def test_a_topic_has_three_parts_and_only_characters_that_kafka_takes(a: str, b: str) -> None:
    try:
        topic = names.topic("clinic", a, b)
    except ConfigError:
        return
    assert re.fullmatch(r"clinic\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", topic)
    assert topic != names.positions_topic("clinic")


def test_a_topic_that_is_too_long_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigError, match="too long") as caught:
        names.topic("clinic", "public", "é" * 50)
    assert "topic =" in (caught.value.advice or "")


def test_topics_that_kafka_confuses_are_named_in_pairs() -> None:
    found = names.collisions(["a.b.c", "a.b_c", "a.b.d", "a.b.c"])
    assert found == [("a.b.c", "a.b_c")]


def test_ordinary_names_stay_readable() -> None:
    assert names.topic("clinic", "public", "treatment_plans") == "clinic.public.treatment_plans"
    assert names.slot("my-clinic") == names.publication("my-clinic") == "understudy_my_clinic"
    assert names.key_subject("a.b.c") == "a.b.c-key"
    assert names.value_subject("a.b.c") == "a.b.c-value"
