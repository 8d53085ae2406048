from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.candidate.build import BuildLimits, StepResult, build, environment_fingerprint
from harness.candidate.cache import Cache
from harness.candidate.checkout import Checkout
from harness.candidate.resolve import resolve
from harness.candidate.values import Candidate, fill_command, fill_env
from harness.errors import BuildFailed, InfraError


class PlainRunner:
    """Runs steps without a sandbox, and counts them."""

    def __init__(self) -> None:
        self.steps = 0
        self.network: list[bool] = []

    def run_step(
        self,
        argv: list[str],
        *,
        cwd: Path,
        root: Path,
        adapter: Path | None,
        network: bool,
        env: dict[str, str],
        timeout_s: float,
        max_output_bytes: int,
    ) -> StepResult:
        self.steps += 1
        self.network.append(network)
        places = {"checkout": str(root), "adapter": None if adapter is None else str(adapter)}
        started = time.monotonic()
        try:
            done = subprocess.run(
                fill_command(argv, **places),
                cwd=cwd,
                env={**os.environ, **fill_env(env, **places)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return StepResult(None, True, False, "", time.monotonic() - started)
        flooded = len(done.stdout) > max_output_bytes
        tail = done.stdout[-1000:].decode()
        return StepResult(done.returncode, False, flooded, tail, time.monotonic() - started)


@pytest.fixture
def prepared(sample, cache: Cache, tmp_path: Path) -> tuple[Candidate, Checkout]:
    (sample.path / "link").symlink_to("main.py")
    sample.commit()
    got = resolve("HEAD", root=tmp_path, cwd=sample.path, cache=cache)
    return got.candidate, got.checkout


def shell(*lines: str) -> tuple[tuple[str, ...], ...]:
    return tuple(("sh", "-c", line) for line in lines)


def test_steps_run_on_a_copy_and_once(prepared: tuple[Candidate, Checkout], cache: Cache) -> None:
    candidate, checkout = prepared
    candidate = replace(candidate, build_steps=shell("echo one > made", "cat made main.py > both && mkfifo pipe"))
    runner = PlainRunner()
    first = build(cache, candidate, checkout, runner)
    assert (first.path / "both").read_text() == "one\nprint('hello')\n"
    assert (first.path / "link").is_symlink()
    assert not (first.path / "pipe").exists()
    assert not (checkout.path / "made").exists()
    assert not (first.path / "made").stat().st_mode & 0o222
    assert "$ sh -c 'echo one > made'" in first.log.read_text()
    again = build(cache, candidate, checkout, runner)
    assert (again.path, again.reused, first.reused) == (first.path, True, False)
    assert runner.steps == 2


def test_everything_that_goes_in_is_part_of_the_key(prepared: tuple[Candidate, Checkout], cache: Cache, tmp_path: Path) -> None:
    candidate, checkout = prepared
    candidate = replace(candidate, build_steps=shell("true"))
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "a.js").write_text("1")
    runner = PlainRunner()
    keys = [build(cache, candidate, checkout, runner).key]
    keys.append(build(cache, replace(candidate, build_steps=shell("true", "true")), checkout, runner).key)
    keys.append(build(cache, replace(candidate, network=True), checkout, runner).key)
    keys.append(build(cache, candidate, checkout, runner, fingerprint={"node": "v99"}).key)
    keys.append(build(cache, replace(candidate, adapter=adapter), checkout, runner).key)
    (adapter / "a.js").write_text("2")
    keys.append(build(cache, replace(candidate, adapter=adapter), checkout, runner).key)
    keys.append(build(cache, candidate, replace(checkout, tree_digest="0" * 64), runner).key)
    assert len(set(keys)) == len(keys)
    assert runner.network.count(True) == 1
    assert environment_fingerprint(("no-such-program",))["no-such-program"] == ""


def test_adapter_is_named_to_the_step(prepared: tuple[Candidate, Checkout], cache: Cache, tmp_path: Path) -> None:
    candidate, checkout = prepared
    (tmp_path / "adapter").mkdir()
    steps = (("sh", "-c", 'echo "$HARNESS_ADAPTER $1 $2" > places', "sh", "{adapter}", "{checkout}"),)
    built = build(cache, replace(candidate, build_steps=steps, adapter=tmp_path / "adapter"), checkout, PlainRunner())
    adapter = tmp_path / "adapter"
    assert (built.path / "places").read_text() == f"{adapter} {adapter} {built.path}\n"


@pytest.mark.parametrize(
    ("line", "limits", "words"),
    [
        ("echo no such module; exit 3", BuildLimits(), "step 2 of 2 .* exit code 3, its last words: no such module"),
        ("exit 1", BuildLimits(), "exit code 1 and said nothing"),
        ("sleep 60", BuildLimits(step_timeout_s=0.2), "did not end within 0.2 s"),
        ("echo 123456789", BuildLimits(max_output_bytes=5), "MiB of output"),
        ("head -c 5000 /dev/zero > large", BuildLimits(max_tree_bytes=4000), "made the tree larger than"),
    ],
)
def test_failure_is_one_sentence_and_keeps_nothing(
    prepared: tuple[Candidate, Checkout], cache: Cache, line: str, limits: BuildLimits, words: str
) -> None:
    candidate, checkout = prepared
    candidate = replace(candidate, build_steps=shell("touch half", line))
    runner = PlainRunner()
    for _ in range(2):
        with pytest.raises(BuildFailed, match=words) as caught:
            build(cache, candidate, checkout, runner, limits=limits)
        assert "\n" not in str(caught.value)
        assert caught.value.step == ["sh", "-c", line]
        assert list(cache.folder("builds").iterdir()) == []
    assert runner.steps == 4
    assert "touch half" in next(cache.folder("logs").iterdir()).read_text()


def test_half_built_and_touched_copies_are_built_anew(prepared: tuple[Candidate, Checkout], cache: Cache) -> None:
    candidate, checkout = prepared
    candidate = replace(candidate, build_steps=shell("echo made > made"))
    runner = PlainRunner()
    built = build(cache, candidate, checkout, runner)
    (built.path / "made").chmod(0o644)
    (built.path / "made").write_text("poison")
    assert not build(cache, candidate, checkout, runner).reused
    assert (built.path / "made").read_text() == "made\n"
    (built.path.parent / "build.json").unlink()
    assert not build(cache, candidate, checkout, runner).reused
    assert build(cache, candidate, checkout, runner).reused


def test_a_fault_of_the_sandbox_is_not_the_candidates(prepared: tuple[Candidate, Checkout], cache: Cache) -> None:
    class Broken(PlainRunner):
        def run_step(self, argv: list[str], **rest: object) -> StepResult:
            raise InfraError("no sandbox")

    candidate, checkout = prepared
    with pytest.raises(InfraError, match="no sandbox"):
        build(cache, replace(candidate, build_steps=shell("true")), checkout, Broken())
    assert list(cache.folder("builds").iterdir()) == []
