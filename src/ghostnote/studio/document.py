"""The OpenAPI document: what FastAPI knows, and all the ways in which a request can fail."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import Response

from ghostnote.studio.problems import MEDIA_TYPE
from ghostnote.studio.schemas import ProblemDetails

_ALWAYS: Final = {
    401: "The studio asks for its token.",
    403: "The request comes from a page of another origin.",
    421: "The host by which the studio was asked is not its own.",
    500: "A mistake in the studio.",
}
_OF_BODIES: Final = {
    408: "The request did not arrive in time.",
    413: "The request is too long.",
    422: "The request does not fit the schema.",
}
_OF_WORK: Final = {
    400: "It cannot be done; `remedy` says what can.",
    429: "Too many requests of the client wait already.",
    503: "Too many requests wait already.",
    504: "It took too long.",
}
_RETRY: Final = (429, 503, 504)

_ABOUT: Final = """Drum grooves out of a latent space, over REST.

A verb takes and gives grooves. The same request gives the same answer, everywhere: what is drawn is
a function of its seed. Work waits for its turn, which clients get one after another; when a client
goes away, its work is given up.

Errors are `application/problem+json` (RFC 9457): `detail` says what is wrong, `remedy` what to do.
422 says that a request does not fit the schema; 400 that what it asks for cannot be done.
"""


def described(
    tag: str, gives: type[BaseModel], *, asks: bool = True, takes: str | None = None
) -> dict[str, Any]:
    """What a route says of itself: what it `gives`, whether it `asks` for work, what it `takes`."""
    return _route(tag, {200: {"model": gives, "description": _told(gives)}}, asks, takes)


def file_described(media_type: str) -> dict[str, Any]:
    """The same, of a route that gives a file."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return _route("Files", {200: {"content": content, "description": "The file."}}, True, None)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=_ABOUT, routes=app.routes
        )
        schemas = made["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
        app.openapi_schema = made
    return app.openapi_schema


def _route(
    tag: str, answers: dict[int | str, dict[str, Any]], asks: bool, takes: str | None
) -> dict[str, Any]:
    problems = _ALWAYS | (_OF_BODIES | _OF_WORK if asks else {})
    extra: dict[str, Any] = {}
    if takes:
        schema = {"type": "string", "format": "binary"}
        extra = {"requestBody": {"required": True, "content": {takes: {"schema": schema}}}}
    return {
        "tags": [tag],
        "response_model": None,
        "response_class": Response,
        "responses": answers | {status: _problem(status, problems[status]) for status in problems},
        "openapi_extra": extra,
    }


def _problem(status: int, description: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    if status in _RETRY:
        told["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        }
    return told


def _told(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]
