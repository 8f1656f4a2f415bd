"""The studio as an ASGI application: REST under ``/api/v1/``, and the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ghostnote import __version__
from ghostnote.errors import GhostnoteError
from ghostnote.render.kit import load_kit
from ghostnote.studio import schemas, verbs
from ghostnote.studio.document import described, document, file_described
from ghostnote.studio.gate import API, Gate
from ghostnote.studio.models import Models
from ghostnote.studio.problems import Problem
from ghostnote.studio.queue import Turns
from ghostnote.studio.settings import Settings

Json = dict[str, Any]

_GONE: Final = 499
"""What a client would be told that does not listen any more."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """A studio.

    Its models and its page are those of the package. Work begins when it is asked for, in threads;
    see `Turns`. Everything comes in through a `Gate`.

    Raises:
        BundleError: a model of the package cannot be loaded.
        KitError: the kit of the package cannot be.
    """
    chosen = settings or Settings()
    desk = Desk(chosen)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with desk:
            yield

    app = FastAPI(
        title="ghostnote studio",
        version=__version__,
        openapi_url=f"{API}openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(_router(desk))
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(GhostnoteError, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_problem)
    app.add_middleware(Gate, settings=chosen)
    return app


class Desk:
    """Where requests are taken to their verbs: the models, the kit, and the turns."""

    def __init__(self, settings: Settings) -> None:
        self.models = Models()
        self.kit = load_kit()
        self._settings = settings
        self._turns: Turns | None = None

    @property
    def turns(self) -> Turns:
        """Who is next; there is one as long as the studio is open."""
        if self._turns is None:
            self._turns = Turns(self._settings)
        return self._turns

    def __enter__(self) -> None:
        """Open: what the first request needs is loaded meanwhile."""
        self.turns.warm(self.models.warm)

    def __exit__(self, *_: object) -> None:
        if self._turns is not None:
            self._turns.close()
            self._turns = None

    async def answer(
        self, request: Request, work: Callable[[], Json | bytes], media_type: str
    ) -> Response:
        """What `work` gives, when its turn has come; it is given up when the client goes away."""

        def content() -> bytes:
            made = work()
            return made if isinstance(made, bytes) else json.dumps(made).encode()

        doing = asyncio.ensure_future(self.turns.run(request.scope["ghostnote.client"], content))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                return Response(status_code=_GONE)
            return Response(doing.result(), media_type=media_type)
        finally:
            for task in (doing, leaving):
                task.cancel()
                with suppress(asyncio.CancelledError, GhostnoteError, Problem):
                    await task


async def _left(request: Request) -> None:
    """Returns when the client has gone away; what it sent has all been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _answer_problem(_: Request, error: Exception) -> Response:
    match error:
        case Problem():
            return error.response
        case GhostnoteError():
            return Problem.of(error).response
        case RequestValidationError():
            return Problem.of_schema(error.errors()).response
        case HTTPException():
            return Problem.of_status(error.status_code, error.headers).response
        case _:
            return Problem.of_status(500).response


def _router(desk: Desk) -> APIRouter:
    """One route a verb."""
    router = APIRouter(prefix=API.rstrip("/"))
    models, kit = desk.models, desk.kit

    async def made(request: Request, work: Callable[[], Json]) -> Response:
        return await desk.answer(request, work, "application/json")

    @router.post("/sample", **described("Make", schemas.Grooves))
    async def sample(request: Request, body: schemas.Sample) -> Response:
        """New grooves out of a model's prior.

        Groove i of a seed is always the same, whatever `n` is. None has the very hits of a window
        that the model was trained on.
        """
        return await made(request, lambda: verbs.sample(models, body))

    @router.post("/vary", **described("Make", schemas.Grooves))
    async def vary(request: Request, body: schemas.Vary) -> Response:
        """Variations of a groove, from subtle to far."""
        return await made(request, lambda: verbs.vary(models, body))

    @router.post("/interpolate", **described("Make", schemas.Grooves))
    async def interpolate(request: Request, body: schemas.Interpolate) -> Response:
        """Grooves from one to another, both ends included."""
        return await made(request, lambda: verbs.interpolate(models, body))

    @router.post("/blend", **described("Make", schemas.OneGroove))
    async def blend(request: Request, body: schemas.Blend) -> Response:
        """The groove at one place between four."""
        return await made(request, lambda: verbs.blend(models, body))

    @router.post("/place", **described("Make", schemas.OneGroove))
    async def place(request: Request, body: schemas.Place) -> Response:
        """The groove at one place of the map.

        What the map does not show is as the seed has it, so that one seed is one musician who goes
        about the map.
        """
        return await made(request, lambda: verbs.place(models, body))

    @router.post("/humanize", **described("Play", schemas.OneGroove))
    async def humanize(request: Request, body: schemas.Humanize) -> Response:
        """Velocity and timing for a groove; its hits stay as they are."""
        return await made(request, lambda: verbs.humanize(models, body))

    @router.post("/tap", **described("Play", schemas.OneGroove))
    async def tap(request: Request, body: schemas.Tap) -> Response:
        """A tapped rhythm as a part for the whole kit.

        It is given as a `groove`, whose voices do not matter, or as the `times` of taps in seconds
        with a `bpm`.
        """
        return await made(request, lambda: verbs.tap(models, body))

    @router.post("/infill", **described("Play", schemas.OneGroove))
    async def infill(request: Request, body: schemas.Infill) -> Response:
        """The rest of a groove, written to go with what is kept."""
        return await made(request, lambda: verbs.infill(models, body))

    @router.post("/continue", **described("Play", schemas.OneGroove))
    async def continue_(request: Request, body: schemas.Continue) -> Response:
        """A groove and more bars, each written to follow those before it."""
        return await made(request, lambda: verbs.continue_(models, body))

    @router.post("/attribute", **described("Play", schemas.OneGroove))
    async def attribute(request: Request, body: schemas.Attribute) -> Response:
        """A groove with more or less density, swing and the like; the rest stays."""
        return await made(request, lambda: verbs.attribute(models, body))

    @router.post("/reconstruct", **described("Look into", schemas.Reconstruction))
    async def reconstruct(request: Request, body: schemas.Reconstruct) -> Response:
        """A groove through a model and back."""
        return await made(request, lambda: verbs.reconstruct(models, body))

    @router.post("/score", **described("Look into", schemas.Bits))
    async def score(request: Request, body: schemas.Score) -> Response:
        """How usual a groove is: bits of each bar and each cell; many are unusual."""
        return await made(request, lambda: verbs.score(models, body))

    @router.get("/models", **described("Look into", schemas.Models, asks=False))
    async def list_models() -> Response:
        """The models, and what each knows."""
        return Response(json.dumps(models.plain), media_type="application/json")

    @router.get("/map", **described("Look into", schemas.StyleMap))
    async def style_map(request: Request, model: schemas.Name | None = None) -> Response:
        """The map of styles: draws of each, in the plane along which the styles differ most."""
        return await made(request, lambda: verbs.style_map(models, model))

    @router.get("/kit", **described("Look into", schemas.Kit, asks=False))
    async def describe_kit() -> Response:
        """The drum kit, with the names of its samples."""
        return Response(json.dumps(verbs.kit(kit)), media_type="application/json")

    @router.post("/read", **described("Files", schemas.Read, takes="audio/midi"))
    async def read(request: Request) -> Response:
        """The drums of a MIDI file, and what did not fit the grid, counted."""
        data = await request.body()
        return await made(request, lambda: verbs.read(data))

    @router.post("/midi", **file_described("audio/midi"))
    async def midi(request: Request, body: schemas.Export) -> Response:
        """Grooves, one after another, as a MIDI file."""
        return await desk.answer(request, lambda: verbs.midi(body), "audio/midi")

    @router.post("/wav", **file_described("audio/wav"))
    async def wav(request: Request, body: schemas.Export) -> Response:
        """Grooves, one after another, as audio, played on the kit."""
        return await desk.answer(request, lambda: verbs.wav(body, kit), "audio/wav")

    @router.get("/health", **described("Look into", schemas.Health, asks=False))
    async def health() -> Response:
        """A sign of life, which asks for no token."""
        return Response('{"status": "ok"}', media_type="application/json")

    return router
