"""Makes the pictures of the studio's guide: ``python docs/studio/pictures.py``.

Starts a server of its own, and drives Chromium with Playwright, which `ghostnote[dev]` brings.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
PATIENCE_MS = 120_000
SIZES = {"desk": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
PICTURES = (
    ("desk", "light", "grid"),
    ("desk", "dark", "grid"),
    ("desk", "light", "space"),
    ("tablet", "dark", "corners"),
    ("phone", "light", "grid"),
    ("phone", "dark", "space"),
)
"""(size, theme, what is shown)."""


@contextmanager
def server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "ghostnote", "serve", "--port", str(port)])
    address = f"http://127.0.0.1:{port}/"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}api/v1/models", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def settled(page: Page) -> None:
    page.wait_for_function("() => !document.documentElement.hasAttribute('data-busy')")


def drag(page: Page, points: list[tuple[float, float]]) -> None:
    """Over the pad, by shares of its side."""
    box = page.locator(".pad:visible").bounding_box()
    assert box
    for index, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if index == 0:
            page.mouse.down()
    page.mouse.up()
    settled(page)


def prepare(page: Page) -> None:
    """The same loops each time, some of them kept."""
    for seed, style, name in ((3, "jazz", "Brushes"), (12, "latin", "Market"), (7, "funk", "Funk")):
        page.evaluate(
            """async ([seed, style]) => {
                const {grooves} = await studio.engine.call("sample", {seed, style, bpm: 104});
                studio.set(grooves[0], {label: "New beat", seed});
            }""",
            [seed, style],
        )
        page.get_by_role("button", name="Keep this loop").click()
        box = page.get_by_role("textbox", name="Name of New beat", exact=True)
        box.fill(name)
        box.press("Enter")
    page.evaluate("document.activeElement.blur()")


def show(page: Page, what: str) -> None:
    if what == "grid":
        page.evaluate("scrollTo(0, 0)")
        return
    if what == "corners":
        page.get_by_role("tab", name="Corners").click()
        for letter, name in zip("ABCD", ("Funk", "Brushes", "Market", "Funk"), strict=True):
            page.get_by_label(f"Fill corner {letter}").select_option(name)
    page.get_by_role("button", name="Draw a path").click()
    panel = page.locator("[data-panel=space]")
    panel.evaluate("(panel) => scrollBy(0, panel.getBoundingClientRect().top - 110)")
    drag(page, [(0.2, 0.75), (0.3, 0.5), (0.45, 0.35), (0.62, 0.4), (0.75, 0.6), (0.8, 0.8)])
    drag(page, [(0.62, 0.4)])


def picture(browser: Browser, address: str, size: str, theme: str, what: str) -> Path:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.get_by_role("group", name="Styles").wait_for()
    prepare(page)
    show(page, what)
    path = FOLDER / f"{what}-{size}-{theme}.jpg"
    page.screenshot(path=path, type="jpeg", quality=82)
    context.close()
    return path


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed: install it, or put it on the path")
    with server() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for size, theme, what in PICTURES:
            path = picture(browser, address, size, theme, what)
            print(f"{path.name}: {path.stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
