from ops.start.proposal import Proposal, Proposed
from ops.start.rings import open_rings
from schemas.rules import Missing


def proposal(name: str, *refs: Proposed) -> Proposal:
    return Proposal(name=name, source=("public", name), target=("x", name), columns=list(refs))


def ref(entity: str, *, not_null: bool) -> Proposed:
    return Proposed(
        name=f"{entity}_id",
        rule={"ref": entity, "from": entity},
        type="uuid",
        not_null=not_null,
        entity=entity,
        missing=Missing.PARK,
    )


def test_in_a_ring_the_reference_that_may_be_null_is_filled_in_later() -> None:
    bound, free = ref("b", not_null=True), ref("a", not_null=False)
    open_rings([proposal("a", bound), proposal("b", free)])
    assert (bound.missing, free.missing) == (Missing.PARK, Missing.NULL)


def test_in_a_ring_of_not_null_one_must_take_null_and_says_so() -> None:
    first, second = ref("b", not_null=True), ref("a", not_null=True)
    open_rings([proposal("a", first), proposal("b", second)])
    assert (first.missing, first.not_null) == (Missing.NULL, False)
    assert first.notes
    assert (second.missing, second.not_null) == (Missing.PARK, True)


def test_a_row_that_refers_to_its_own_table_and_a_chain_are_no_rings() -> None:
    own, chain = ref("a", not_null=False), ref("b", not_null=False)
    open_rings([proposal("a", own, chain), proposal("b")])
    assert (own.missing, chain.missing) == (Missing.PARK, Missing.PARK)
