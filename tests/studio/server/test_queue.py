"""Turns: nobody starves anybody, what is too much is refused, what is unwanted stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from ghostnote.studio.problems import Problem
from ghostnote.studio.queue import Client, Stopped, Turns, stop_if_unwanted
from ghostnote.studio.settings import Settings

ONE = Settings(workers=1, waiting_each=4, waiting_host=6, waiting=8, seconds=20)
ANNA, BEN, CLEO = Client("1", "anna"), Client("1", "ben"), Client("2", "cleo")


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Held:
    """Turns whose one worker is busy until it is let go; what is done after is noted in order."""

    def __init__(self, settings: Settings = ONE) -> None:
        self.turns = Turns(settings)
        self.done: list[str] = []
        self._free = threading.Event()

    async def __aenter__(self) -> Held:
        self._busy = self.ask(Client("0", "busy"), self._free.wait)
        await self.until(lambda: self.turns.working == 1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._free.set()
        self.turns.close()

    def ask(self, client: Client, work: Callable[[], Any] | str) -> asyncio.Task[Any]:
        if isinstance(work, str):
            name = work
            return asyncio.ensure_future(self.turns.run(client, lambda: self.done.append(name)))
        return asyncio.ensure_future(self.turns.run(client, work))

    async def let_go(self) -> None:
        self._free.set()
        await self._busy

    @staticmethod
    async def until(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.001)


@in_loop
async def test_what_work_gives_and_raises_is_given_and_raised() -> None:
    turns = Turns(ONE)
    assert await turns.run(ANNA, lambda: threading.current_thread().name) != "MainThread"
    with pytest.raises(ZeroDivisionError):
        await turns.run(ANNA, lambda: 1 // 0)
    assert await turns.run(ANNA, lambda: 3) == 3
    assert (turns.waiting, turns.working) == (0, 0)
    turns.close()


@in_loop
async def test_clients_take_turns_and_so_do_addresses() -> None:
    async with Held() as held:
        asked = [held.ask(ANNA, f"anna {index}") for index in range(3)]
        await asyncio.sleep(0)
        asked += [held.ask(BEN, f"ben {index}") for index in range(2)]
        asked += [held.ask(CLEO, f"cleo {index}") for index in range(3)]
        await asyncio.sleep(0)
        assert held.turns.waiting == 8
        await held.let_go()
        await asyncio.gather(*asked)
        assert held.done == [
            "anna 0", "cleo 0", "ben 0", "cleo 1", "anna 1", "cleo 2", "ben 1", "anna 2",
        ]  # fmt: skip


@in_loop
async def test_one_who_asks_for_much_does_not_keep_another_waiting() -> None:
    async with Held() as held:
        much = [held.ask(ANNA, f"much {index}") for index in range(4)]
        await asyncio.sleep(0)
        little = held.ask(CLEO, "little")
        await asyncio.sleep(0)
        await held.let_go()
        await asyncio.gather(little, *much)
        assert held.done.index("little") == 1


@in_loop
async def test_as_many_as_there_are_workers_are_done_together() -> None:
    turns = Turns(Settings(workers=3))
    meet = threading.Barrier(3)
    places = await asyncio.gather(*(turns.run(ANNA, lambda: meet.wait(20)) for _ in range(3)))
    assert sorted(places) == [0, 1, 2]
    turns.close()


@pytest.mark.parametrize(
    ("waiting", "asks", "status"),
    [
        ([ANNA] * 4, ANNA, 429),
        ([ANNA] * 3 + [BEN] * 3, BEN, 429),
        ([ANNA] * 3 + [BEN] * 3, Client("1", "new"), 429),
        ([ANNA] * 3 + [BEN] * 3 + [CLEO] * 2, CLEO, 503),
        ([ANNA] * 3 + [BEN] * 3 + [CLEO] * 2, Client("3", "new"), 503),
    ],
)
@in_loop
async def test_too_much_is_refused_at_once(
    waiting: list[Client], asks: Client, status: int
) -> None:
    async with Held() as held:
        for client in waiting:
            held.ask(client, "some")
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await held.turns.run(asks, lambda: None)
        assert refused.value.status == status
        assert int(refused.value.headers["Retry-After"]) >= 1
        assert held.turns.waiting == len(waiting)


@in_loop
async def test_there_is_room_again_when_work_is_done() -> None:
    async with Held() as held:
        asked = [held.ask(ANNA, "some") for _ in range(4)]
        await asyncio.sleep(0)
        await held.let_go()
        await asyncio.gather(*asked)
        await held.turns.run(ANNA, lambda: None)


@in_loop
async def test_what_waits_is_dropped_when_nobody_wants_it() -> None:
    async with Held() as held:
        unwanted, wanted = held.ask(ANNA, "unwanted"), held.ask(ANNA, "wanted")
        await asyncio.sleep(0)
        unwanted.cancel()
        await asyncio.gather(unwanted, return_exceptions=True)
        assert held.turns.waiting == 1
        await held.let_go()
        await wanted
        assert held.done == ["wanted"]


@in_loop
async def test_what_is_worked_on_stops_when_nobody_wants_it() -> None:
    turns = Turns(ONE)
    begun, stopped = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        try:
            while not stopped.wait(0.001):
                stop_if_unwanted()
        except Stopped:
            stopped.set()
            raise

    asked = asyncio.ensure_future(turns.run(ANNA, work))
    await Held.until(begun.is_set)
    asked.cancel()
    await Held.until(stopped.is_set)
    assert await turns.run(BEN, lambda: 1) == 1
    turns.close()


@in_loop
async def test_what_takes_too_long_is_given_up() -> None:
    async with Held(Settings(workers=1, seconds=0.05)) as held:
        with pytest.raises(Problem) as waited:
            await held.turns.run(ANNA, lambda: None)
        assert waited.value.status == 504
        assert int(waited.value.headers["Retry-After"]) >= 1
        assert held.turns.waiting == 0
        with pytest.raises(Problem):
            await held._busy


@in_loop
async def test_at_the_end_all_is_dropped() -> None:
    async with Held() as held:
        asked = held.ask(ANNA, "late")
        await asyncio.sleep(0)
    assert isinstance((await asyncio.gather(asked, return_exceptions=True))[0], BaseException)
    assert held.done == []


def test_outside_of_turns_nothing_is_unwanted() -> None:
    stop_if_unwanted()
