"""Commands of the operator: how they end, and what is kept of it."""

import sys

import pytest

from ops.cutover import hooks


def test_a_command_is_run_without_a_shell_and_its_output_is_kept() -> None:
    ran = hooks._ended(f"{sys.executable} -c 'print(\"a;b $HOME\")'")
    assert (ran.exit_code, ran.output) == (0, "a;b $HOME\n")


def test_a_command_that_fails_says_how_with_what_it_wrote_to_stderr_too() -> None:
    ran = hooks._ended(f"{sys.executable} -c 'import sys; sys.exit(\"no way\")'")
    assert (ran.exit_code, ran.output) == (1, "no way\n")


@pytest.mark.parametrize("command", ["/no/such/command", "unbalanced 'quote"])
def test_a_command_that_cannot_be_run_has_failed(command: str) -> None:
    ran = hooks._ended(command)
    assert ran.exit_code == -1
    assert ran.output


def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "TIMEOUT_S", 0.2)
    ran = hooks._ended(f"{sys.executable} -c 'import threading; threading.Event().wait()'")
    assert (ran.exit_code, ran.output) == (-1, "not ended after 0.2 s")


def test_no_password_is_kept() -> None:
    ran = hooks._ended(f"{sys.executable} -c 'print(\"postgresql://app:hush@db\")' password=hush")
    assert "hush" not in ran.command + ran.output
