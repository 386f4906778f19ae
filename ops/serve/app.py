"""The page as an ASGI application: its files, the stream of overviews, and an answer for each drill-down."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ops.serve.access import Access
from ops.serve.details import Details, Query
from ops.serve.guard import Guard
from ops.serve.lookout import Lookout
from schemas.errors import UnderstudyError, UsageError
from schemas.session import redacted

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
Answer = Callable[[Query], dict[str, Any]]


def application(lookout: Lookout, details: Details, access: Access) -> ASGIApp:
    """All of it, behind the guard. What begins with /api/rows/ is shown with the token alone."""
    one_at_a_time = asyncio.Lock()  # Drill-downs are rare, and the servers have other work.
    answers: dict[str, Answer] = {
        "/api/entity": details.entity,
        "/api/verification": details.verification,
        "/api/cutover": details.cutover,
        "/api/rows/evidence": details.evidence,
        "/api/rows/differences": details.differences,
        "/api/rows/waiting": details.waiting,
        "/api/rows/letter": details.letter,
        "/api/rows/lives": details.lives,
    }
    routes = [
        *(Route(path, _sending(file)) for path, file in _files().items()),
        Route("/api/live", _live(lookout)),
        *(Route(path, _answering(answer, one_at_a_time)) for path, answer in answers.items()),
    ]
    return Guard(Starlette(routes=routes), access)


def _files() -> dict[str, Traversable]:
    """The page's files by their paths."""
    static = files("ops.serve").joinpath("static")
    found = {
        f"{folder}/{file.name}": file
        for folder, place in (("/static", static), ("/static/vendor", static / "vendor"))
        for file in place.iterdir()
        if Path(file.name).suffix in TYPES
    }
    return found | {"/": found.pop("/static/index.html")}


def _sending(file: Traversable) -> Callable[[Request], Awaitable[Response]]:
    content, kind = file.read_bytes(), TYPES[Path(file.name).suffix]

    async def send(_request: Request) -> Response:
        return Response(content, media_type=kind)

    return send


def _live(lookout: Lookout) -> Callable[[Request], Awaitable[Response]]:
    async def live(_request: Request) -> Response:
        return StreamingResponse(lookout.messages(), media_type="text/event-stream")

    return live


def _answering(answer: Answer, turn: asyncio.Lock) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            async with turn:
                return _json(await asyncio.to_thread(answer, dict(request.query_params)))
        except UnderstudyError as error:
            status = 404 if isinstance(error, UsageError) else 503
            said = {"error": redacted(str(error)), "remedy": error.advice}
            return _json(said, status)

    return respond


def _json(value: object, status: int = 200) -> Response:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return Response(text, status_code=status, media_type="application/json")
