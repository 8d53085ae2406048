"""The candidate's own tests: red, flaky, red before, idle; for real on a small repository, and pure on histories."""

from __future__ import annotations

import json

import pytest

from harness.facts.own_tests import Tally, charged, summed
from harness.facts.reports import WHOLE, asked, outcomes, runner_of
from tests.harness.facts.conftest import Measured
from tests.harness.facts.test_integration import BASE

OLD_TESTS = """
from calc import double
def test_double():
    assert double(2) == 4
def test_was_red_before():
    assert double(2) == 5
"""
NEW_TESTS = """
import datetime, os
from calc import triple
def test_triple():
    assert triple(2) == 6
def test_of_order():
    assert os.environ["HARNESS_ORDER"] != "3"
def test_of_the_hour():
    assert datetime.datetime.now().year != 2031
def test_red():
    assert triple(2) == 7
"""
IDLE_TESTS = "def test_of_nothing():\n    assert 1 + 1 == 2\n"
DOUBLE = "def double(x):\n    return 2 * x\n"
COMMAND = '[tests]\ncommand = ["python3", "-m", "pytest", "-q"]\n'


def test_red_flaky_red_at_base_and_idle_are_told_apart(measured: Measured) -> None:
    change = {"calc.py": DOUBLE + "def triple(x):\n    return 3 * x\n", "test_new.py": NEW_TESTS, "test_idle.py": IDLE_TESTS}
    found = measured({**BASE, "calc.py": DOUBLE, "test_old.py": OLD_TESTS}, change, more=COMMAND)
    own = found["own_tests"]
    assert (own["runs"], own["base_runs"], own["tests"], own["notes"]) == (5, 5, 7, []), own
    assert own["red"] == ["test_new: test_red"]
    assert [(item["name"], item["failed"], item["of"]) for item in own["flaky"]] == [
        ("test_new: test_of_order", 1, 5),
        ("test_new: test_of_the_hour", 1, 5),
    ]
    assert "2031-12-31T23:59:50" in own["flaky"][1]["when"]
    assert own["red_at_base"] == ["test_old: test_was_red_before"]
    assert (own["new_tests"], own["pass_without_the_change"]) == (2, ["test_idle: test_of_nothing"])
    assert found["judged"]["own_tests_red"] == ["test_new: test_red", "test_new: test_of_order", "test_new: test_of_the_hour"]


def tally(*runs: dict[str, bool]) -> Tally:
    found = Tally()
    for run in runs:
        found.add(run)
    return found


def test_what_fails_at_the_base_is_no_fault_of_the_commit() -> None:
    found = summed(tally({"a": False}, {"a": False}), tally({"a": True}, {"a": False}), Tally())
    assert (found["red"], found["flaky"], found["red_at_base"]) == ([], [], ["a"])
    assert charged(found) == []
    assert charged(summed(tally({"a": False}), tally({"a": True}), Tally())) == ["a"]
    assert charged(None) is None and charged({"problem": "no run came to its end"}) is None


@pytest.mark.parametrize(
    ("command", "runner"),
    [
        (["node", "node_modules/vitest/vitest.mjs", "run"], "vitest"),
        (["python3", "-m", "pytest", "tests"], "pytest"),
        (["npx", "jest"], "jest"),
        (["node", "--test"], "node"),
        (["make", "test"], "other"),
    ],
)
def test_runners_are_known_by_their_words(command: list[str], runner: str) -> None:
    assert runner_of(command) == runner
    assert asked(command, 3).command[: len(command) - 1] == command[:-1]


def test_reports_are_read() -> None:
    file = {"name": "/candidate/a.test.ts", "status": "failed", "assertionResults": []}
    tests = [
        {"fullName": "x y", "status": "passed"},
        {"fullName": "x z", "status": "failed"},
        {"fullName": "s", "status": "pending"},
    ]
    report = {"testResults": [file, {"name": "/candidate/b.test.ts", "status": "failed", "assertionResults": tests}]}
    assert outcomes("vitest", json.dumps(report).encode(), 1) == {
        "a.test.ts: the file itself": False,
        "b.test.ts: x y": True,
        "b.test.ts: x z": False,
    }
    xml = b'<testsuites><testcase name="n" file="/candidate/t.mjs"><failure/></testcase><testcase name="m" classname="k"/></testsuites>'
    assert outcomes("node", xml, 1) == {"t.mjs: n": False, "k: m": True}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"<!DOCTYPE x><a/>", b'{"testResults": 3}', b"<testsuites/>", b'{"testResults": [1]}']
)
def test_a_report_that_says_nothing_leaves_the_exit_status(data: bytes) -> None:
    for runner in ("vitest", "pytest"):
        assert outcomes(runner, data, 0) == {WHOLE: True}  # type: ignore[arg-type]
        assert outcomes(runner, data, 2) == {WHOLE: False}  # type: ignore[arg-type]


def test_a_report_that_is_all_green_does_not_hide_a_failed_command() -> None:
    assert outcomes("pytest", b'<testsuite><testcase name="n"/></testsuite>', 1) == {"n": True, WHOLE: False}
