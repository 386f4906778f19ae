import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.start import toml_text
from ops.start.proposal import Toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Toml] = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**31), 2**31),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)


@settings(max_examples=50)
@given(st.dictionaries(TEXTS, st.tuples(VALUES, st.lists(TEXTS))))
def test_what_is_written_is_read_back_whatever_names_and_comments_hold(
    document: dict[str, tuple[Toml, list[str]]],
) -> None:
    lines = toml_text.lines((name, value, notes) for name, (value, notes) in document.items())
    read = tomllib.loads("\n".join(lines))
    assert read == {name: value for name, (value, _) in document.items()}


def test_a_key_is_quoted_only_where_it_must_be() -> None:
    assert [toml_text.key(name) for name in ("a-b_1", "a.b", "größe", "")] == [
        "a-b_1",
        '"a.b"',
        '"größe"',
        '""',
    ]
