"""axe-core finds nothing serious, in light and dark, at three sizes; help and themes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VERSION = "4.11.4"
SIZES = ("desk", "tablet", "phone")

CHECK = """async () => {
    const {passes, violations} = await axe.run(document);
    if (passes.length < 20) return [`only ${passes.length} rules were checked`];
    return violations
        .filter(({impact}) => impact === "serious" || impact === "critical")
        .map(({id, help, nodes}) => `${id}: ${help}: ` +
            nodes.slice(0, 4).map(({target, failureSummary}) =>
                `${target} ${failureSummary.slice(0, 200)}`).join(" | "));
}"""


@pytest.fixture(scope="session")
def axe(npm: Callable[[str, str], Path]) -> str:
    folder = npm("axe-core", VERSION) / "node_modules" / "axe-core"
    return (folder / "axe.min.js").read_text("utf-8")


def faults(page: Any, axe: str) -> list[str]:
    page.evaluate(f"() => {{ {axe}; window.axe = axe; }}")
    found: list[str] = page.evaluate(CHECK)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious(
    open_studio: Any, hold: Callable[..., Any], axe: str, size: str, theme: str
) -> None:
    """With all that can be pressed pressed, a notice, and the help."""
    page = open_studio(size=size, color_scheme=theme)
    for name in ("Mute kick", "Solo snare", "Lock ride", "Lock bar 1"):
        page.get_by_role("button", name=name, exact=True).click()
    page.evaluate("studio.fail(new Error('broken'))")
    assert open_studio.said.pop().startswith("error: Error: broken")
    page.get_by_role("alert").wait_for()
    assert faults(page, axe) == []
    page.get_by_role("button", name="Keys and help").click()
    assert faults(page, axe) == []


def test_axe_would_find_something(open_studio: Any, axe: str) -> None:
    page = open_studio()
    page.evaluate("document.querySelector('.facts').style.color = '#eee'")
    page.evaluate("document.querySelector('.play').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('.play').removeAttribute('title')")
    assert sorted(fault.split(":")[0] for fault in faults(page, axe)) == [
        "button-name", "color-contrast"
    ]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(open_studio: Any, size: str) -> None:
    page = open_studio(size=size)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_theme_is_the_system_s_until_another_is_chosen(open_studio: Any) -> None:
    page = open_studio(color_scheme="dark")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(paper)
    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate(paper)
    assert light != dark
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate(paper) == light
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(paper) == dark


def test_the_help_names_every_key(desk: Any) -> None:
    desk.page.keyboard.press("?")
    help_ = desk.page.get_by_role("dialog", name="Keys and help")
    help_.wait_for()
    keys = set(help_.locator("kbd").all_inner_texts())
    assert {"P", "N", "V", "W", "H", "T", "R", "?", "Space", "+", "−", "<", ">", "M", "S", "L",
            "←", "→", "↑", "↓", "Home", "End", "Page Up", "Page Down"} <= keys  # fmt: skip
    desk.page.keyboard.press("Escape")
    assert not help_.is_visible()


def test_everything_that_can_be_pressed_has_a_name(desk: Any) -> None:
    nameless = desk.page.evaluate(
        "[...document.querySelectorAll('button, select, input')].filter((each) => "
        "!each.labels?.length && !each.getAttribute('aria-label') && !each.textContent.trim())"
        ".map((each) => each.outerHTML)"
    )
    assert json.dumps(nameless) == "[]"


def test_the_grid_can_be_skipped_to(open_studio: Any) -> None:
    page = open_studio()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the grid"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#grid"
