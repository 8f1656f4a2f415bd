"""A studio that listens, and whoever asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ghostnote.bundle import load_bundle
from ghostnote.runtime import Runtime
from ghostnote.studio.api import create_app
from ghostnote.studio.gate import API
from ghostnote.studio.server import running

Json = dict[str, Any]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where a studio is, with its usual settings; it ends in a slash."""
    with running(create_app()) as url:
        yield url


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def ask(client: httpx.Client) -> Callable[..., Json]:
    """Asks for a verb, which must succeed."""

    def ask_(verb: str, **request: Any) -> Json:
        response = client.post(f"{API}{verb}", json=request)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    return ask_


@pytest.fixture(scope="session")
def loops(ask: Callable[..., Json]) -> list[Json]:
    """Four loops, as JSON."""
    found: list[Json] = ask("sample", n=4, seed=11)["grooves"]
    return found


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], Runtime]:
    """A shipped model as the pipeline has it, with nothing of the studio."""
    known: dict[str, Runtime] = {}

    def shipped_(name: str) -> Runtime:
        return known.setdefault(name, Runtime(load_bundle(name)))

    return shipped_


def assert_problem(response: httpx.Response, status: int) -> Json:
    """The details of a problem, which `response` must be in every respect."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: Json = response.json()
    assert {"type", "title", "status", "detail"} <= set(told) <= {
        "type", "title", "status", "detail", "remedy",
    }  # fmt: skip
    assert told["status"] == status
    assert told["title"] == response.reason_phrase
    assert told["detail"]
    assert "Traceback" not in response.text
    return told
