"""The page as an ASGI application: its files, the stream of overviews, and an answer for each drill-down."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ops.serve.access import ACTIONS, Access
from ops.serve.actions import Actions, Asked
from ops.serve.details import Details, Query
from ops.serve.guard import Guard
from ops.serve.lookout import Lookout
from schemas.errors import ConflictError, UnderstudyError, UsageError
from schemas.session import redacted

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
Answer = Callable[[Query], dict[str, Any]]


def application(
    lookout: Lookout, details: Details, access: Access, actions: Actions | None = None
) -> ASGIApp:
    """All of it, behind the guard. What begins with /api/rows/ is shown with the token alone, and so are actions."""
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
        *(Route(path, _sending(file, acts=access.acts)) for path, file in _files().items()),
        Route("/api/live", _live(lookout)),
        *(Route(path, _answering(answer, one_at_a_time)) for path, answer in answers.items()),
    ]
    if actions is not None:
        routes.append(Route(ACTIONS, _acting(actions), methods=["GET", "POST"]))
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


def _sending(file: Traversable, *, acts: bool) -> Callable[[Request], Awaitable[Response]]:
    content, kind = file.read_bytes(), TYPES[Path(file.name).suffix]
    if acts:
        content = content.replace(b"<body>", b'<body data-actions="on">')

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
            return _told(error, 404 if isinstance(error, UsageError) else 503)

    return respond


def _acting(actions: Actions) -> Callable[[Request], Awaitable[Response]]:
    async def act(request: Request) -> Response:
        if request.method == "POST":
            try:
                actions.do(Asked.model_validate_json(await request.body()))
            except ValidationError:
                return _json({"error": "This is no action."}, 400)
            except UnderstudyError as error:
                return _told(error, 409 if isinstance(error, ConflictError) else 400)
        return _json({"action": actions.as_json()})

    return act


def _told(error: UnderstudyError, status: int) -> Response:
    return _json({"error": redacted(str(error)), "remedy": error.advice}, status)


def _json(value: object, status: int = 200) -> Response:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return Response(text, status_code=status, media_type="application/json")
