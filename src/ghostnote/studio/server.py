"""Opening a studio: a socket, a server around it, and its end."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from ghostnote.errors import StudioError

_BACKLOG: Final = 128
_GRACE: Final = 3
"""Seconds in which answers under way may come to their end when the studio closes."""

_OPENING: Final = 30.0


def listen(host: str, port: int) -> socket.socket:
    """A socket at `host` and `port`; any free one where it is 0.

    Raises:
        StudioError: that is not possible, such as when something else listens there.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError, OverflowError) as error:
        raise StudioError(
            f"there is no address {host}: {getattr(error, 'strerror', None) or error}",
            remedy="choose one of this machine with --host",
        ) from None
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        bound.close()
        raise StudioError(
            f"nothing can listen at {host}, port {port}: "
            f"{getattr(error, 'strerror', None) or error}",
            remedy="choose another port with --port; 0 takes a free one",
        ) from None
    return bound


def address_of(bound: socket.socket, host: str, token: str = "") -> str:
    """Where a browser on this machine finds what listens there."""
    name = host.strip("[]")
    if name in {"0.0.0.0", "::", ""}:
        name = "127.0.0.1"
    where = f"[{name}]" if ":" in name else name
    query = f"?token={token}" if token else ""
    return f"http://{where}:{bound.getsockname()[1]}/{query}"


def run(app: FastAPI, bound: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serve `app` until Ctrl-C or a request to terminate; `ready` is called once it answers."""
    _Server(app, ready).run([bound])


@contextmanager
def running(app: FastAPI, host: str = "127.0.0.1") -> Iterator[str]:
    """`app`, served at a free port from a thread of its own: its address, which ends in a slash.

    Raises:
        StudioError: it does not open.
    """
    with listen(host, 0) as bound:
        opened = threading.Event()
        server = _Server(app, opened.set)
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        try:
            if not opened.wait(_OPENING):
                raise StudioError("the studio does not open")
            yield address_of(bound, host)
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """One that says when it is ready."""

    def __init__(self, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE,
                # Behind a proxy clients are told apart by what it says, if it is named there.
                proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
