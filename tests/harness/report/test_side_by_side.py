"""The comparison's parts: claims beside measurements, models, charts, and the same as CSV, Markdown, JSON and JUnit XML."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from harness.judge.comparable import objections, reservations
from harness.report import exports, markdown, side_charts
from harness.report.comparison import compare
from harness.report.comparison_page import embedded, page, section
from harness.report.models import several
from harness.report.summary import summary
from tests.harness.report.synthetic import HOSTILE, evidence, result


def cells(results: list[dict[str, Any]], name: str) -> list[tuple[str, str]]:
    (row,) = [row for row in summary(results) if row.name == name]
    return [(cell.text, cell.said) for cell in row.cells]


def outcomes(made: dict[str, Any], **wanted: str) -> dict[str, Any]:
    """The result with these outcomes and nothing else decided: TY_01="pass"."""
    for row in made["requirements"]:
        row["outcome"] = wanted.get(row["id"].replace("-", "_"), "planned")
    return made


def test_what_was_said_stands_beneath_what_was_measured() -> None:
    made = result(1, "a", "m")
    made |= {"integration": {"word": "not wired in", "share": 0.02}, "verdict": "reject"}
    made["claims"] = {"integrated": True, "ships": True, "minutes": 11, "claimed_bugs": ["a race"], "mood": "good"}
    assert cells([made], "Integrated?") == [("not wired in, 2% of its statements ran", "yes")]
    assert cells([made], "Would it survive production?") == [("no", "yes")]
    assert cells([made], "Critical bugs")[0][1] == "a race"
    assert cells([made], "Also said") == [("", "mood: good")]


def test_what_is_missing_is_not_measured_rather_than_good() -> None:
    made = result(2, "a", "m") | {"integration": None, "own_tests": None, "claims": None, "cost": {}, "diff": None}
    for name in ("Integrated?", "Tests", "Diff"):
        assert cells([made], name) == [("not measured", "")]


def test_own_tests_that_fail_are_counted_by_name_or_number() -> None:
    made = result(1, "a", "m") | {"own_tests": {"passing": 7, "red": ["x", "y"], "flaky": [{"name": "z"}]}}
    assert cells([made], "Tests") == [("7 passing, 2 red, 1 flaky", "")]
    assert cells([made | {"own_tests": {"problem": "no runner was found"}}], "Tests")[0][0] == "not run: no runner was found"


def test_machines_that_differ_are_said_and_do_not_forbid_statistics() -> None:
    other = result(2, "b", "n", machine={"cpu": "Other", "cores": 64})
    both = [result(1, "a", "m"), other]
    assert objections(both) == [] and not several(both).refused
    (warning,) = reservations(both)
    assert "machines differ" in warning and "Other, 64 cores" in warning


@pytest.mark.parametrize("change", [{"suite_digest": "e"}, {"profile": "full"}, {"sandbox": "none"}, {"partial": True}])
def test_statistics_over_incomparable_results_are_refused(change: dict[str, Any]) -> None:
    found = several([result(1, "a", "m"), result(2, "b", "n", **change)])
    assert found.refused and not found.models and not found.duels


def test_a_model_with_several_commits() -> None:
    wins = [outcomes(result(i, f"a{i}", "m"), TY_01="pass" if i < 4 else "fail", TY_02="inconclusive") for i in range(6)]
    (model,) = several(wins).models
    (rate,) = model.rates
    assert (rate.passed, rate.count, rate.k) == (4, 6, 3) and rate.pass_at_k == 1.0
    assert rate.all_of_k == pytest.approx(4 / 20)
    assert model.score is not None and model.score.low is not None and model.score.low < model.score.value


@pytest.mark.parametrize(("pairs", "expected"), [(5, None), (6, 2 * 2 / 64)])
def test_p_values_only_from_six_pairs_up_and_corrected_for_their_number(pairs: int, expected: float | None) -> None:
    ours = [outcomes(result(i, f"a{i}", "m"), TY_01="pass") | {"score": 90.0} for i in range(pairs)]
    theirs = [outcomes(result(50 + i, f"b{i}", "n"), TY_01="fail") | {"score": 10.0} for i in range(pairs)]
    (duel,) = several([*ours, *theirs]).duels
    assert (duel.won, duel.lost, duel.pairs) == (("TY-01",), (), pairs)
    assert duel.score_p == expected and duel.findings[0].p == expected


def test_one_commit_driven_in_two_ways_counts_once() -> None:
    twice = [result(1, "a", "m"), result(1, "a-windows", "m"), result(2, "b", "m")]
    found = several(twice)
    assert found.models[0].commits == 2 and "a-windows" in found.notes[0]


def test_commits_of_other_tasks_are_no_pairs() -> None:
    other = result(2, "b", "n")
    other["candidate"]["prompt"] = "another"
    (duel,) = several([result(1, "a", "m"), other]).duels
    assert duel.pairs == 0 and duel.score_p is None


def test_charts_hold_a_hostile_label_as_text_only() -> None:
    made = section(
        [result(i, f"c{i}", HOSTILE, hostile=True) for i in (1, 2)], ["a", "b"], [evidence(i, HOSTILE) for i in (1, 2)]
    )
    titles = [chart.title for chart in made.charts]
    assert len(titles) == 5 and titles[:2] == ["Score against cost", "Score against time"]
    for chart in made.charts:
        root = ElementTree.fromstring(chart.svg)
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert names <= side_charts._ELEMENTS and "script" not in names
        attributes = {key for element in root.iter() for key in element.attrib}
        assert not [key for key in attributes if key.startswith("on") or "href" in key]


def test_an_svg_keeps_only_what_is_allowed() -> None:
    evil = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" onload="alert(1)">'
        '<script>alert(1)</script><a xlink:href="javascript:alert(1)"><text>x</text></a><foreignObject/>'
        '<rect fill="url(https://evil.example/x)" onclick="alert(1)" width="9" style="background:url(x)"/><g fill="#010101"/></svg>'
    )
    safe = side_charts.safe_svg(evil, "<b>")
    for word in ("script", "javascript", "foreignObject", "evil", "onclick", "onload", "<b>", "background"):
        assert word not in safe
    assert 'style="fill:var(--ink)"' in safe and 'width="9"' in safe
    with pytest.raises(ValueError, match="well-formed"):
        side_charts.safe_svg("<svg>", "")


def test_data_inside_a_script_element_cannot_end_it() -> None:
    text = embedded({"a": "</script><!--\u2028", "b": HOSTILE})
    assert not re.search("[<>&\u2028]", text) and json.loads(text)["b"] == HOSTILE


def test_csv_has_a_row_for_each_cell_and_no_formula() -> None:
    made = compare([result(1, "=cmd", "m"), result(2, "b", "n")], ["a", "b"])
    rows = list(csv.DictReader(io.StringIO(exports.as_csv([made]))))
    assert len(rows) == 2 * len(made.lines) and rows[0]["candidate"] == "'=cmd"
    assert {row["outcome"] for row in rows} <= {"pass", "fail", "candidate error", "not offered", "inconclusive", "planned"}


def test_junit_counts_what_it_lists() -> None:
    root = ElementTree.fromstring(exports.as_junit([result(1, "a\x00", HOSTILE, hostile=True)]))
    (suite,) = root
    assert suite.get("name") == "a⟨U+0000⟩/toy.run" and int(suite.get("tests", "")) == len(suite) == 25
    for tag, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(suite.findall(f"*/{tag}")) == int(suite.get(key, ""))
    assert suite.findall("*/failure")


def test_markdown_shows_both_and_no_markup_of_a_candidate() -> None:
    made = compare([result(1, "a", HOSTILE, hostile=True), result(2, "b", "[x](javascript:y)")], ["a", "b"])
    text = exports.as_markdown([made])
    assert HOSTILE not in text and "[x](" not in text and "said:" in text


def test_a_step_summary_stays_below_githubs_limit_whatever_there_is() -> None:
    parts = ["## head", "```\n" + "é ` |\n" * 400_000]
    text = markdown.within(parts, markdown.STEP_SUMMARY_LIMIT)
    assert len(text.encode()) <= markdown.STEP_SUMMARY_LIMIT < 2**20
    assert text.rstrip().endswith("all of it.**") and text.count("\n```") == 2, "the open block is closed before the sentence"
    assert markdown.within(["a", "b"], 100) == "a\nb"


def test_the_page_is_the_same_twice_and_within_its_budget() -> None:
    results = [result(i, f"c{i}", f"m{i % 4}") for i in range(16)]
    pages = {page([section(results, ["x"] * 16, [evidence(i) for i in range(16)])]) for _ in range(2)}
    assert len(pages) == 1 and len(pages.pop()) < 1_500_000
