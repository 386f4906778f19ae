"""Stages as spans of OpenTelemetry: those of a batch share a trace, whose root is the first of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from schemas.spans import Attributes, Mark


class Spans:
    """Tells a tracer of each stage."""

    def __init__(self, tracer: Tracer) -> None:
        """Tell this one."""
        self._tracer = tracer

    @contextmanager
    def span(
        self, name: str, parent: Mark, began_ns: int | None, attributes: Attributes
    ) -> Iterator[Span]:
        """One stage; of an error the class alone is kept, for its text may hold values of a row."""
        root = (
            Context()
        )  # Stages run in threads: what else is under way in this one is nothing to them.
        known = trace.set_span_in_context(parent, root) if isinstance(parent, Span) else root
        words = {f"understudy.{key}": value for key, value in attributes.items()}
        span = self._tracer.start_span(name, known, attributes=words, start_time=began_ns)
        try:
            yield span
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()
