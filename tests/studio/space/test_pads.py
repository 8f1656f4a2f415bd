"""The two pads of the latent space: points, corners and paths, by pointer and by keys."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import mido
import numpy as np
import pytest

from ghostnote.music.groove import concatenate

from .conftest import ask, current, done, from_plain, make_groove, plain, press, put, saved, settled


@pytest.fixture
def page(open_studio: Any) -> Any:
    page = open_studio()
    page.get_by_role("group", name="Styles").wait_for()
    return page


@pytest.fixture
def asked(page: Any) -> list[tuple[str, dict[str, Any]]]:
    """What the page asks of its engine: verb and request."""
    requests: list[tuple[str, dict[str, Any]]] = []
    page.on(
        "request",
        lambda request: (
            requests.append((request.url.rsplit("/", 1)[-1], json.loads(request.post_data)))
            if request.post_data
            else None
        ),
    )
    return requests


def again(page: Any, asked: tuple[str, dict[str, Any]]) -> Any:
    return ask(page, asked[0], **asked[1])["groove"]


def handle(page: Any, name: str = "Place on the map") -> Any:
    return page.get_by_role("slider", name=name)


def drag(page: Any, points: list[tuple[float, float]], *, pause: float = 0) -> None:
    """Over the pad that is shown, by shares of its side."""
    pad = page.locator(".pad:visible")
    pad.evaluate("(pad) => pad.scrollIntoView({block: 'center'})")
    box = pad.bounding_box()
    for index, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if index == 0:
            page.mouse.down()
        page.wait_for_timeout(pause)
    page.mouse.up()


def place_of(page: Any, pad: int = 0) -> tuple[float, float]:
    """Where the point is, by shares of the pad's side."""
    x, y = page.evaluate(
        "(pad) => ['left', 'top'].map((side) => "
        "parseFloat(document.querySelectorAll('.handle')[pad].style[side]) / 100)",
        pad,
    )
    return x, y


def on_map(page: Any, x: float, y: float) -> dict[str, float]:
    extent = ask(page, "map")["extent"]
    (left, right), (low, high) = extent["x"], extent["y"]
    return {"x": left + x * (right - left), "y": high - y * (high - low)}


def placed(page: Any, x: float, y: float) -> Any:
    """What the engine has at a place of the pad, with the seed that is shown."""
    seed = int(page.locator("[data-panel=space] .seed").input_value())
    return ask(page, "place", **on_map(page, x, y), seed=seed, bpm=current(page)["bpm"])["groove"]


def alike(page: Any, groove: Any) -> None:
    page.wait_for_function(
        "(groove) => JSON.stringify(studio.groove.hits) === JSON.stringify(groove.hits)", arg=groove
    )


# -- the map ---------------------------------------------------------------------------------


def test_the_map_shows_every_style(page: Any) -> None:
    found = ask(page, "map")
    assert page.locator(".map circle").count() == len(found["points"])
    entries = page.get_by_role("group", name="Styles").get_by_role("button")
    assert entries.count() == len(found["styles"])
    jazz = page.get_by_role("button", name="Jazz", exact=True)
    jazz.click()
    assert jazz.get_attribute("aria-pressed") == "true"
    count = Counter(style for *_, style in found["points"])
    assert page.locator(".map .out circle").count() == count[found["styles"].index("jazz")]
    jazz.click()
    page.mouse.move(0, 0)
    assert page.locator(".map.chosen").count() == 0


def test_dragging_the_point_changes_what_plays_within_a_bar(page: Any, asked: Any) -> None:
    put(page, make_groove(1, bpm=120))
    page.evaluate(
        """() => {
            window.steps = [];
            studio.transport.on("step", (step) => steps.push(step));
            return studio.transport.play();
        }"""
    )
    page.wait_for_function("() => steps.length > 3")
    before = len(done(page))
    drag(page, [(0.3 + 0.04 * step, 0.4) for step in range(8)], pause=30)
    settled(page)
    last = asked[-1]
    groove = again(page, last)
    alike(page, groove)
    assert place_of(page) == pytest.approx((0.58, 0.4), abs=0.01)
    end = on_map(page, *place_of(page))
    assert (last[1]["x"], last[1]["y"]) == pytest.approx((end["x"], end["y"]), abs=1e-4)
    assert len(done(page)) == before + 1
    assert done(page)[-1].startswith("Map, near ")
    from_now = page.evaluate("steps.length")
    page.wait_for_function("(first) => steps.length > first + 16", arg=from_now)
    steps = page.evaluate("(first) => steps.slice(first)", from_now)
    cells: dict[int, list[int]] = {}
    for step, voice, *_ in groove["hits"]:
        cells.setdefault(step, []).append(voice)
    for step in steps[1:]:
        assert sorted(hit["voice"] for hit in step["hits"]) == cells.get(step["step"], [])
    times = np.diff([step["time"] for step in page.evaluate("steps")])
    assert times == pytest.approx(np.full(len(times), 0.125))
    page.evaluate("studio.undo()")
    assert current(page) == plain(make_groove(1, bpm=120))


def test_the_point_moves_by_keys_and_tells_where_it_is(page: Any) -> None:
    point = handle(page)
    point.focus()
    before = page.evaluate("studio.past.length")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    settled(page)
    alike(page, placed(page, *place_of(page)))
    assert place_of(page) == pytest.approx((0.52, 0.4))
    assert point.get_attribute("aria-valuenow") == "52"
    at = on_map(page, 0.52, 0.4)
    words = point.get_attribute("aria-valuetext")
    assert words.startswith(f"{at['x']:.2f} across, {at['y']:.2f} up: near ")
    assert page.get_by_text(words, exact=True).is_visible()
    assert page.evaluate("studio.past.length") == before + 1
    for _ in range(12):
        page.keyboard.press("Shift+ArrowLeft")
    assert place_of(page)[0] == 0
    settled(page)


def test_the_latest_place_wins_where_the_server_is_slow(page: Any, asked: Any) -> None:
    aborted: list[str] = []
    page.on("requestfailed", lambda request: aborted.append(request.failure))

    held: list[Any] = []
    page.route("**/api/v1/place", lambda route: held.append(route))  # noqa: PLW0108
    drag(page, [(0.2 + 0.1 * step, 0.6) for step in range(4)], pause=300)
    held[-1].continue_()
    page.unroute_all()
    settled(page)
    last = asked[-1]
    end = on_map(page, *place_of(page))
    assert (last[1]["x"], last[1]["y"]) == pytest.approx((end["x"], end["y"]), abs=1e-4)
    alike(page, again(page, last))
    assert aborted
    assert set(aborted) == {"net::ERR_ABORTED"}


def test_another_seed_plays_the_same_place_anew(page: Any) -> None:
    seed = page.locator("[data-panel=space] .seed")
    seed.fill("77")
    seed.press("Enter")
    page.wait_for_function("() => studio.past.at(-1).seed === 77")
    first = current(page)
    assert first == placed(page, 0.5, 0.5)
    press(page, "Another")
    page.wait_for_function("() => studio.past.at(-1).seed !== 77")
    assert current(page) != first
    seed.fill("no number")
    seed.press("Enter")
    assert int(seed.input_value()) == page.evaluate("studio.past.at(-1).seed")


def test_what_is_locked_stays(page: Any) -> None:
    old = put(page, make_groove(2), locks=[0])
    handle(page).focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => studio.past.at(-1).label.startsWith('Map')")
    kicks = [hit for hit in current(page)["hits"] if hit[1] == 0]
    assert kicks == [hit for hit in old["hits"] if hit[1] == 0]
    assert current(page)["hits"] != old["hits"]


# -- paths -----------------------------------------------------------------------------------


def test_a_path_becomes_an_arrangement(page: Any, asked: Any) -> None:
    press(page, "Draw a path")
    drag(page, [(0.2, 0.8), (0.2, 0.2), (0.8, 0.2)])
    assert page.get_by_role("button", name="Draw a path").get_attribute("aria-pressed") == "false"
    page.get_by_role("spinbutton", name="Bars").fill("9")
    before = current(page)
    press(page, "Into the grid")
    page.wait_for_function("() => studio.past.at(-1).label === 'Path of 9 bars'")
    groove = from_plain(current(page))
    requests = asked[-9:]
    for bar, request in enumerate(requests):
        assert groove[bar] == from_plain(again(page, request))[bar % 4]
    for bar, (x, y) in [(0, (0.2, 0.8)), (4, (0.2, 0.2)), (6, (0.5, 0.2)), (8, (0.8, 0.2))]:
        at = on_map(page, x, y)
        place = (requests[bar][1]["x"], requests[bar][1]["y"])
        assert place == pytest.approx((at["x"], at["y"]), abs=0.05)
    name, content = saved(page, "Path as MIDI")
    assert name == "path-9-bars.mid"
    file = mido.MidiFile(file=io.BytesIO(content))
    assert sum(message.type == "note_on" for message in file) == groove.n_hits
    page.evaluate("studio.undo()")
    assert current(page) == before
    press(page, "Clear path")
    assert page.get_by_role("button", name="Into the grid").is_disabled()
    assert page.locator(".pad:visible .path").get_attribute("points") == ""


def test_a_path_is_made_by_keys(page: Any) -> None:
    handle(page).focus()
    for key in ("ArrowLeft", "ArrowUp"):
        page.keyboard.press(f"Shift+{key}")
        page.get_by_role("button", name="Add point").press("Enter")
        handle(page).focus()
    settled(page)
    assert page.locator(".pad:visible .path").get_attribute("points").split() == ["40,50", "40,40"]
    page.get_by_role("spinbutton", name="Bars").fill("2")
    press(page, "Into the grid")
    page.wait_for_function("() => studio.past.at(-1).label === 'Path of 2 bars'")
    ends = [from_plain(placed(page, 0.4, y))[bar] for bar, y in enumerate((0.5, 0.4))]
    assert from_plain(current(page)) == concatenate(ends)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_point_goes_along_while_the_path_plays(open_studio: Any, motion: str) -> None:
    page = open_studio(reduced_motion=motion)
    page.get_by_role("group", name="Styles").wait_for()
    put(page, make_groove(3, bpm=300))
    press(page, "Draw a path")
    drag(page, [(0.1, 0.5), (0.5, 0.5), (0.9, 0.5)])
    page.get_by_role("spinbutton", name="Bars").fill("2")
    page.evaluate(
        """() => {
            window.places = new Set();
            const handle = document.querySelector(".handle");
            new MutationObserver(() => places.add(parseFloat(handle.style.left)))
                .observe(handle, {attributes: true, attributeFilter: ["style"]});
        }"""
    )
    press(page, "Play along")
    page.wait_for_function("() => studio.transport.playing")
    page.wait_for_function("() => !studio.transport.playing")
    page.wait_for_function("() => document.querySelector('.handle').style.left === '50%'")
    places = sorted(page.evaluate("[...places]"))
    assert places[0] == pytest.approx(10, abs=2)
    if motion == "reduce":
        assert len(places) <= 4
    else:
        assert len(places) > 6
        assert places[-1] > 70
    assert current(page) == plain(make_groove(3, bpm=300))


# -- corners ---------------------------------------------------------------------------------


def corner_names(page: Any) -> list[str]:
    heads: list[str] = page.locator(".corner-head .hint").all_inner_texts()
    return heads


def test_corners_are_filled_and_played_between(page: Any, asked: Any) -> None:
    page.set_viewport_size({"width": 1440, "height": 2000})  # a drag cannot scroll
    put(page, make_groove(4, bpm=100))
    press(page, "Keep this loop")
    put(page, make_groove(5, bars=2, bpm=120))
    page.get_by_role("tab", name="Map").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Corners").get_attribute("aria-selected") == "true"
    assert corner_names(page) == ["empty"] * 4
    assert handle(page, "Place between the corners").count() == 0
    page.get_by_label("Fill corner A").select_option("put")
    page.get_by_label("Fill corner B").select_option("the groove in the grid")
    page.drag_and_drop(".loops .picture", "[data-corner='2']")
    page.drag_and_drop(".chip", ".corner-D")
    assert corner_names(page) == [
        "put, 4 bars",
        "put, 2 bars",
        "put, 4 bars",
        "put-120-bpm, 2 bars",
    ]
    point = handle(page, "Place between the corners")
    assert point.get_attribute("aria-valuetext") == "A 25 %, B 25 %, C 25 %, D 25 %"
    one, two = plain(make_groove(4, bpm=100)), plain(make_groove(5, bars=2, bpm=120))
    one = {**one, "bars": 2, "hits": [hit for hit in one["hits"] if hit[0] < 32]}
    drag(page, [(0.5, 0.5), (0.7, 0.4), (0.8, 0.25)])
    settled(page)
    assert place_of(page, 1) == pytest.approx((0.8, 0.25), abs=0.01)
    verb, request = asked[-1]
    assert (verb, request["corners"]) == ("blend", [one, two, one, two])
    assert (request["x"], request["y"]) == pytest.approx(place_of(page, 1), abs=1e-4)
    blended = again(page, (verb, request))
    alike(page, blended)
    assert current(page)["bpm"] == blended["bpm"]
    assert done(page)[-1] == "Between four loops"
    assert point.get_attribute("aria-valuetext") == "A 15 %, B 60 %, C 5 %, D 20 %"


def test_new_loops_fill_the_corners_and_a_path_goes_between_them(page: Any) -> None:
    page.get_by_role("tab", name="Corners").click()
    assert page.get_by_role("button", name="Draw a path").is_disabled()
    press(page, "Four new loops")
    page.get_by_text("New loop D, 4 bars").wait_for()
    assert page.locator(".corner.filled").count() == 4
    press(page, "Draw a path")
    drag(page, [(0.2, 0.2), (0.9, 0.9)])
    page.get_by_role("spinbutton", name="Bars").fill("3")
    press(page, "Into the grid")
    page.wait_for_function("() => studio.past.at(-1).label === 'Path of 3 bars'")
    assert current(page)["bars"] == 3
    page.get_by_role("tab", name="Map").click()
    assert page.get_by_role("button", name="Into the grid").is_disabled()


# -- for everyone ----------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "theme"), [("desk", "dark"), ("phone", "light")])
def test_axe_finds_nothing_serious_in_what_opens(
    open_studio: Any, npm: Any, size: str, theme: str
) -> None:
    folder = npm("axe-core", "4.11.4") / "node_modules" / "axe-core"
    axe = (folder / "axe.min.js").read_text("utf-8")
    page = open_studio(size=size, color_scheme=theme)
    page.get_by_role("group", name="Styles").wait_for()
    press(page, "Keep this loop")
    press(page, "Jazz")
    page.evaluate(f"() => {{ {axe}; window.axe = axe; }}")
    check = """async () => (await axe.run(document)).violations
        .filter(({impact}) => impact === "serious" || impact === "critical")
        .map(({id, nodes}) => `${id} ${nodes.map(({target}) => target).join(" ")}`)"""
    assert page.evaluate(check) == []
    page.get_by_role("tab", name="Corners").click()
    press(page, "Four new loops")
    page.get_by_text("New loop D, 4 bars").wait_for()
    settled(page)
    assert page.evaluate(check) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_finger_drags_the_point(open_studio: Any) -> None:
    page = open_studio(size="phone", has_touch=True)
    page.get_by_role("group", name="Styles").wait_for()
    page.locator(".pad:visible").scroll_into_view_if_needed()
    box = page.locator(".pad:visible").bounding_box()
    page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"])
    assert place_of(page) == pytest.approx((0.25, 0.75), abs=0.02)
    page.wait_for_function("() => studio.past.at(-1).label.startsWith('Map')")
