"""Turns a pytest run of one suite into findings: the fixture `trial`, the marker `requirement`, one journal line per requirement.

Active only with `--harness-cell FILE`; the worker (`harness.scale.worker`) passes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.judge.outcomes import Finding, Outcome
from harness.results import journal
from harness.runtime.cell import Cell, load
from harness.runtime.trial import Trial

_CELL = pytest.StashKey[Cell]()
_BOOK = pytest.StashKey["_Book"]()
_TRIAL = pytest.StashKey[Trial]()


class _Book:
    """Findings so far, and how many tests each requirement still waits for."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.waiting: dict[str, int] = {}
        self.findings: dict[str, list[Finding]] = {}
        self.began: dict[str, float] = {}

    def expect(self, requirement: str) -> None:
        self.waiting[requirement] = self.waiting.get(requirement, 0) + 1

    def add(self, requirement: str, findings: list[Finding]) -> None:
        self.findings.setdefault(requirement, []).extend(findings)

    def finish_test(self, requirement: str) -> None:
        self.waiting[requirement] -= 1
        if self.waiting[requirement] == 0:
            journal.append_findings(Path(self.cell.journal), self.cell.key, requirement, self.findings.get(requirement, []))


def requirement_of(item: pytest.Item) -> str | None:
    """The id in the test's marker `requirement`, or None."""
    marker = item.get_closest_marker("requirement")
    return str(marker.args[0]) if marker is not None and marker.args else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option by which the worker hands over its cell."""
    parser.addoption("--harness-cell", default=None, help="JSON file of the cell to run (used by the harness's worker)")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker; with a cell, loads it."""
    config.addinivalue_line("markers", "requirement(id): the requirement of the challenge that this test decides")
    path = config.getoption("--harness-cell")
    if path:
        cell = load(Path(path))
        config.stash[_CELL] = cell
        config.stash[_BOOK] = _Book(cell)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests of the cell's requirements."""
    book = config.stash.get(_BOOK, None)
    if book is None:
        return
    unmarked = [item.nodeid for item in items if requirement_of(item) is None]
    if unmarked:
        raise pytest.UsageError(f"tests of a suite need @pytest.mark.requirement(ID): {', '.join(unmarked)}")
    items[:] = [item for item in items if requirement_of(item) in book.cell.requirements]
    for item in items:
        book.expect(str(requirement_of(item)))


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Iterator[Trial]:
    """The suite's view of the candidate; every process it starts ends with the test."""
    cell = request.config.stash.get(_CELL, None)
    if cell is None:
        raise pytest.UsageError("a suite runs under the harness: `harness eval CANDIDATE --suite NAME`")
    requirement = str(requirement_of(request.node))
    began = request.config.stash[_BOOK].began.setdefault(requirement, time.monotonic())
    made = Trial(cell, request.node.name, requirement, began)
    request.node.stash[_TRIAL] = made
    yield made
    made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[Any]:
    """Sorts what a test did into a finding. A failed setup or teardown is our own failure."""
    report = yield
    book = item.config.stash.get(_BOOK, None)
    requirement = requirement_of(item)
    if book is None or requirement is None:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, KeyboardInterrupt):
        return report
    made = item.stash.get(_TRIAL, None)
    if call.when == "call" and made is not None:
        book.add(requirement, [made.finding_of(error), *made.parts])
    elif error is not None:
        made = made or Trial(book.cell, item.name, requirement)
        text = f"the harness failed in {call.when}: {type(error).__name__}: {str(error)[:300]}"
        book.add(requirement, [Finding(requirement, Outcome.INFRA_ERROR, text, 0.0, test=item.name)])
    return report


class _Finish:
    """Closes a test's account once its teardown has been reported."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        book = item.config.stash.get(_BOOK, None)
        requirement = requirement_of(item)
        if book is not None and requirement is not None:
            journal.append_start(Path(book.cell.journal), book.cell.key, requirement)
        result = yield
        if book is not None and requirement is not None:
            book.finish_test(requirement)
        return result


def pytest_sessionstart(session: pytest.Session) -> None:
    """Adds the bookkeeping that wraps each test."""
    if _BOOK in session.config.stash:
        session.config.pluginmanager.register(_Finish(), "harness-finish")
