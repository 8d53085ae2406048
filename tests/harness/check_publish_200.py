"""Two hundred results: under 30 s, index under 1 MB. Not collected by default, since a clock decides."""

from __future__ import annotations

import time
from pathlib import Path

from harness.publishing import publish
from tests.harness.report import synthetic


def test_two_hundred_results(tmp_path: Path) -> None:
    for i in range(200):
        entry = "component" if i % 2 else "run"
        synthetic.write(tmp_path, synthetic.result(i, f"candidate-{i // 2}", f"model-{i % 8}", entry=entry), i)
    started = time.monotonic()
    assert publish(tmp_path, tmp_path / "site") == 200
    assert time.monotonic() - started < 30
    assert (tmp_path / "site/index.html").stat().st_size < 1_000_000
