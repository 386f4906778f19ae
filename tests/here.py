"""A command of understudy in this process: the whole of it but the start of the interpreter."""

import faulthandler
import io
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

from ops.cli.main import main

DEADLINE_S = 300.0
HANDLED = (signal.SIGINT, signal.SIGTERM)


def command_here(*words: object) -> subprocess.CompletedProcess[str]:
    """Give a command; nobody types anything. One that does not end ends the tests."""
    arguments = ["understudy", *map(str, words)]
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", arguments))
        stack.enter_context(patch.object(sys, "stdin", stack.enter_context(open(os.devnull))))  # noqa: PTH123 - no path
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(_as_it_was())
        faulthandler.dump_traceback_later(DEADLINE_S, exit=True, file=2)
        stack.callback(faulthandler.cancel_dump_traceback_later)
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int), f"{arguments} ended with {code}"
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Give back what a command changes in its process."""
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in HANDLED} if is_main else {}
    try:
        yield
    finally:
        logging.getLogger().handlers = []  # They write to what stderr was.
        for number, handler in handlers.items():
            signal.signal(number, handler)
