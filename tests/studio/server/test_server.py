"""A studio that listens: many clients, clients that go away, and its beginning and end."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ghostnote.errors import StudioError
from ghostnote.studio import verbs
from ghostnote.studio.api import create_app
from ghostnote.studio.gate import API
from ghostnote.studio.queue import Stopped, stop_if_unwanted
from ghostnote.studio.server import address_of, listen, running
from ghostnote.studio.settings import Settings

from .conftest import assert_problem

PATIENCE = 30.0


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def connect(address: str) -> socket.socket:
    host, port = urlsplit(address).netloc.split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def post(address: str, verb: str, request: Any) -> bytes:
    """The bytes of a request, for those who go away before the answer."""
    body = json.dumps(request).encode()
    head = (
        f"POST {API}{verb} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Slow:
    """In the place of a verb: work that goes on until it is let go, or until nobody wants it."""

    def __init__(self) -> None:
        self.free, self.begun, self.stopped = threading.Event(), 0, 0

    def __call__(self, *_: object) -> dict[str, Any]:
        self.begun += 1
        try:
            while not self.free.wait(0.002):
                stop_if_unwanted()
        except Stopped:
            self.stopped += 1
            raise
        return {}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    work = Slow()
    monkeypatch.setattr(verbs, "vary", work)
    return work


GROOVE = {"bars": 1, "hits": []}


def test_work_stops_when_its_client_goes_away(slow: Slow) -> None:
    with running(create_app(Settings(workers=1))) as address, connect(address) as client:
        client.sendall(post(address, "vary", {"groove": GROOVE}))
        until(lambda: slow.begun == 1)
        client.close()
        until(lambda: slow.stopped == 1)
        assert httpx.post(f"{address}{API[1:]}sample", json={}).status_code == 200


def test_work_that_waits_never_begins_when_its_client_goes_away(slow: Slow) -> None:
    with running(create_app(Settings(workers=1))) as address, httpx.Client() as patient:
        with connect(address) as first, connect(address) as second:
            first.sendall(post(address, "vary", {"groove": GROOVE}))
            until(lambda: slow.begun == 1)
            second.sendall(post(address, "vary", {"groove": GROOVE}))
            time.sleep(0.1)
            second.close()
            time.sleep(0.1)
            slow.free.set()
        assert patient.post(f"{address}{API[1:]}sample", json={}).status_code == 200
        assert slow.begun == 1


def test_real_work_stops_between_batches() -> None:
    """Minutes of work, of which the next client sees nothing."""
    longest = {"n": 64, "bars": 64, "temperature": 1}
    with running(create_app(Settings(workers=1))) as address:
        url = f"{address}{API[1:]}sample"
        assert httpx.post(url, json={}, timeout=PATIENCE).status_code == 200
        with connect(address) as client:
            client.sendall(post(address, "sample", longest))
            time.sleep(0.3)
        begun = time.monotonic()
        assert httpx.post(url, json={}, timeout=PATIENCE).status_code == 200
        assert time.monotonic() - begun < 5


def test_too_many_requests_are_refused_with_the_time_to_try_again(slow: Slow) -> None:
    settings = Settings(workers=1, waiting_each=2, waiting_host=3, waiting=3)
    with running(create_app(settings)) as address:
        lines = [connect(address) for _ in range(3)]
        for line in lines:
            line.sendall(post(address, "vary", {"groove": GROOVE}))
            until(lambda: slow.begun == 1)
            time.sleep(0.05)
        response = httpx.post(f"{address}{API[1:]}sample", json={})
        assert_problem(response, 429)
        assert int(response.headers["retry-after"]) >= 1
        slow.free.set()
        for line in lines:
            line.recv(65536)
            line.close()
        assert httpx.post(f"{address}{API[1:]}sample", json={}).status_code == 200


def test_what_takes_too_long_is_told(slow: Slow) -> None:
    with running(create_app(Settings(workers=1, seconds=1))) as address:
        response = httpx.post(f"{address}{API[1:]}vary", json={"groove": GROOVE}, timeout=PATIENCE)
        assert "within 1 s" in assert_problem(response, 504)["detail"]
        assert response.headers["retry-after"]
        until(lambda: slow.stopped == 1)


def test_the_page_answers_while_work_is_done(slow: Slow) -> None:
    with running(create_app(Settings(workers=1))) as address, connect(address) as client:
        client.sendall(post(address, "vary", {"groove": GROOVE}))
        until(lambda: slow.begun == 1)
        for path in ("", "app.js", f"{API[1:]}models", f"{API[1:]}health"):
            assert httpx.get(address + path).status_code == 200
        slow.free.set()
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_mistake_of_ours_is_a_problem_too_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistake(*_: object) -> dict[str, Any]:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(verbs, "vary", mistake)
    with running(create_app()) as address:
        response = httpx.post(f"{address}{API[1:]}vary", json={"groove": GROOVE})
        assert "secret" not in response.text
        assert_problem(response, 500)
        assert response.headers["content-security-policy"]
    assert "a secret of the inside" in caplog.text


def test_twenty_clients_are_served_alike(address: str) -> None:
    """Each asks eight times, one after another, all at the same time."""
    asks = 8

    async def one(name: int) -> tuple[float, list[Any]]:
        cookies = {"ghostnote-client": f"client-{name}"}
        async with httpx.AsyncClient(base_url=address, cookies=cookies, timeout=PATIENCE) as client:
            begun = time.monotonic()
            answers = [
                await client.post(f"{API}sample", json={"seed": name * asks + index})
                for index in range(asks)
            ]
            return time.monotonic() - begun, answers

    async def all_of_them() -> list[tuple[float, list[Any]]]:
        return await asyncio.gather(*map(one, range(20)))

    served = asyncio.run(all_of_them())
    for name, (_, answers) in enumerate(served):
        assert [answer.status_code for answer in answers] == [200] * asks
        assert [answer.json()["seed"] for answer in answers] == [
            name * asks + index for index in range(asks)
        ]
    took = [seconds for seconds, _ in served]
    assert max(took) < 2 * min(took)


def test_a_port_that_is_taken_is_told() -> None:
    with (
        listen("127.0.0.1", 0) as taken,
        pytest.raises(StudioError, match=r"port \d+: .*\(choose another port with --port"),
    ):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(StudioError, match=r"--host|--port"):
        listen("203.0.113.1", 0)
    with pytest.raises(StudioError, match="--host"):
        listen("no host at all", 0)


@pytest.mark.parametrize(
    ("host", "token", "expected"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:{}/"),
        ("localhost", "", "http://localhost:{}/"),
        ("0.0.0.0", "abc", "http://127.0.0.1:{}/?token=abc"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(
    host: str, token: str, expected: str
) -> None:
    with listen(host, 0) as bound:
        assert address_of(bound, host, token) == expected.format(bound.getsockname()[1])
