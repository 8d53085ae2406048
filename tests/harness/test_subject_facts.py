"""What an evaluation does with the facts of a commit: into the result, the verdict and the page; never in a partial run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.evaluation import Evaluation, Options, Subject
from harness.facts.measure import judged
from harness.judge.outcomes import Outcome
from harness.judge.requirements import load_challenge
from harness.judge.rows import planned_row, uniform_row
from harness.judge.scoring import Facts, verdict
from harness.paths import challenges_root
from harness.runtime.cell import Cell, MountSpec, ProgramSpec

HOSTILE = "<img src=x onerror=alert(1)>"
FOUND: dict[str, Any] = {
    "diff": {"comment_share": 0.25},
    "cost": {"estimate": {"output_tokens": 7, "usd": None, "says": "a lower bound"}},
    "integration": {"word": "not wired in", "share": 0.05, "files": [{"path": HOSTILE, "ran": 1, "of": 20}]},
    "own_tests": {"runs": 5, "red": [HOSTILE], "flaky": [{"name": "t", "failed": 1, "of": 5}]},
}


def evaluation(folder: Path, *requirements: str) -> tuple[Evaluation, list[Cell]]:
    tree = folder / "tree"
    tree.mkdir()
    program = ProgramSpec(["false"], {"checkout": MountSpec(str(tree), "/candidate")}, clock="virtual")
    asked: list[Cell] = []

    def measure(cell: Cell, challenge_folder: Path) -> dict[str, Any]:
        asked.append(cell)
        return {**FOUND, "judged": judged(FOUND)}

    subject = Subject("odd", {}, "run", program, "digest", diff={"files": 3}, measure=measure)
    challenge = load_challenge(challenges_root(), "anomaly-detection")
    return Evaluation(subject, challenge, Options(out=folder / "out", requirements=requirements)), asked


def test_facts_are_in_the_result_and_escaped_on_the_page(tmp_path: Path) -> None:
    made, asked = evaluation(tmp_path)
    result = made.run()
    assert len(asked) == 1
    assert result["diff"] == {"files": 3, "comment_share": 0.25}
    assert result["cost"]["estimate"]["output_tokens"] == 7
    assert result["integration"]["word"] == "not wired in" and result["own_tests"]["red"] == [HOSTILE]
    assert not result["provenance"]["partial"]
    page = made.folder.page.read_text()
    assert HOSTILE not in page and "&lt;img src=x" in page and "not wired in" in page


def test_a_partial_run_measures_no_facts(tmp_path: Path) -> None:
    made, asked = evaluation(tmp_path, "AD-01")
    result = made.run()
    assert (asked, result["integration"], result["own_tests"]) == ([], None, None)


def test_what_counts_of_the_facts() -> None:
    assert judged(FOUND) == {"integrated": False, "own_tests_red": [HOSTILE, "t"]}
    assert judged({"integration": {"share": 0.3}}) == {"integrated": True, "own_tests_red": None}
    assert judged({"integration": {"word": "not measured", "problem": "x"}}) == {"integrated": None, "own_tests_red": None}
    assert judged(FOUND, challenges=2)["integrated"] is None, "what is changed for one challenge need not run for another"
    requirement = load_challenge(challenges_root(), "anomaly-detection").requirements[0]
    good = uniform_row(requirement, Outcome.PASS, "fine")
    assert verdict([good], Facts(**judged(FOUND))).word == "harden"
    assert verdict([good], Facts(integrated=True, own_tests_red=[])).word == "ship"
    assert verdict([planned_row(requirement)], Facts()).word == "unknown"
