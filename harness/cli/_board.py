"""Feeds the progress display from an evaluation's progress."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console

from harness.evaluation import Evaluation, Progress
from harness.report.progress import ProgressBoard


class Board:
    """One line per requirement: a suite may decide several, one after the other, and the news of two may come together."""

    def __init__(self, run: Evaluation, console: Console) -> None:
        profile = run.options.profile
        self._names = {requirement.id: f"{requirement.id} {requirement.title}" for requirement in run.wanted}
        expected = {self._names[requirement.id]: requirement.budget_s(profile) / 4 for requirement in run.wanted}
        self._board = ProgressBoard(
            expected,
            workers=run.challenge.workers(run.options.jobs),
            console=Console(stderr=True) if console.stderr else console,
        )
        self._seen: set[str] = set()
        self._begun: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._board.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._board.__exit__(kind, error, trace)

    def update(self, progress: Progress) -> None:
        """Shows what began and what ended since the last call."""
        for cell, requirement in progress.begun:
            if (cell, requirement) not in self._begun and requirement in self._names:
                self._begun.add((cell, requirement))
                self._board.started(requirement, self._names[requirement])
        for row in progress.rows:
            name = row.requirement.id
            if name not in self._seen and name in self._names:
                self._seen.add(name)
                self._board.finished(name, row.outcome.value)
