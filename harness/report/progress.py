"""What is running and how long it will take: a live board on a terminal, plain lines anywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.report import words
from harness.report.text import duration, one_line

DEFAULT_BUDGET_S = 10.0


@dataclass(frozen=True, slots=True)
class _Running:
    cell: str
    since_s: float


class ProgressBoard:
    """Progress over cells that `workers` workers take from one queue. Safe to call from several threads.

    `expected_s` maps every cell to the seconds it is expected to take: what it took last time where that is
    known, else its budget. As cells finish, their real times correct the estimate for the rest.
    Use as a context manager; on a terminal it then redraws itself in place.
    """

    def __init__(
        self,
        expected_s: Mapping[str, float],
        *,
        workers: int = 1,
        console: Console | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._expected = {cell: max(seconds, 0.01) for cell, seconds in expected_s.items()}
        self._workers = max(workers, 1)
        self._console = console or Console(stderr=True)
        self._clock = clock_s
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._open = dict.fromkeys(self._expected)
        self._done = 0
        self._took = 0.0
        self._was_expected = 0.0
        self._started = clock_s()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._started = self._clock()
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._draw, console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        else:
            self._line(f"{self.total} to do, about {duration(self.left_s())}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def total(self) -> int:
        """How many cells there are, done ones included."""
        return len(self._open) + self._done

    def started(self, worker: str, cell: str) -> None:
        """`worker` begins `cell`; a cell that was not announced is added to the total."""
        with self._lock:
            self._expected.setdefault(cell, DEFAULT_BUDGET_S)
            self._open.setdefault(cell)
            self._running[worker] = _Running(cell, self._clock())

    def finished(self, worker: str, outcome: str = "pass") -> None:
        """`worker` is done with its cell; without a cell under way this says nothing."""
        with self._lock:
            running = self._running.pop(worker, None)
            if running is None:
                return
            took = self._clock() - running.since_s
            if running.cell in self._open:
                del self._open[running.cell]
                self._done += 1
            self._took += took
            self._was_expected += self._expected[running.cell]
        word = words.outcome_word(outcome)
        if self._live is None:
            left = self.left_s()
            rest = f", about {duration(left)} left" if left > 0 else ""
            self._line(f"[{self._done}/{self.total}] {running.cell}: {word.text}, {duration(took)}{rest}")
        elif outcome != "pass":
            self._console.print(Text.assemble(f"{one_line(running.cell, 80)}: ", (one_line(word.text, 40), word.colour)))

    def note(self, text: str) -> None:
        """One line for the reader, above the board."""
        self._line(text)

    def left_s(self) -> float:
        """The estimate of the seconds left: never less than the longest cell still to come or under way."""
        with self._lock:
            now = self._clock()
            pace = self._pace()
            rest = {cell: self._expected[cell] * pace for cell in self._open}
            for running in self._running.values():
                if running.cell in rest:
                    rest[running.cell] = max(rest[running.cell] - (now - running.since_s), 0.0)
        return max(sum(rest.values()) / self._workers, max(rest.values(), default=0.0))

    def _pace(self) -> float:
        """How much longer cells take than expected; moves from 1 towards what was seen as evidence grows."""
        expected = sum(self._expected[cell] for cell in self._open)
        prior = 0.2 * (expected + self._was_expected)
        if self._was_expected == 0 or prior == 0:
            return 1.0
        return (self._took + prior) / (self._was_expected + prior)

    def _line(self, text: str) -> None:
        self._console.print(Text(one_line(text, 400)), soft_wrap=True)

    def _draw(self) -> RenderableType:
        left = self.left_s()
        with self._lock:
            now = self._clock()
            running = sorted(self._running.items())
            done, total = self._done, self.total
        head = Table.grid(padding=(0, 1))
        head.add_row(
            ProgressBar(total=max(total, 1), completed=done, width=30),
            Text(f"{done}/{total}"),
            Text(f"{duration(now - self._started)} so far, about {duration(left)} left", style="dim"),
        )
        rows = Table.grid(padding=(0, 1))
        for worker, cell in running:
            spent = Text(duration(now - cell.since_s), style="dim")
            rows.add_row(Text(one_line(worker, 20), style="dim"), Text(one_line(cell.cell, 80)), spent)
        return Group(head, rows)
