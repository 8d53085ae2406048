"""The command line on small candidates, for real: each bad input has its sentence, its outcome class and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.paths import PROJECT_ROOT

SDK = PROJECT_ROOT / "candidates" / "sdk" / "python" / "harness_sdk.py"
TOML = '[candidate]\nid = "{name}"\nchallenge = "anomaly-detection"\n[run]\ncommand = ["python3", "program.py"]\nclock = "{clock}"\n'
SILENT = """
from harness_sdk import serve
class Detector:
    def ingest(self, params): return {"accepted": len(params["logs"]), "rejected": 0, "alerts": []}
    def tick(self, params): return {"alerts": []}
serve(Detector(), name="silent", language="python", declared={"bucket_ms": 1000, "warmup_ms": 10000, "lateness_ms": 0})
"""


def harness(*arguments: str, cwd: Path = PROJECT_ROOT, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *arguments]
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=timeout_s, check=False)


def candidate(folder: Path, program: str, *, clock: str = "virtual", extra: str = "") -> Path:
    folder.mkdir()
    (folder / "program.py").write_text(program)
    (folder / "harness_sdk.py").write_bytes(SDK.read_bytes())
    (folder / "harness.toml").write_text(TOML.format(name=folder.name, clock=clock) + extra)
    return folder


def evaluate(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    out = folder.parent / "out"
    done = harness("eval", str(folder), "--out", str(out), *arguments)
    path = out / folder.name / "anomaly-detection" / "result.json"
    assert path.exists(), done.stderr
    return done, json.loads(path.read_text())


def rows(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in result["requirements"]}


def test_a_silent_candidate_is_rejected_with_a_witness_that_replays(tmp_path: Path) -> None:
    folder = candidate(tmp_path / "silent", SILENT, clock="wall")
    done, result = evaluate(folder, "--requirement", "AD-01")
    row = rows(result)["AD-01"]
    assert (done.returncode, result["verdict"], row["outcome"]) == (0, "reject", "fail")
    assert row["witness"]["seed"] == 1 and row["replay"].endswith("AD-01")
    assert all(item["outcome"] == "planned" for name, item in rows(result).items() if name != "AD-01")
    assert "AD-03" not in rows(result), "what was not asked for is not listed as planned"
    assert (tmp_path / "out" / "silent" / "anomaly-detection" / "index.html").read_text().startswith("<!doctype html>")
    again = harness(*row["replay"].split()[1:], cwd=tmp_path)
    assert again.returncode == 0 and "the witness is reproduced" in again.stdout, again.stdout + again.stderr


def test_two_runs_with_one_seed_agree_to_the_letter(tmp_path: Path) -> None:
    folder = candidate(tmp_path / "silent", SILENT, clock="wall")
    first, second = (evaluate(folder, "--requirement", "AD-01", "--requirement", "AD-09")[1] for _ in range(2))

    def stable(result: dict[str, Any]) -> list[dict[str, Any]]:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in result["requirements"]]

    assert stable(first) == stable(second)


STARTS_BADLY = {
    "prose": ("print('Server listening on port 3000', flush=True)\nimport time\ntime.sleep(60)", "send logs to stderr"),
    "dies": ("import sys\nsys.exit('no such module: left_pad')", "exited with status 1"),
    "mute": ("import sys\nfor line in sys.stdin: pass", "no reply to 'initialize' within 10 s"),
    "echoes": (
        "import json, sys\nfor line in sys.stdin:\n    m = json.loads(line)\n    r = {'name': 'x', 'language': 'python', 'capabilities': [],"
        " 'declared': {}, 'now_ms': m['params']['now_ms']}\n    print(json.dumps({'jsonrpc': '2.0', 'id': m['id'], 'result': r}), flush=True)",
        "own system clock",
    ),
}


@pytest.mark.parametrize("name", STARTS_BADLY)
def test_what_does_not_start_is_rejected_in_words_that_say_what_to_mend(tmp_path: Path, name: str) -> None:
    program, words = STARTS_BADLY[name]
    done, result = evaluate(candidate(tmp_path / name, program, clock="wall"))
    assert result["verdict"] == "reject" and words in result["verdict_reasons"][0]
    assert rows(result)["AD-01"]["outcome"] == "candidate_error"
    assert done.returncode == 0 and "Traceback" not in done.stderr


BUILDS_BADLY = {
    "fails": (["sh", "-c", "echo out of cheese >&2; exit 3"], "out of cheese"),
    "floods": (["sh", "-c", "yes no | head -c 1000000000"], "output"),
    "absent": (["no-such-tool"], "no-such-tool"),
}


@pytest.mark.parametrize("name", BUILDS_BADLY)
def test_what_does_not_build_is_rejected(tmp_path: Path, name: str) -> None:
    step, words = BUILDS_BADLY[name]
    folder = candidate(tmp_path / name, SILENT, extra=f"[build]\nsteps = [{json.dumps(step)}]\n")
    done, result = evaluate(folder)
    assert result["verdict"] == "reject" and done.returncode == 0
    assert words in json.dumps([result["verdict_reasons"], rows(result)["AD-01"]["witness"]])
    again = harness(*rows(result)["AD-01"]["replay"].split()[1:])
    assert again.returncode == 0 and "the witness is reproduced" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["eval", "no-such-thing"], "no candidate 'no-such-thing'"),
        (["eval", "HEAD", "--challenge", "chess"], "no challenge is called 'chess'"),
        (["eval", "HEAD", "--requirement", "AD-99"], "no requirement 'AD-99'"),
        (["eval", "HEAD", "--suite", "nope"], "no suite 'nope'"),
        (["eval", "HEAD", "--profile", "slow"], "quick or full"),
        (["conform", "no-such-program"], "no-such-program"),
        (["eval", "HEAD", "--sandbox", "jail"], "auto, none or bwrap"),
        (["eval", "/nowhere/at/all#main"], "/nowhere/at/all"),
        (["eval", "HEAD#"], "the commit is missing"),
        (["replay", "/nowhere", "AD-01"], "holds no result.json"),
        (["selftest", "--specimen", "nobody"], "no such specimen: nobody"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(arguments: list[str], words: str) -> None:
    done = harness(*arguments)
    assert done.returncode == 2 and words in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_typo_in_a_manifest_names_file_and_line(tmp_path: Path) -> None:
    folder = candidate(tmp_path / "typo", SILENT, extra='clok = "wall"\n')
    done = harness("eval", str(folder))
    assert done.returncode == 2 and "harness.toml" in done.stderr and "7" in done.stderr and "clok" in done.stderr


def test_conform_names_each_breach(tmp_path: Path) -> None:
    folder = candidate(tmp_path / "silent", SILENT)
    good = harness("conform", "--", sys.executable, "program.py", cwd=folder)
    assert good.returncode == 0 and "all checks hold" in good.stdout, good.stdout
    bad = harness("conform", "--", "echo", "hello", cwd=folder)
    assert bad.returncode == 1 and "prose came on stdout" in bad.stdout


def test_a_relative_out_is_relative_to_the_user(tmp_path: Path) -> None:
    candidate(tmp_path / "silent", SILENT)
    done = harness("eval", "./silent", "--requirement", "AD-01", "--out", "here", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "here" / "silent" / "anomaly-detection" / "result.json").exists()


def test_a_challenge_that_nobody_knows_is_said(tmp_path: Path) -> None:
    folder = candidate(tmp_path / "typo", SILENT)
    (folder / "harness.toml").write_text((folder / "harness.toml").read_text().replace("detection", "detecton"))
    done = harness("eval", str(folder))
    assert done.returncode == 2 and "anomaly-detecton" in done.stderr and "known: " in done.stderr


def test_a_gate_decides_the_exit_status(tmp_path: Path) -> None:
    folder = candidate(tmp_path / "silent", SILENT)
    assert evaluate(folder, "--requirement", "AD-01", "--gate", "harden")[0].returncode == 1
    assert evaluate(folder, "--requirement", "AD-01", "--fail-under", "50")[0].returncode == 1


def test_a_new_candidate_conforms_and_is_measured(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    made = harness("new", str(folder))
    assert made.returncode == 0 and (folder / "PROMPT.md").exists() and not (folder / "harness_sdk.py").is_symlink()
    assert harness("conform", "--", sys.executable, "detector.py", cwd=folder).returncode == 0
    done = harness("eval", str(folder), "--requirement", "AD-01", "--out", str(tmp_path / "out"))
    assert done.returncode == 0 and "REJECT" in done.stdout
    again = harness("new", str(folder))
    assert again.returncode == 2 and "is there already" in again.stderr


def test_a_new_deduplicator_is_told_how_to_conform_over_its_store(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    made = harness("new", str(folder), "--challenge", "alert-dedup")
    words = "harness conform --challenge alert-dedup --store redis -- python3 deduplicator.py"
    assert made.returncode == 0 and words in made.stdout and (folder / "PROMPT.md").read_text().startswith("# alert-dedup@")
    done = harness(*words.split()[1:], cwd=folder)
    assert done.returncode == 0 and "all checks hold" in done.stdout, done.stdout + done.stderr
    wrong = harness("conform", "--store", "mongo", "--", "cat")
    assert wrong.returncode == 2 and "--store is none, postgres or redis" in wrong.stderr
