"""Small repositories of candidates, each with a base and a commit, made in the test and measured for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.candidate.cache import Cache, remove
from harness.candidate.resolve import resolve
from harness.evaluation import PREFLIGHT, Evaluation, Options
from harness.judge.requirements import load_challenge
from harness.paths import challenges_root
from harness.preparation import prepare, subject
from tests.harness.candidate.conftest import Repository, operator_config, repository

__all__ = ["operator_config", "repository"]

MANIFEST = """[candidate]
id = "small"
challenge = "anomaly-detection"
model = "gpt-5.1-codex"
repo = "{repo}"
commit = "{commit}"
[run]
command = {command}
clock = "virtual"
"""
TRAFFIC = """
def calls(seed):
    for second in range(1, 6):
        yield second * 1000, "ingest", {"logs": [{"ts_ms": 0, "service": "a", "level": "info", "message": "m"}]}
        yield second * 1000, "tick", {}

def moved(params, now_ms):
    return {"logs": [{**log, "ts_ms": now_ms} for log in params["logs"]]} if "logs" in params else params
"""

Files = Mapping[str, str | bytes | None]
Measured = Callable[..., dict[str, Any]]


@pytest.fixture
def measured(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    """`measured(base, change, command, more)`: the facts of a commit that changes `base` by `change`; None removes a file."""
    monkeypatch.setattr(Cache, "default", lambda: Cache(tmp_path / "kept"))
    # The full profile, whose patience no busy machine uses up.
    challenge = tmp_path / "challenge"
    challenge.mkdir()
    (challenge / "typical.py").write_text(TRAFFIC)

    def measure(base: Files, change: Files, command: str = '["python3", "main.py"]', more: str = "") -> dict[str, Any]:
        for files in (base, change):
            for name, content in files.items():
                if content is None:
                    (repository.path / name).unlink()
                else:
                    repository.write(name, content)
            sha = repository.commit()
        path = tmp_path / "small.toml"
        path.write_text(MANIFEST.format(repo=repository.path, commit=sha, command=command) + more)
        prepared = prepare(resolve(str(path), root=tmp_path), "auto")
        loaded = load_challenge(challenges_root(), "anomaly-detection")
        found = subject(prepared, loaded.id, "run")
        assert found.measure is not None and found.program is not None, prepared.problem
        cell = Evaluation(found, loaded, Options(profile="full", out=tmp_path / "out")).cell(found.program, PREFLIGHT, ())
        return found.measure(cell, challenge)

    yield measure
    remove(tmp_path / "kept")
