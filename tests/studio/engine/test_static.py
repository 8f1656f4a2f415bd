"""The studio as a folder on a plain web host, in Chromium: the same grooves, no server of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .conftest import Json, beat, same

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATH = "/music/studio/"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:"
)
READY_MS = 60_000


class Host(SimpleHTTPRequestHandler):
    """Gives out files below `PATH`, and keeps in mind which, and forbids all that a host can."""

    def __init__(self, *given: Any, asked: list[str], **options: Any) -> None:
        self.asked = asked
        super().__init__(*given, **options)

    def translate_path(self, path: str) -> str:
        inside = path.removeprefix(PATH) if path.startswith(PATH) else "outside"
        return super().translate_path("/" + inside)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The paths that the host was asked for."""
    return []


@pytest.fixture(scope="module")
def host(folder: Path, asked: list[str]) -> Iterator[str]:
    """The folder on a host that knows nothing of us."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=folder, asked=asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the page wrote to its console."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, host: str, said: list[str]) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"uncaught: {error}"))
    page.goto(host, wait_until="commit")
    page.wait_for_selector("html[data-ready]", timeout=READY_MS)
    yield page
    context.close()


@pytest.fixture
def engine(page: Page) -> Callable[..., Any]:
    """Asks the page's engine for a verb."""
    return lambda verb, **request: page.evaluate(
        "([verb, request]) => studio.engine.call(verb, request)", [verb, request]
    )


def test_it_opens_with_a_loop_of_the_models(page: Page, serve: Callable[..., Any]) -> None:
    assert page.evaluate("studio.engine.constructor.name") == "LocalEngine"
    assert page.evaluate("studio.groove.hits.length") > 16
    assert page.locator("[role=gridcell]").count() >= 16 * 9


def test_a_new_beat_is_that_of_python(page: Page, serve: Callable[..., httpx.Response]) -> None:
    page.evaluate("() => { window.before = studio.groove; window.asked = []; "
                  "const call = studio.engine.call.bind(studio.engine); "
                  "studio.engine.call = (verb, request, options) => "
                  "(asked.push([verb, request]), call(verb, request, options)); }")  # fmt: skip
    page.get_by_role("button", name="New beat").first.click()
    # Not `wait_for_function`, which evaluates text in the page: its policy forbids that.
    for _ in range(1000):
        if page.evaluate("studio.groove !== before"):
            break
        page.wait_for_timeout(20)
    verb, request = page.evaluate("asked[0]")
    groove = page.evaluate("studio.groove")
    page.evaluate("delete studio.engine.call")
    assert verb == "sample"
    expected: Json = serve(verb, request).json()["grooves"][0]
    same(groove, expected)


@pytest.mark.parametrize(
    ("verb", "request_"),
    [
        ("sample", {"seed": 4, "style": "funk", "bars": 6}),
        ("vary", {"groove": beat(1), "seed": 5, "n": 2}),
        ("humanize", {"groove": beat(2), "seed": 6}),
        ("tap", {"groove": beat(3, bars=2)}),
        ("infill", {"groove": beat(4), "keep": {"voices": ["kick"]}, "seed": 7}),
        ("place", {"x": 1.0, "y": 0.5, "seed": 8}),
        ("score", {"groove": beat(5, bars=2)}),
        ("map", {}),
        ("kit", {}),
    ],
)
def test_verbs_give_what_a_server_gives(
    engine: Callable[..., Any], serve: Callable[..., httpx.Response], verb: str, request_: Json
) -> None:
    same(engine(verb, **request_), serve(verb, request_).json())


def test_what_is_refused_is_a_problem(page: Page) -> None:
    problem = page.evaluate(
        """() => studio.engine.call("sample", {style: "polka"}).catch(
            ({name, status, detail, remedy}) => ({name, status, detail, remedy}))"""
    )
    assert problem["name"] == "Problem"
    assert (problem["status"], problem["detail"]) == (400, "groove-4bar knows no style 'polka'")
    assert "jazz" in problem["remedy"]


def test_what_is_called_off_ends_at_once_and_the_next_is_done(page: Page) -> None:
    outcome, waited, after = page.evaluate(
        """async () => {
            const call = (request, options) => studio.engine.call("sample", request, options);
            const controller = new AbortController();
            const long = call({n: 64, seed: 1}, {signal: controller.signal});
            setTimeout(() => controller.abort(), 20);
            const outcome = await long.then(() => "done", (error) => error.name);
            const begin = performance.now();
            const next = await call({seed: 2});
            const waited = performance.now() - begin;
            const gone = new AbortController();
            gone.abort();
            const late = await call({}, {signal: gone.signal}).catch((error) => error.name);
            return [outcome, waited, [next.grooves.length, late]];
        }"""
    )
    assert outcome == "AbortError"
    assert after == [1, "AbortError"]
    whole = page.evaluate(
        """async () => {
            const begin = performance.now();
            await studio.engine.call("sample", {n: 64, seed: 1});
            return performance.now() - begin;
        }"""
    )
    assert waited < 0.8 * whole, (waited, whole)  # it did not finish what nobody waits for


def test_downloads_are_told_and_models_come_when_they_are_needed(
    browser: Browser, host: str, asked: list[str]
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{host}icon.svg")
    asked.clear()
    told = page.evaluate(
        """async (root) => {
            const {LocalEngine} = await import(`${root}engine/local.js`);
            const engine = new LocalEngine(root), told = [];
            engine.onprogress = (progress) => told.push(progress);
            await engine.call("sample", {});
            return told;
        }""",
        host,
    )
    context.close()
    assert told[-1]["loaded"] == told[-1]["total"] > 10_000_000
    assert [one["loaded"] for one in told] == sorted(one["loaded"] for one in told)
    names = [path.removeprefix(PATH) for path in asked]
    assert {name for name in names if name.startswith("models/")} == {
        f"models/groove-4bar/{file}"
        for file in ("config.json", "latent.safetensors", "decoder.onnx")
    }
    # Page and worker each load the small modules that both use; what is big comes once.
    big = [name for name in names if name.startswith(("models/", "vendor/"))]
    assert len(big) == len(set(big)), "a file came twice"


def test_a_file_that_is_missing_is_told_and_tried_again(browser: Browser, host: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{host}icon.svg")
    page.route("**/decoder.onnx", lambda route: route.fulfill(status=404))
    page.evaluate(
        """async (root) => {
            const {LocalEngine} = await import(`${root}engine/local.js`);
            window.engine = new LocalEngine(root);
        }""",
        host,
    )
    problem = page.evaluate("engine.call('sample', {}).catch(({title, detail}) => [title, detail])")
    assert problem == [
        "A file did not come",
        "groove-4bar/decoder.onnx cannot be fetched: 404 Not Found",
    ]
    page.unroute_all()
    answer = page.evaluate("engine.call('sample', {})")
    context.close()
    assert len(answer["grooves"]) == 1


def test_nothing_is_asked_for_but_files_of_the_folder(
    page: Page, asked: list[str], host: str, said: list[str]
) -> None:
    outside = [path for path in asked if not path.startswith(PATH)]
    assert set(outside) <= {"/favicon.ico"}  # which browsers ask for beside a picture
    assert not [path for path in asked if "/api/" in path]
    assert not said, "the page wrote to its console"
    manifest = json.loads(httpx.get(f"{host}studio.json").text)
    assert manifest["engine"] == "local"
