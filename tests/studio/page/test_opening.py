"""The page opens with a loop, soon, and asks nobody else for anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

READY_SECONDS = 2.0


def test_the_first_loop_is_there_by_itself(open_studio: Any) -> None:
    page = open_studio()
    assert page.evaluate("studio.groove.hits.length") > 10
    assert page.locator(".cell.hit").count() == page.evaluate("studio.groove.hits.length")
    assert page.evaluate("studio.past.at(-1)")["label"] == "First beat"
    seed = page.evaluate("studio.past.at(-1).seed")
    assert page.locator("[data-panel=create] .seed").input_value() == str(seed)


def test_the_first_press_is_answered_soon(open_studio: Any, in_time: Callable[..., None]) -> None:
    """From the address to a second beat."""

    def quick() -> bool:
        began = time.perf_counter()
        page = open_studio()
        page.evaluate("() => { window.first = studio.groove; }")
        page.get_by_role("button", name="New beat", exact=True).click()
        page.wait_for_function("() => studio.groove !== first")
        return time.perf_counter() - began < READY_SECONDS

    in_time(quick)


def test_everything_is_the_server_s_own(open_studio: Any, server: str) -> None:
    asked: list[str] = []
    page = open_studio(prepare=lambda page: page.on("request", lambda r: asked.append(r.url)))
    page.wait_for_function("() => studio.transport.load().then(() => true)")
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith((server, "blob:", "data:"))] == []


def test_one_beat_is_drawn_and_can_be_undone(open_studio: Any) -> None:
    verbs: list[str] = []
    page = open_studio(
        prepare=lambda page: page.on(
            "request", lambda r: verbs.append(r.url) if r.method == "POST" else None
        )
    )
    assert [url.rsplit("/", 1)[-1] for url in verbs] == ["sample"]
    page.get_by_role("button", name="Undo: First beat", exact=True).click()
    assert page.evaluate("studio.groove.hits.length") == 0
    assert page.get_by_role("button", name="Undo", exact=True).is_disabled()


def test_a_server_that_is_gone_is_told_with_its_remedy(open_studio: Any) -> None:
    page = open_studio()
    page.route("**/api/v1/vary", lambda route: route.abort())
    page.get_by_role("button", name="Vary", exact=True).click()
    notice = page.get_by_role("alert")
    notice.wait_for()
    assert "The server does not answer." in notice.inner_text()
    assert "ghostnote studio" in notice.inner_text()
    notice.get_by_role("button", name="Dismiss").click()
    assert notice.count() == 0
    open_studio.said.remove("error: Failed to load resource: net::ERR_FAILED")


def test_what_the_server_refuses_is_told_with_its_remedy(open_studio: Any) -> None:
    page = open_studio()
    page.evaluate("studio.set({bpm: 99, meter: [3, 4], bars: 4, hits: []}, {label: 'waltz'})")
    page.get_by_role("button", name="Vary", exact=True).click()
    notice = page.get_by_role("alert")
    notice.wait_for()
    assert notice.locator("strong, p").all_inner_texts() == [
        "Not done: Vary by 35 %",
        "Is in 3/4; groove-4bar knows 4/4 alone.",
        "Choose a model of that meter.",
    ]
    assert open_studio.said.pop().startswith(
        "error: Failed to load resource: the server responded with"
    )


def test_models_that_have_to_be_fetched_are_waited_for_in_sight(shared_page: Any) -> None:
    """As the engine of a page without a server tells it."""
    shown = shared_page.evaluate(
        """async () => {
            const {mountProgress} = await import(new URL("shell/notices.js", document.baseURI));
            const [engine, place] = [{onprogress: null}, document.createElement("div")];
            mountProgress(engine, place);
            const shown = [place.firstChild.hidden];
            for (const loaded of [4_100_000, 15_000_000]) {
                engine.onprogress({loaded, total: 15_000_000});
                shown.push(place.firstChild.hidden, place.textContent);
            }
            return shown;
        }"""
    )
    assert shown == [
        True,
        False,
        "Fetching the models: 4.1 of 15.0 MB",
        True,
        "Fetching the models: 15.0 of 15.0 MB",
    ]
