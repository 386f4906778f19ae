"""What `run` shows while it runs: bars in the snapshot and one status line on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from ops.watch import text
from ops.watch.status import Status
from ops.watch.watcher import Watcher

TERMINAL_INTERVAL_S = 2.0
PLAIN_INTERVAL_S = 10.0
PLAIN_INTERVAL_TAIL_S = 60.0  # Nothing changes for days: a log should stay readable.


class Display(threading.Thread):
    """Looks at the pipeline and shows it on stderr, until `stop` is set; never fails the run."""

    def __init__(self, watcher: Watcher, stop: threading.Event, say: Callable[[str], None]) -> None:
        """Prepare; `start` begins. Lines are said with `say`."""
        super().__init__(name="display", daemon=True)
        self._watcher, self._stop_event, self._say = watcher, stop, say
        self._began_at = time.monotonic()

    def run(self) -> None:
        """Show until stopped."""
        if sys.stderr.isatty():
            self._show_live()
        else:
            self._show_lines()

    def _show_live(self) -> None:
        with Live(console=Console(file=sys.stderr), transient=True, auto_refresh=False) as live:
            while not self._stop_event.wait(TERMINAL_INTERVAL_S):
                status = self._watcher.recent(TERMINAL_INTERVAL_S)
                live.update(Group(self._bars(status), whole(self._line(status))), refresh=True)

    def _show_lines(self) -> None:
        interval_s = PLAIN_INTERVAL_S
        while not self._stop_event.wait(interval_s):
            status = self._watcher.recent(TERMINAL_INTERVAL_S)
            self._say(self._line(status))
            interval_s = PLAIN_INTERVAL_TAIL_S if status.state == "tail" else PLAIN_INTERVAL_S

    def _line(self, status: Status) -> str:
        return text.line(status, time.monotonic() - self._began_at)

    def _bars(self, status: Status) -> Progress:
        """A bar for each entity whose snapshot is not applied yet."""
        bars = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        for entity in status.entities:
            if entity.state == "snapshot":
                left = entity.remaining_records
                total = None if left is None else entity.applied + left
                bars.add_task(entity.name, completed=entity.applied, total=total)
        return bars


def whole(line: str) -> Text:
    """A line that a narrow terminal breaks between words: its end tells of dead letters."""
    return Text(line, overflow="fold")
