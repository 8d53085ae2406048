"""Results side by side: what differs is marked, what is not comparable is said loudly, hostile names stay text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from harness.report import comparison, comparison_page

HOSTILE = "<script>alert(1)</script>"


def result(name: str, outcome: str = "pass", **provenance: Any) -> dict[str, Any]:
    row = {"id": "AD-01", "title": "A step", "severity": "critical", "outcome": outcome, "credit": 1.0, "summary": HOSTILE}
    planned = {**row, "id": "AD-50", "outcome": "planned"}
    made = {"suite_digest": "d", "profile": "quick", "seed": 1, "sandbox": "bwrap", "time": "virtual", "partial": False}
    return {
        "candidate": {"id": name, "model": HOSTILE},
        "challenge": {"id": "toy", "title": "Toy"},
        "entry": "run",
        "verdict": "ship",
        "score": 100.0,
        "as_asked": {"verdict": "ship", "score": 100.0},
        "requirements": [row, planned],
        "provenance": {**made, **provenance},
    }


def shown(made: comparison.Comparison) -> str:
    console = Console(width=160, record=True, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(comparison.terminal(made))
    return captured.get()


def test_outcomes_that_differ_are_marked_and_planned_ones_left_out() -> None:
    made = comparison.compare([result("a"), result("b", "fail")], ["../a/index.html", "../b/index.html"])
    assert [(line.id, line.differs) for line in made.lines] == [("AD-01", True)]
    assert made.lines[0].cells[1].address == "../b/index.html#AD-01"
    assert not comparison.compare([result("a"), result("b")], ["a", "b"]).lines[0].differs
    assert "✗" in shown(made)


def test_results_of_other_settings_are_not_passed_off_as_comparable() -> None:
    assert comparison.warnings([result("a"), result("b")]) == []
    for change in ({"profile": "full"}, {"suite_digest": "e"}, {"sandbox": "none"}, {"seed": 2}, {"partial": True}):
        (warning,) = comparison.warnings([result("a"), result("b", **change)])
        assert warning.startswith("NOT COMPARABLE")


def test_a_hostile_name_stays_text() -> None:
    made = comparison.compare([result(HOSTILE), result("b")], ["javascript:alert(1)", "../b/index.html"])
    page = comparison_page.page([comparison_page.Section(made, ())])
    assert HOSTILE not in page and "&lt;script&gt;" in page and "javascript:" not in page


def test_a_requirement_that_a_result_lacks_is_no_pass() -> None:
    other = result("b")
    other["requirements"] = []
    made = comparison.compare([result("a"), other], ["a", "b"])
    assert made.lines[0].cells[1].word.text == "planned" and made.lines[0].differs
