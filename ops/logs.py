"""How the program logs: structured events, one a line, on stderr; never a row value, never a password."""

import logging
import os
import re
import sys
import time

import structlog

from schemas.errors import ConfigError

LEVEL_OF_LIBRARIES = logging.WARNING
FORMAT_VARIABLE = "UNDERSTUDY_LOG_FORMAT"
JSON, LOGFMT = "json", "logfmt"
# A server that is away for a night is no reason for a line a second.
SELDOM_S = 60.0
# What differs each time that the same is said again.
_VARYING = ("timestamp", "delay_s")
# In a library's line: numbers, librdkafka's client and thread, and what it counts at the end.
_VARYING_TEXT = re.compile(r"\d+|\[[^]]*\]|\(after .*\)$")
_PART: dict[str, str] = {}


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's events to stderr in one form.

    Raises:
        ConfigError: The environment asks for a form that there is not.
    """
    form = os.environ.get(FORMAT_VARIABLE, LOGFMT)
    if form not in {JSON, LOGFMT}:
        raise ConfigError(f"{FORMAT_VARIABLE} is {form}", remedy=f"Write {JSON} or {LOGFMT}.")
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_traceback,
        _with_process,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=["repeated"])],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(),
            ],
        )
    )
    handler.addFilter(Seldom())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVEL_OF_LIBRARIES)
    for package in ("producers", "consumers", "schemas", "ops"):
        logging.getLogger(package).setLevel(level)


def name_part(part: str) -> None:
    """Have each event of this process tell whose it is: capture or worker."""
    _PART["part"] = part


def is_json() -> bool:
    """Whether everything on stderr is to be an event, one JSON object a line, as collectors of containers take it."""
    return os.environ.get(FORMAT_VARIABLE) == JSON


class Seldom(logging.Filter):
    """Lets a warning that says the same again through once a minute, with how often it was kept back.

    A library's errors are such warnings to us: librdkafka repeats one for each attempt while Kafka is away.
    """

    def __init__(self) -> None:
        """Nothing was said yet."""
        super().__init__()
        self._told: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is told."""
        is_ours = isinstance(record.msg, dict)
        if record.levelno != logging.WARNING and is_ours:
            return True
        now, said = time.monotonic(), _said(record)
        told_at, kept = self._told.get(said, (now - SELDOM_S, 0))
        if now - told_at < SELDOM_S:
            self._told[said] = told_at, kept + 1
            return False
        self._told = {one: told for one, told in self._told.items() if now - told[0] < SELDOM_S}
        self._told[said] = now, 0
        if kept and is_ours:
            record.msg["repeated"] = kept  # type: ignore[index]  # As `is_ours` says.
        elif kept:
            record.repeated = kept
        return True


def _said(record: logging.LogRecord) -> str:
    """What an event says, but for the moment; of a library's without what differs each time."""
    if isinstance(record.msg, dict):
        return str({name: value for name, value in record.msg.items() if name not in _VARYING})
    kind = record.exc_info and record.exc_info[0]
    return f"{record.name} {record.levelno} {kind} {_VARYING_TEXT.sub('', record.getMessage())}"


def is_plain() -> bool:
    """Whether stderr takes no colours: it is no terminal, or NO_COLOR is set."""
    return bool(os.environ.get("NO_COLOR")) or not sys.stderr.isatty()


def _renderer() -> structlog.types.Processor:
    if is_json():
        return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(colors=not is_plain())
    return structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])


def _with_process(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Say which process it is; on a terminal a person has started it."""
    return event if sys.stderr.isatty() else {**event, **_PART, "pid": os.getpid()}


def _without_traceback(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Keep the class of an exception and drop its text: PostgreSQL's DETAIL shows row values."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    return {**event, "exception": type(error).__name__} if error else event
