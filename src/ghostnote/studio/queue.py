"""Turns: work is done off the event loop, a few pieces at a time, and nobody starves anybody.

Addresses take turns, and so do the clients of one address. What waits is bounded, for each client,
for each address and in all; what is beyond that is refused at once, with the time after which to
try again. Work that nobody waits for any more is dropped, or stops before its next batch.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from ghostnote.studio.problems import Problem
from ghostnote.studio.settings import Settings

T = TypeVar("T")

_WEIGHT: Final = 0.2
"""Of the latest piece of work, in how long one is thought to take."""


class Client(NamedTuple):
    """Who asks: an address, and which of those who share it."""

    host: str
    name: str


class Stopped(BaseException):
    """Work whose result nobody waits for. As it is no error, nothing takes it for one."""


_doing = threading.local()


def stop_if_unwanted() -> None:
    """To be called by work now and then.

    Raises:
        Stopped: nobody waits for its result.
    """
    job: _Job | None = getattr(_doing, "job", None)
    if job is not None and job.unwanted.is_set():
        raise Stopped


@dataclass(eq=False)
class _Job:
    work: Callable[[], Any]
    result: asyncio.Future[Any]
    unwanted: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> Any:
        _doing.job = self
        try:
            stop_if_unwanted()
            return self.work()
        finally:
            _doing.job = None


class Turns:
    """Who is next. Used in one event loop only; the work itself is done in threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # One more than work in turns, for what is done beside it.
        self._pool = ThreadPoolExecutor(settings.workers + 1, "ghostnote-work")
        self._hosts: dict[str, dict[str, deque[_Job]]] = {}
        self._working: set[_Job] = set()
        self._typical = 0.05

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for their turn."""
        return sum(self._of_host(host) for host in self._hosts)

    @property
    def working(self) -> int:
        """How many are worked on."""
        return len(self._working)

    async def run(self, client: Client, work: Callable[[], T]) -> T:
        """What `work` returns, when its turn has come. What it raises is raised.

        If this is cancelled, so is the work.

        Raises:
            Problem: too many wait already, or it takes too long.
        """
        self._refuse(client)
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future())
        self._hosts.setdefault(client.host, {}).setdefault(client.name, deque()).append(job)
        self._fill()
        try:
            async with asyncio.timeout(self._settings.seconds):
                result: T = await job.result
                return result
        except TimeoutError:
            raise Problem(
                504,
                f"it was not done within {self._settings.seconds:g} s",
                remedy="ask for less at once, or try again",
                headers={"Retry-After": self._retry_after},
            ) from None
        finally:
            job.unwanted.set()
            self._forget(client, job)

    def warm(self, work: Callable[[], object]) -> None:
        """Do `work` beside all else; nobody waits for it, and what it raises will be raised again.

        Whoever asks for what it prepares prepares it too, if it is not ready.
        """
        self._pool.submit(work)

    def close(self) -> None:
        """Drop what waits, stop what is worked on, and wait until it has stopped."""
        for job in (*self._working, *(job for _, job in self._all())):
            job.unwanted.set()
            job.result.cancel()
        self._hosts.clear()
        self._pool.shutdown()

    def _refuse(self, client: Client) -> None:
        """Raise if there is no place for one more."""
        limits = self._settings
        mine = len(self._hosts.get(client.host, {}).get(client.name, ()))
        if mine >= limits.waiting_each or self._of_host(client.host) >= limits.waiting_host:
            raise Problem(
                429,
                "too many of your requests wait already",
                remedy="wait for their answers",
                headers={"Retry-After": self._retry_after},
            )
        if self.waiting >= limits.waiting:
            raise Problem(
                503,
                "too many requests wait already",
                remedy="try again in a while",
                headers={"Retry-After": self._retry_after},
            )

    @property
    def _retry_after(self) -> str:
        """Whole seconds in which what waits now should be done."""
        ahead = self.waiting + len(self._working)
        return str(max(1, math.ceil(ahead * self._typical / self._settings.workers)))

    def _of_host(self, host: str) -> int:
        return sum(map(len, self._hosts.get(host, {}).values()))

    def _all(self) -> list[tuple[Client, _Job]]:
        return [
            (Client(host, name), job)
            for host, names in self._hosts.items()
            for name, jobs in names.items()
            for job in jobs
        ]

    def _fill(self) -> None:
        """Begin what there is room for."""
        while self._hosts and len(self._working) < self._settings.workers:
            self._begin(self._next())

    def _begin(self, job: _Job) -> None:
        self._working.add(job)
        loop = job.result.get_loop()
        begun = loop.time()

        def tell(done: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is left to be told
                loop.call_soon_threadsafe(self._finish, job, done, begun)

        self._pool.submit(job).add_done_callback(tell)

    def _next(self) -> _Job:
        """The first of whose turn it is, who then goes to the end of the line."""
        host, names = next(iter(self._hosts.items()))
        name, jobs = next(iter(names.items()))
        job = jobs.popleft()
        del names[name]
        if jobs:
            names[name] = jobs
        del self._hosts[host]
        if names:
            self._hosts[host] = names
        return job

    def _finish(self, job: _Job, done: Future[Any], begun: float) -> None:
        self._working.discard(job)
        if not job.unwanted.is_set():
            took = job.result.get_loop().time() - begun
            self._typical += _WEIGHT * (took - self._typical)
        if not job.result.done():
            error = done.exception()
            if error is None:
                job.result.set_result(done.result())
            else:
                job.result.set_exception(error)
        self._fill()

    def _forget(self, client: Client, job: _Job) -> None:
        """Take `job` out of the line, if it still stands there."""
        names = self._hosts.get(client.host, {})
        jobs = names.get(client.name, deque())
        with suppress(ValueError):
            jobs.remove(job)
        if not jobs:
            names.pop(client.name, None)
        if not names:
            self._hosts.pop(client.host, None)
