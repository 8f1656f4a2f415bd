"""Errors as `application/problem+json` (RFC 9457), with the text and the remedy of the CLI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from ghostnote.errors import GhostnoteError

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Exception):  # noqa: N818 - as RFC 9457 calls it
    """Why a request is not answered.

    Attributes:
        status: of HTTP.
        detail: what is wrong.
        remedy: what to do about it; may be None.
        headers: that the answer has besides.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        remedy: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.headers = dict(headers or {})
        super().__init__(detail)

    @property
    def response(self) -> Response:
        """The answer."""
        told = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **({} if self.remedy is None else {"remedy": self.remedy}),
        }
        return Response(json.dumps(told), self.status, self.headers, MEDIA_TYPE)

    @classmethod
    def of(cls, error: GhostnoteError) -> Problem:
        """What cannot be done, as the command line says it."""
        source = "" if error.source is None else f"{error.source}: "
        return cls(400, f"{source}{error.reason}", remedy=error.remedy)

    @classmethod
    def of_schema(cls, errors: Sequence[Mapping[str, Any]]) -> Problem:
        """What does not fit the schema: where, and how; at most three of many."""
        told = [_told(error) for error in errors[:_SHOWN]]
        more = len(errors) - _SHOWN
        rest = [f"and {more} more"] if more > 0 else []
        return cls(
            422, "; ".join([*told, *rest]), remedy="api/v1/openapi.json says what is expected"
        )

    @classmethod
    def of_status(cls, status: int, headers: Mapping[str, str] | None = None) -> Problem:
        """One that HTTP itself has a word for."""
        detail, remedy = _KNOWN.get(status, (HTTPStatus(status).phrase, None))
        return cls(status, detail, remedy=remedy, headers=headers)


_SHOWN: Final = 3
_LONGEST_PART: Final = 60

_KNOWN: Final = {
    400: ("the request cannot be read", "send JSON in UTF-8"),
    404: ("there is nothing here", "api/v1/openapi.json lists what there is"),
    405: ("this is not asked for in that way", "use the method that Allow names"),
    500: ("something went wrong that should not have", "the server's log says what"),
}


def _told(error: Mapping[str, Any]) -> str:
    """One error of a schema: ``groove.hits.3.2: Input should be less than or equal to 1``."""
    where, *inner = error["loc"]
    if error["type"] == "json_invalid":
        return f"the request is not JSON: {error['ctx']['error']} at character {inner[0]}"
    place = ".".join(str(part)[:_LONGEST_PART] for part in inner or [where])
    return f"{place}: {error['msg']}"
