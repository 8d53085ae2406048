"""The commands that only read: exit codes by the design's list, and what they print."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.compare import write
from harness.cli.eval import status
from harness.cli.main import app
from harness.results import layout, store
from tests.harness.report import synthetic


def judged(verdict: str, entry: str = "run", outcome: str = "pass") -> dict[str, Any]:
    made = synthetic.result(1, "a", "m", entry=entry)
    row = made["requirements"][0] | {"outcome": outcome, "severity": "critical"}
    return made | {"verdict": verdict, "score": 70.0, "requirements": [row]}


@pytest.mark.parametrize(
    ("results", "gate", "fail_under", "expected"),
    [
        ([judged("ship")], "ship", None, 0),
        ([judged("harden")], "ship", None, 1),
        ([judged("harden")], "harden", None, 0),
        ([judged("unknown")], "harden", None, 1),
        ([judged("ship"), judged("reject", "component")], "ship", None, 0),
        ([judged("ship", "component")], "ship", None, 1),
        ([judged("reject")], None, None, 0),
        ([judged("ship")], None, 70.0, 0),
        ([judged("ship")], None, 70.1, 1),
        ([judged("unknown", outcome="inconclusive")], None, None, 3),
        ([judged("unknown", outcome="planned")], None, None, 4),
        ([], "ship", None, 4),
    ],
)
def test_exit_codes(results: list[dict[str, Any]], gate: str | None, fail_under: float | None, expected: int) -> None:
    assert status(results, gate, fail_under) == expected


def test_report_and_publish_and_list_over_what_was_measured(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["report", "--out", str(tmp_path)]).exit_code == 4
    assert run(app, ["publish", "--out", str(tmp_path / "none"), "--to", str(tmp_path / "empty")]).exit_code == 4
    synthetic.write(tmp_path, judged("harden"))
    assert run(app, ["report", "--out", str(tmp_path), "--gate", "ship"]).exit_code == 1
    assert run(app, ["report", "--out", str(tmp_path), "--gate", "harden", "--fail-under", "70"]).exit_code == 0
    assert run(app, ["report", "--out", str(tmp_path), "--gate", "perfect"]).exit_code == 2
    shown = run(app, ["report", "--out", str(tmp_path), "--markdown"])
    assert shown.exit_code == 0 and shown.stdout.startswith("## ! Harden")
    listed = run(app, ["list", "--out", str(tmp_path)])
    assert listed.exit_code == 0 and "harden" in listed.stdout
    assert run(app, ["publish", "--out", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "site/results/a/toy/index.html").is_file()


def test_a_comparison_lies_on_disk_as_page_and_files(tmp_path: Path) -> None:
    results = [synthetic.result(i, f"c{i}", f"m{i}") for i in range(2)]
    for number, made in enumerate(results):
        synthetic.write(tmp_path, made, number)
    pairs = [(store.read_result(folder), folder) for folder in layout.all_evaluations(tmp_path)]
    write({"toy": pairs}, tmp_path)
    files = layout.comparison_files(tmp_path)
    page = layout.comparison_page(tmp_path).read_text()
    assert all(path.is_file() and f'href="{path.name}"' in page for path in files.values())
    assert json.loads(files["JSON"].read_text())[0]["columns"][1]["page"] == "../c1/toy/index.html"
    assert 'href="../c0/toy/index.html#TY-01"' in page


def test_compare_measures_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Commits are not to be signed, nor hooks run, because whoever tests has git do so.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        manifest = f'[candidate]\nid = "{name}"\nchallenge = "anomaly-detection"\n[run]\ncommand = ["false"]\n'
        (tmp_path / name / "harness.toml").write_text(manifest)
        for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", name]):
            subprocess.run(["git", "-C", str(tmp_path / name), *words], check=True)
    out = ["--out", str(tmp_path / "out")]
    first = CliRunner().invoke(app, ["compare", str(tmp_path / "one"), *out])
    assert first.exit_code == 0 and "measured before" not in first.stdout
    both = CliRunner().invoke(app, ["compare", str(tmp_path / "one"), str(tmp_path / "two"), *out, "--json"])
    assert both.exit_code == 0 and both.stderr.count("measured before") == 1
    (found,) = json.loads(both.stdout)
    assert [column["candidate"] for column in found["columns"]] == ["one", "two"]
    assert {column["verdict"] for column in found["columns"]} == {"reject"}
