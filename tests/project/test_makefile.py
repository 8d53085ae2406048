"""The Makefile: each target once, and the ones that the README and CI rely on do what their names say."""

from __future__ import annotations

import re
import subprocess

import pytest

from harness.paths import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):", TEXT, re.MULTILINE)


def test_each_target_stands_once_and_is_phony() -> None:
    assert len(TARGETS) == len(set(TARGETS))
    phony = re.search(r"^\.PHONY: (.*)$", TEXT, re.MULTILINE)
    assert phony is not None and set(phony[1].split()) == set(TARGETS)


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("test", "-m pytest"),
        ("eval", "harness eval"),
        ("selftest", "harness selftest"),
        ("bench", "harness bench"),
        ("compare", "harness compare"),
    ],
)
def test_a_target_runs_its_command(target: str, command: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert command in done.stdout and "warning" not in done.stderr


def test_the_lock_has_hashes_and_no_address() -> None:
    lock = (PROJECT_ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock and "://" not in lock
