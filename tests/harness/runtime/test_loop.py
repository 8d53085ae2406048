"""The loop: order within a batch, timers, waking, and descriptors that go away."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from harness.runtime.loop import READ, Loop, Watch


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop of its own."""
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    """Three pipes."""
    made = [os.pipe() for _ in range(3)]
    yield made
    for pair in made:
        for fd in pair:
            os.close(fd)


def test_pipes_of_candidates_come_before_sockets(loop: Loop, pipes: list[tuple[int, int]]) -> None:
    seen: list[str] = []
    for name, (read, write) in zip(["socket", "pipe", "other"], pipes, strict=True):

        def take(_events: int, name: str = name, read: int = read) -> None:
            os.read(read, 10)
            seen.append(name)

        loop.watch(read, READ, take, first=name == "pipe")
        os.write(write, b"x")
    assert loop.run_until(lambda: len(seen) == 3, 10)
    assert seen[0] == "pipe"


def test_a_descriptor_unwatched_in_the_same_batch_is_not_handled(loop: Loop, pipes: list[tuple[int, int]]) -> None:
    seen: list[int] = []
    watches: list[Watch] = []
    for number, (read, write) in enumerate(pipes):

        def take(_events: int, number: int = number) -> None:
            seen.append(number)
            for watch in watches:
                loop.unwatch(watch)

        watches.append(loop.watch(read, READ, take))
        os.write(write, b"x")
    loop.run_once(10)
    assert len(seen) == 1 and not loop.run_once(0)


def test_timers_fire_in_order_and_can_be_cancelled(loop: Loop) -> None:
    seen: list[str] = []
    start = loop.now_ns()
    loop.call_at(start + 3_000_000, lambda: seen.append("late"))
    loop.call_at(start + 1_000_000, lambda: seen.append("early"))
    loop.call_at(start + 1_000_000, lambda: seen.append("same moment, later asked"))
    loop.call_at(start + 2_000_000, lambda: seen.append("never")).cancel()
    assert loop.run_until(lambda: "late" in seen, 10)
    assert seen == ["early", "same moment, later asked", "late"] and loop.now_ns() >= start + 3_000_000


def test_it_gives_up_when_the_time_is_up_and_looks_first(loop: Loop) -> None:
    assert not loop.run_until(lambda: False, 0.01)
    assert loop.run_until(lambda: True, 0)


def test_another_thread_can_wake_it(loop: Loop) -> None:
    done = threading.Event()

    def work() -> None:
        done.set()
        loop.wake()

    thread = threading.Thread(target=work)
    thread.start()
    assert loop.run_until(done.is_set, 30)
    thread.join()


def test_the_world_outside_is_looked_at_again_and_again(loop: Loop) -> None:
    looks: list[int] = []
    assert loop.run_until(lambda: len(looks) > 3 or looks.append(1) is not None, 30, look_every_s=0.001)  # type: ignore[func-returns-value]  # append counts the looks


def test_quiet_is_reached_only_after_events_have_ended(loop: Loop, pipes: list[tuple[int, int]]) -> None:
    read, write = pipes[0]
    left = [5]

    def again(_events: int) -> None:
        os.read(read, 1)
        left[0] -= 1
        if left[0]:
            os.write(write, b"x")

    loop.watch(read, READ, again)
    os.write(write, b"x")
    assert loop.settle(0.02, 30) and left == [0]
    assert not loop.settle(10, 0.01)


def test_what_a_handler_raises_reaches_the_caller(loop: Loop, pipes: list[tuple[int, int]]) -> None:
    def broken(_events: int) -> None:
        raise KeyError("ours")

    loop.watch(pipes[0][0], READ, broken)
    os.write(pipes[0][1], b"x")
    with pytest.raises(KeyError, match="ours"):
        loop.run_until(lambda: False, 10)
