"""What lies where, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.judge.outcomes import Finding, Outcome
from harness.results import journal, store
from harness.results.layout import EvaluationFolder, all_evaluations, evaluation


def test_a_journal_gives_back_what_was_put_in(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    made = Finding(
        "AD-01", Outcome.FAIL, "s", 0.5, "major", "p", {"x": np.float64(1.5), "y": np.arange(2)}, ({"kind": "text"},), 1.0, "t"
    )
    journal.append_start(path, "k", "AD-01")
    journal.append_findings(path, "k", "AD-01", [made])
    (read,) = journal.findings(path, {"k"})["AD-01"]
    assert read.witness == {"x": 1.5, "y": [0, 1]} and read.outcome is Outcome.FAIL and read.evidence == ({"kind": "text"},)
    assert journal.findings(path, {"other"}) == {}
    assert journal.begun(path, {"k"}) == [("k", "AD-01")]


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal.append_findings(path, "k", "AD-01", [Finding("AD-01", Outcome.PASS, "s")])
    with path.open("ab") as out:
        out.write(b'{"type":"findings","cell":"k","requirement":"AD-03","fin')
    assert set(journal.findings(path, {"k"})) == {"AD-01"}


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert journal.findings(tmp_path / "absent.jsonl", {"k"}) == {}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "result.json"
    store.write_atomically(target, b"old")

    def broken(fd: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        store.write_atomically(target, b"new")
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_missing_or_damaged_result_is_one_sentence(tmp_path: Path) -> None:
    folder = EvaluationFolder(tmp_path)
    with pytest.raises(UsageError, match="holds no result.json"):
        store.read_result(folder)
    folder.result.write_text("{")
    with pytest.raises(UsageError, match="no readable result"):
        store.read_result(folder)
    folder.result.write_text('{"schema": 7}')
    with pytest.raises(UsageError, match="schema 1"):
        store.read_result(folder)


def test_an_earlier_result_is_put_aside(tmp_path: Path) -> None:
    folder = evaluation(tmp_path, "me", "toy", "run")
    store.write_json(folder.result, {"schema": 1, "run_id": "20260101-a"})
    store.put_aside(folder)
    assert not folder.result.exists() and (folder.runs / "20260101-a" / "result.json").exists()


def test_the_component_lies_beside_the_run(tmp_path: Path) -> None:
    assert evaluation(tmp_path, "me", "toy", "component").path == tmp_path / "me" / "toy.component"
    store.write_json(evaluation(tmp_path, "me", "toy", "run").result, {})
    assert [item.path.name for item in all_evaluations(tmp_path)] == ["toy"]
    with pytest.raises(ValueError, match="not a name"):
        evaluation(tmp_path, "../me", "toy", "run")
