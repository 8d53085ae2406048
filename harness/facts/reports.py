"""What a test runner's own report says of each test. The report is the candidate's: bounded, and never more than names and words.

Read are the JSON of vitest and jest, and the JUnit XML of pytest and of Node's runner. Of any other runner only the exit status is
known: one outcome for the whole command.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Runner = Literal["vitest", "jest", "pytest", "node", "other"]
MAX_TESTS = 20_000
MAX_NAME = 200
WHOLE = "the whole command"
REPORTS: Mapping[Runner, str] = {
    "vitest": "report.json",
    "jest": "report.json",
    "pytest": "report.xml",
    "node": "report.xml",
    "other": "",
}
READERS: Mapping[Runner, str] = {
    "vitest": "the JSON report of vitest",
    "jest": "the JSON report of jest",
    "pytest": "the JUnit report of pytest",
    "node": "the JUnit report of node --test",
    "other": "the exit status alone: no report of this runner is read",
}
INSIDE = "/candidate/"


@dataclass(frozen=True, slots=True)
class Ordered:
    """How a runner is asked for a report at `{results}` and for an order by `seed`; `shuffles` says whether it takes one."""

    command: list[str]
    env: dict[str, str]
    shuffles: bool


def runner_of(command: Sequence[str]) -> Runner:
    """By the words of the command."""
    names = [word.rsplit("/", 1)[-1] for word in command[:6]]
    runners: tuple[Runner, ...] = ("vitest", "jest", "pytest")
    for runner in runners:
        if any(name in {runner, f"{runner}.mjs", f"{runner}.js", f"{runner}.py"} for name in names):
            return runner
    return "node" if names[:1] == ["node"] and "--test" in command else "other"


def asked(command: Sequence[str], seed: int) -> Ordered:
    """The command with a report, and in the order of `seed` (0: the runner's own)."""
    runner = runner_of(command)
    report = "{results}/" + REPORTS[runner]
    match runner:
        case "vitest":
            order = ["--sequence.shuffle.tests", "--sequence.shuffle.files", f"--sequence.seed={seed}"] if seed else []
            return Ordered([*command, "--reporter=json", f"--outputFile={report}", *order], {}, shuffles=True)
        case "jest":
            order = ["--randomize", f"--seed={seed}"] if seed else []
            return Ordered([*command, "--json", f"--outputFile={report}", *order], {}, shuffles=True)
        case "pytest":
            options = [
                f"--junitxml={report}",
                "-p",
                "harness_shuffle",
                "-p",
                "no:cacheprovider",
                "--continue-on-collection-errors",
            ]
            env = {"PYTHONPATH": "{tools}", "HARNESS_ORDER": str(seed), "PYTHONDONTWRITEBYTECODE": "1"}
            if command[0] in {"python3", "python"}:  # that is our interpreter, and the plugins it has are ours
                env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            return Ordered([*command, *options], env, shuffles=True)
        case "node":
            at = list(command).index("--test") + 1
            options = ["--test-reporter=junit", f"--test-reporter-destination={report}"]
            return Ordered([*command[:at], *options, *command[at:]], {}, shuffles=False)
        case _:
            return Ordered(list(command), {}, shuffles=False)


def outcomes(runner: Runner, data: bytes, exit_code: int | None) -> dict[str, bool]:
    """Name of each test -> whether it passed; skipped ones are left out. A file that cannot be run is a test of its name.

    Where there is no report that can be read, the whole command is the one test.
    """
    try:
        found = dict(list(_json_tests(data) if runner in {"vitest", "jest"} else _xml_tests(data))[:MAX_TESTS]) if data else {}
    except (msgspec.MsgspecError, ElementTree.ParseError, AttributeError, TypeError, ValueError):
        found = {}
    if not found or (exit_code != 0 and all(found.values())):
        found[WHOLE] = exit_code == 0
    return found


def _json_tests(data: bytes) -> Iterator[tuple[str, bool]]:
    for file in msgspec.json.decode(data)["testResults"]:
        path = _path(str(file.get("name", "")))
        tests: list[dict[str, Any]] = file.get("assertionResults") or []
        for test in tests:
            if test.get("status") in {"passed", "failed"}:
                yield _named(path, str(test.get("fullName") or test.get("title"))), test["status"] == "passed"
        if not tests and file.get("status") == "failed":
            yield _named(path, "the file itself"), False


def _xml_tests(data: bytes) -> Iterator[tuple[str, bool]]:
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data:
        raise ValueError("a report needs no declarations")
    for case in ElementTree.fromstring(data).iter("testcase"):
        kinds = {child.tag for child in case}
        if "skipped" not in kinds:
            place = case.get("file") or case.get("classname") or ""
            yield _named(_path(place), case.get("name", "")), not kinds & {"failure", "error"}


def _path(name: str) -> str:
    return name.removeprefix(INSIDE)


def _named(path: str, name: str) -> str:
    return f"{path}: {name}"[:MAX_NAME] if path else name[:MAX_NAME]
