import pytest

from ops.serve.actions import Asked, Kind, words

FOLDER = "migrations/clinic"


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({"action": Kind.RETRY}, "dead-letters retry migrations/clinic --wait=60"),
        (
            {"action": Kind.RETRY, "entity": "orders", "key": "--help"},
            "dead-letters retry migrations/clinic --entity=orders --only=key=--help --wait=60",
        ),
        ({"action": Kind.VERIFY}, "verify migrations/clinic"),
        ({"action": Kind.VERIFY, "since_last": True}, "verify migrations/clinic --since=last"),
        ({"action": Kind.BEGIN}, "cutover begin migrations/clinic --confirm=clinic"),
        ({"action": Kind.ABORT}, "cutover abort migrations/clinic"),
    ],
)
def test_an_action_is_a_command_whose_values_cannot_be_options(
    asked: dict[str, object], command: str
) -> None:
    made = Asked.model_validate({"confirm": "clinic"} | asked)
    assert " ".join(words(made, FOLDER)) == command
