"""The studio as its users meet it: a server of its own, and a real Chromium.

Where there is no Chromium, or no Playwright to drive it, these tests skip and say why; with
`--require-browser` they fail. Whatever the page writes to its console fails the test.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_SECONDS, READY_MS = 120, 60_000
SIZES = {"desk": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `ghostnote serve`, which ends in a slash."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "ghostnote", "serve", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}/"
    try:
        _wait(f"{address}api/v1/models", process, log)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    pytest.fail(f"the server did not start:\n{log.read_text()}", pytrace=False)


@pytest.fixture(scope="session")
def browser(without_browser: Callable[[str], NoReturn]) -> Iterator[Browser]:
    """One Chromium for all tests."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        without_browser("the browser's tests need Playwright: pip install 'ghostnote[dev]'")
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome")
                 if (found := shutil.which(name))), None)  # fmt: skip
    if path is None:
        without_browser("Chromium is not installed")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


class Opened:
    """Opens the studio, each time in a context of its own, and hears what its pages say."""

    def __init__(self, browser: Browser, server: str) -> None:
        self._browser, self._server = browser, server
        self._contexts: list[BrowserContext] = []
        self.said: list[str] = []

    def __call__(
        self, path: str = "", *, size: str = "desk", ready: bool = True,
        prepare: Callable[[Page], Any] | None = None, **options: Any,
    ) -> Page:  # fmt: skip
        """The page, after its first loop has come; `prepare` is called before it is loaded."""
        width, height = SIZES[size]
        viewport = {"width": width, "height": height}
        self._contexts.append(self._browser.new_context(viewport=viewport, **options))
        page = self._contexts[-1].new_page()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        if prepare:
            prepare(page)
        page.goto(self._server + path, wait_until="commit")
        if ready:
            page.wait_for_selector("html[data-ready]", timeout=READY_MS)
        return page

    def check(self) -> None:
        """Fails if a page has written to its console; what is expected there, a test takes out."""
        said, self.said[:] = self.said.copy(), []
        assert not said, "the page wrote to its console"

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def open_studio(browser: Browser, server: str) -> Iterator[Opened]:
    """Opens the studio in fresh pages, which are closed after the test."""
    opened = Opened(browser, server)
    yield opened
    opened.close()
    opened.check()


@pytest.fixture
def page(open_studio: Opened) -> Page:
    """The studio on a desk, with its first loop, in a fresh page."""
    return open_studio()


@pytest.fixture(scope="session")
def _one_page(browser: Browser, server: str) -> Iterator[tuple[Opened, Page]]:
    opened = Opened(browser, server)
    yield opened, opened()
    opened.close()


@pytest.fixture
def shared_page(_one_page: tuple[Opened, Page]) -> Iterator[Page]:
    """The studio on a desk, in a page that other tests have had before: quick, and not fresh."""
    opened, page = _one_page
    yield page
    page.unroute_all()
    opened.check()
