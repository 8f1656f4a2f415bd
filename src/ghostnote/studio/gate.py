"""Who may come in, and with how much: what every request passes before it is understood.

A studio without a token is for this machine alone. A page elsewhere must not drive it, neither by
asking across origins nor by a name that it lets point here (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ghostnote.studio.listing import Asset, assets
from ghostnote.studio.problems import Problem
from ghostnote.studio.queue import Client
from ghostnote.studio.settings import Settings, is_loopback

_log = logging.getLogger(__name__)

API: Final = "/api/v1/"
HEALTH: Final = f"{API}health"

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page runs its own scripts alone, and talks to its own server alone."""

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "midi=(self), camera=(), geolocation=(), microphone=(), payment=(), "
    "usb=()",
}
_TOKEN, _NAME = "ghostnote-token", "ghostnote-client"
_LONGEST_NAME: Final = 64


class Gate:
    """Passes on to `app` what may come in, with its whole body, and serves the page's files."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._assets = assets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if "Cache-Control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            response = self._admitted(scope)
            if response is None:
                body = await self._body(scope, receive)
                if body is None:
                    return
                await self._app(scope, _replayed(body, receive), send_with_headers)
                return
        except Problem as problem:
            response = problem.response
        except Exception:
            if begun:
                raise
            _log.exception("%s %s failed", scope["method"], scope["path"])
            response = Problem.of_status(500).response
        await response(scope, receive, send_with_headers)

    def _admitted(self, scope: Scope) -> Response | None:
        """What is answered at once; None for what is passed on.

        Raises:
            Problem: it may not come in.
        """
        headers = Headers(scope=scope)
        self._check_host(headers)
        scope["ghostnote.client"] = _client(scope, headers)
        path = scope["path"]
        if path.startswith("/api/"):
            _check_origin(headers)
        if path != HEALTH and self._settings.token:
            query = parse_qs(scope["query_string"].decode("latin-1"))
            given = query.pop("token", [""])[0]
            if path == "/" and given and self._is_token(given):
                return _keeping(given, query)
            self._check_token(headers)
        asset = self._assets.get(path[1:])
        if asset is None or scope["method"] not in {"GET", "HEAD"}:
            if asset is not None:
                raise Problem.of_status(405, {"Allow": "GET, HEAD"})
            return None
        return self._served(asset, headers, scope["method"])

    def _check_host(self, headers: Headers) -> None:
        """Without a token, a name that is not this machine's is one that was made to point here."""
        if self._settings.token:
            return
        try:
            name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        except ValueError:
            name = ""
        if name != self._settings.host.strip("[]").lower() and not is_loopback(name):
            raise Problem(
                421,
                f"this is not {name or 'a host without a name'}"[:200],
                remedy=f"open http://{self._settings.host} instead",
            )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._settings.token.encode())

    def _check_token(self, headers: Headers) -> None:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(shown.strip()):
            return
        if not self._is_token(_cookie(headers, _TOKEN)):
            raise Problem(
                401,
                "this studio asks for its token",
                remedy="open the address that it printed when it started",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _served(self, asset: Asset, headers: Headers, method: str) -> Response:
        told = {"ETag": asset.etag, "Cache-Control": "private, no-cache"}
        known = [
            tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")
        ]
        if asset.etag in known or "*" in known:
            return Response(status_code=304, headers=told)
        if asset.media_type.startswith("text/html") and not _cookie(headers, _NAME):
            told["Set-Cookie"] = _set(_NAME, secrets.token_urlsafe(12))
        response = Response(asset.content, headers=told, media_type=asset.media_type)
        if method == "HEAD":
            response.body = b""
        return response

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """All of it; None if the client went away.

        Raises:
            Problem: it is too long, or takes too long.
        """
        settings = self._settings
        most = settings.midi_bytes if scope["path"] == f"{API}read" else settings.json_bytes
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and len(announced) < 20 and int(announced) > most:
            raise _too_long(most)
        parts, size = [], 0
        try:
            async with asyncio.timeout(settings.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise _too_long(most)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Problem(
                408,
                f"the request did not arrive within {settings.body_seconds:g} s",
                remedy="try again",
                headers={"Connection": "close"},
            ) from None


def _too_long(most: int) -> Problem:
    return Problem(
        413,
        f"the request is longer than {most:,} bytes",
        remedy="send less at once",
        headers={"Connection": "close"},
    )


def _check_origin(headers: Headers) -> None:
    """A browser says where a request comes from; what is no browser says nothing."""
    origin = headers.get("origin")
    host = headers.get("host", "")
    # A proxy in front may speak TLS, of which nothing is known here.
    at_home = origin is None or origin in {f"http://{host}", f"https://{host}"}
    if not at_home or headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise Problem(
            403,
            "a page of another origin may not use this studio",
            remedy="use the studio's own page, or a program that is no browser",
        )


def _client(scope: Scope, headers: Headers) -> Client:
    address = scope.get("client")
    return Client(str(address[0]) if address else "", _cookie(headers, _NAME)[:_LONGEST_NAME])


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _set(name: str, value: str) -> str:
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict"


def _keeping(token: str, query: dict[str, list[str]]) -> Response:
    """To the page without the token in its address, which a cookie holds from now on."""
    rest = f"?{urlencode(query, doseq=True)}" if query else ""
    response = RedirectResponse(f"/{rest}", 303)
    response.headers["Set-Cookie"] = _set(_TOKEN, token)
    return response


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`body`, and then what else `receive` has to say: that the client went away."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
