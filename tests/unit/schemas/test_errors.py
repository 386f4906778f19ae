import pickle
import re

import pytest

from schemas import errors
from schemas.errors import Disposition, SlotLostError, UnderstudyError


def tree(kind: type[UnderstudyError]) -> list[type[UnderstudyError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in tree(child))]


ALL = [kind for kind in tree(UnderstudyError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_says_what_happened_in_one_sentence(kind: type[UnderstudyError]) -> None:
    assert "__doc__" in vars(kind)
    assert re.fullmatch(r"[A-Z][^.]+\.", (kind.__doc__ or "").splitlines()[0])


@pytest.mark.parametrize("kind", ALL)
def test_every_error_stands_in_the_tree_and_takes_the_exit_code_of_its_branch(
    kind: type[UnderstudyError],
) -> None:
    lines = (errors.__doc__ or "").splitlines()
    [line] = [line for line in lines if re.search(rf"\b{kind.__name__}\b", line)]
    if written := re.search(r"Error\s+(\d+)\b", line):
        assert kind.exit_code == int(written[1])
    else:
        parent = kind.__mro__[1]
        assert kind.exit_code == getattr(parent, "exit_code", 1)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_pickling(kind: type[UnderstudyError]) -> None:
    error = kind("it broke", remedy="mend it", table="public.t", offset=3)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.detail, again.context, again.advice) == ("it broke", error.context, "mend it")


def test_the_message_is_one_line_of_what_detail_and_where() -> None:
    error = SlotLostError("seen\nat start", slot="s", lsn="0/1")
    assert str(error) == (
        "The replication slot no longer holds the changes that were not yet captured: "
        "seen at start lsn=0/1 slot=s"
    )
    assert error.advice == SlotLostError.remedy


def test_only_the_short_list_is_tried_again_or_set_aside() -> None:
    others = {kind.__name__: kind.disposition for kind in ALL if kind.disposition.value != "halt"}
    assert others == {
        "BrokerLostError": Disposition.RETRY,
        "OwnershipLostError": Disposition.RETRY,
        "FolderChangedError": Disposition.RETRY,
        "RulesChangedError": Disposition.RETRY,
        "SourceLostError": Disposition.RETRY,
        "TargetLostError": Disposition.RETRY,
        "RecordError": Disposition.DEAD_LETTER,
    }
