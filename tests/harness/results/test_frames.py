"""`harness.results.load()`: tidy frames with one row for each thing, earlier runs included."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import results
from harness.errors import UsageError
from harness.results import store
from harness.results.layout import evaluation
from tests.harness.report import synthetic


def test_frames_are_tidy(tmp_path: Path) -> None:
    first, second = synthetic.result(1, "a", "m"), synthetic.result(2, "b", "n", entry="component")
    for number, made in enumerate((first, second)):
        synthetic.write(tmp_path, made, number)
    store.put_aside(evaluation(tmp_path, "a", "toy", "run"))
    synthetic.write(tmp_path, synthetic.result(3, "a", "m"))
    frames = results.load(tmp_path)
    assert list(frames.evaluations["newest"]) == [True, False, True]
    assert len(frames.requirements) == 75 and frames.requirements["credit"].between(0, 1).all()
    passed = frames.requirements.assign(ok=frames.requirements["outcome"] == "pass").groupby("run_id")["ok"].sum()
    assert passed[first["run_id"]] == sum(row["outcome"] == "pass" for row in first["requirements"])
    assert set(frames.claims["claim"]) == set(first["claims"])
    joined = frames.requirements.merge(frames.evaluations, on="run_id", suffixes=("", "_of"))
    assert len(joined) == 75 and set(joined["integration"].dropna()) == {"partly"}


def test_nothing_measured_gives_empty_frames_with_their_columns(tmp_path: Path) -> None:
    frames = results.load(str(tmp_path))
    assert frames.evaluations.empty and {"run_id", "score", "verdict"} <= set(frames.evaluations.columns)


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.result(1, "a", "m"))
    path = evaluation(tmp_path, "a", "toy", "run").result
    path.write_text("{")
    with pytest.raises(UsageError, match="result.json"):
        results.load(tmp_path)
