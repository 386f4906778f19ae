"""Stands before every request: refuses what may not pass, and puts the page's headers on every answer."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ops.serve.access import HEADERS, PUBLIC, Access


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        """Let through to `app` what `access` does not refuse."""
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Cache-Control"] = "no-store" if path.startswith(PUBLIC) else "no-cache"
            await send(message)

        refusal = self._access.refusal(scope["method"], path, Headers(scope=scope))
        app = self._app
        if refusal is not None:
            status, text = refusal
            app = JSONResponse({"error": text}, status_code=status)
        await app(scope, receive, send_with_headers)
