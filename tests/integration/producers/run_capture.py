"""A capture process of its own, to be killed: settings as JSON on the command line."""

import json
import signal
import sys
import threading

from producers.capture import Capture
from producers.settings import CaptureSettings, TableSettings
from schemas.registry import Registry


def main() -> None:
    document = json.loads(sys.argv[1])
    tables = tuple(TableSettings(**table) for table in document.pop("tables"))
    registry = Registry(document.pop("registry_url"))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Capture(CaptureSettings(registry=registry, tables=tables, **document)).run(stop)


if __name__ == "__main__":
    main()
