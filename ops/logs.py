"""How the program logs: structured events, one a line, on stderr; never a row value, never a password."""

import logging
import os
import sys

import structlog

LEVEL_OF_LIBRARIES = logging.WARNING


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's events to stderr in one form."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_traceback,
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
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVEL_OF_LIBRARIES)
    for package in ("producers", "consumers", "schemas", "ops"):
        logging.getLogger(package).setLevel(level)


def is_plain() -> bool:
    """Whether stderr takes no colours: it is no terminal, or NO_COLOR is set."""
    return bool(os.environ.get("NO_COLOR")) or not sys.stderr.isatty()


def _renderer() -> structlog.types.Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(colors=not is_plain())
    return structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])


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
