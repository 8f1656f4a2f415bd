"""Who may come in, and with how much."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from ghostnote.studio.api import create_app
from ghostnote.studio.gate import API, CONTENT_POLICY, HEALTH
from ghostnote.studio.listing import MEDIA_TYPES, PAGE, assets
from ghostnote.studio.server import running
from ghostnote.studio.settings import Settings, is_loopback

from .conftest import assert_problem

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """The address of a studio that asks for a token, and takes little at a time."""
    settings = Settings(token=TOKEN, json_bytes=2000, midi_bytes=500, body_seconds=0.5)
    with running(create_app(settings)) as url:
        yield url


def host_of(address: str) -> str:
    return urlsplit(address).netloc


# -- hosts and origins -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.0.0.1:80"])
@pytest.mark.parametrize("path", ["", f"{API}models"])
def test_names_of_this_machine_are_known(client: httpx.Client, name: str, path: str) -> None:
    assert client.get(path, headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["evil.example", "127.0.0.1.evil.example", "localhost.", "192.168.1.2", "", "[::1", "a@b"],
)
@pytest.mark.parametrize("path", ["", f"{API}models", HEALTH, "nowhere"])
def test_other_names_are_refused(client: httpx.Client, name: str, path: str) -> None:
    assert_problem(client.get(path, headers={"Host": name}), 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "file://"},
        {"Origin": "http://[::1"},
        {"Origin": "127.0.0.1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_origins_cannot_drive_it(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    for response in (
        client.post(f"{API}sample", json={}, headers=headers),
        client.get(f"{API}map", headers=headers),
        client.request("OPTIONS", f"{API}sample", headers=headers),
    ):
        assert_problem(response, 403)
        assert not any(name.startswith("access-control") for name in response.headers)


def test_its_own_page_can(client: httpx.Client, address: str) -> None:
    for headers in (
        {"Origin": address.rstrip("/"), "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://127.0.0.1", "Host": "127.0.0.1"},  # a proxy in front speaks TLS
        {},
    ):
        assert client.post(f"{API}sample", json={}, headers=headers).status_code == 200


def test_the_page_can_be_reached_by_a_link(client: httpx.Client) -> None:
    assert client.get("", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# -- the token -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "app.js", f"{API}models", f"{API}openapi.json", "nowhere"])
@pytest.mark.parametrize("shown", ["", "wrong", TOKEN[:-1], TOKEN + "0", "tökén"])
def test_without_the_token_there_is_nothing(guarded: str, path: str, shown: str) -> None:
    bearer = {"Authorization": f"Bearer {shown}".rstrip().encode()}
    cookie = {"Cookie": f"ghostnote-token={shown}".encode()}
    for headers in (bearer, cookie, {}):
        response = httpx.get(guarded + path, headers=headers, params={"token": shown})
        assert assert_problem(response, 401)["remedy"]
        assert response.headers["www-authenticate"] == "Bearer"


def test_the_token_is_shown_in_a_header_a_cookie_or_once_in_the_address(guarded: str) -> None:
    for headers in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"ghostnote-token={TOKEN}"}):
        assert httpx.get(f"{guarded}{API[1:]}models", headers=headers).status_code == 200
    with httpx.Client(base_url=guarded) as browser:
        response = browser.get("/", params={"token": TOKEN, "loop": "a b"})
        assert response.status_code == 303
        assert response.headers["location"] == "/?loop=a+b"
        assert response.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")
        assert TOKEN not in response.text
        assert browser.get("/").status_code == 200
        assert browser.post(f"{API}sample", json={}).status_code == 200


def test_the_token_opens_any_name(guarded: str) -> None:
    headers = {"Host": "studio.example", "Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(guarded, headers=headers).status_code == 200


def test_a_sign_of_life_needs_no_token(guarded: str) -> None:
    assert httpx.get(guarded + HEALTH[1:]).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("[::1]", True),
        ("localhost", True), ("0.0.0.0", False), ("::", False), ("192.168.0.1", False),
        ("localhost.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_which_hosts_are_this_machine_alone(host: str, local: bool) -> None:
    assert is_loopback(host) is local


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../api.py", "%2e%2e/api.py", "..%2fapi.py", "%2fetc/passwd", "/etc/passwd", "//etc/passwd",
        "kit/../../../bundle.py", "kit/kit.toml", "app.js/", "app.js%00", "APP.JS", ".", "kit/",
        "..\\api.py", "index.html/../../api.py", "api.py", "__init__.py", "C:%5Cwindows",
    ],
)  # fmt: skip
def test_no_path_leaves_the_listing(address: str, path: str) -> None:
    """Sent as it stands: a client library would tidy it first."""
    with socket.create_connection(urlsplit(address).netloc.split(":")) as line:  # type: ignore[arg-type]
        host = host_of(address)
        line.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "lines",
    [
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1",
        b"GET / HTTP/1.1",
        b"GET / HTTP/1.0",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example",
        b"GET /\xff%ff%00 HTTP/1.1\r\nHost: 127.0.0.1",
        b"POST /api/v1/sample HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many",
        b"POST /api/v1/sample HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1",
        b"GET /api/v1/map?model=%ff%00 HTTP/1.1\r\nHost: 127.0.0.1",
        b"BREW /api/v1/map HTTP/1.1\r\nHost: 127.0.0.1",
    ],
)
def test_what_no_browser_sends_does_no_harm(address: str, lines: bytes) -> None:
    host, port = host_of(address).split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(lines + b"\r\nConnection: close\r\n\r\n")
        assert re.match(rb"HTTP/1.1 4\d\d ", line.recv(65536))


def test_cookies_that_are_none_are_no_cookies(client: httpx.Client) -> None:
    for cookie in (b"\xff=;;a=b=c", b"ghostnote-client=\xff\xfe", b"=", b"a" * 5000):
        assert client.get("", headers={"Cookie": cookie}).status_code == 200


def test_everything_listed_is_served_and_nothing_else_is_listed() -> None:
    listed = assets()
    page = {
        path.relative_to(PAGE).as_posix()
        for path in PAGE.rglob("*")
        if path.suffix in MEDIA_TYPES and path.is_file()
    }
    assert {name for name in listed if name and not name.startswith("kit/")} == page
    with running(create_app()) as address, httpx.Client(base_url=address) as client:
        for name, asset in listed.items():
            response = client.get(name)
            assert response.status_code == 200
            assert response.content == asset.path.read_bytes()
            assert response.headers["content-type"] == MEDIA_TYPES[asset.path.suffix]


def test_files_are_asked_for_again_only_if_they_changed(client: httpx.Client) -> None:
    first = client.get("app.js")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get("app.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert client.get("app.js", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get("style.css").headers["etag"] != etag


def test_other_methods_than_reading_are_refused(client: httpx.Client) -> None:
    head = client.head("app.js")
    assert head.content == b""
    assert head.headers["content-length"] == str(len(client.get("app.js").content))
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        response = client.request(method, "app.js")
        assert_problem(response, 405)
        assert response.headers["allow"] == "GET, HEAD"
    for method in ("GET", "PUT", "DELETE"):
        response = client.request(method, f"{API}sample")
        assert_problem(response, 405)
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["", "app.js", "nowhere", f"{API}models", f"{API}sample", "*"])
def test_every_answer_keeps_the_page_to_itself(client: httpx.Client, path: str) -> None:
    headers = client.get(path, headers={"Host": "evil.example"} if path == "*" else {}).headers
    assert headers["content-security-policy"] == CONTENT_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers
    assert "cache-control" in headers


def test_the_policy_allows_no_script_that_is_not_a_file_of_ours(client: httpx.Client) -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["style-src"] == "'self'"
    page = client.get("").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=|<style|\sstyle=|javascript:", page)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_answers_are_not_kept(client: httpx.Client) -> None:
    assert client.get(f"{API}models").headers["cache-control"] == "no-store"


def test_a_browser_is_known_again(address: str) -> None:
    with httpx.Client(base_url=address) as browser:
        browser.get("")
        name = browser.cookies["ghostnote-client"]
        assert len(name) >= 16
        assert "set-cookie" not in browser.get("").headers
    with httpx.Client(base_url=address) as other:
        other.get("")
        assert other.cookies["ghostnote-client"] != name


# -- how much, and how long ------------------------------------------------------------------


@pytest.fixture(scope="module")
def bearer(guarded: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=guarded, headers=headers) as client:
        yield client


def test_long_requests_are_refused(bearer: httpx.Client) -> None:
    padded = b'{"n": 1' + b" " * 1992 + b"}"
    headers = {"Content-Type": "application/json"}
    assert bearer.post(f"{API}sample", content=padded, headers=headers).status_code == 200
    told = assert_problem(bearer.post(f"{API}sample", content=padded + b" ", headers=headers), 413)
    assert told["detail"] == "the request is longer than 2,000 bytes"
    assert_problem(bearer.post(f"{API}read", content=bytes(501)), 413)
    assert_problem(bearer.post(f"{API}read", content=bytes(500)), 400)


def test_long_requests_are_refused_if_they_do_not_say_how_long(bearer: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(100)

    assert_problem(bearer.post(f"{API}sample", content=parts()), 413)


def test_requests_that_do_not_arrive_are_given_up(guarded: str) -> None:
    host, port = host_of(guarded).split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(
            f"POST {API}sample HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 100\r\n\r\n{".encode()
        )
        begun = time.monotonic()
        answer = line.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.4 < time.monotonic() - begun < 10
