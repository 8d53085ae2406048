from __future__ import annotations

import errno
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.candidate import build as build_module
from harness.candidate import disk
from harness.candidate.build import BuildLimits, StepResult, build, environment_fingerprint
from harness.candidate.cache import Cache
from harness.candidate.checkout import Checkout
from harness.candidate.resolve import resolve
from harness.candidate.values import Candidate, fill_command, fill_env
from harness.errors import BuildFailed, InfraError
from harness.runtime.sandbox import choose
from harness.runtime.steps import SandboxRunner


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
        max_disk_bytes: int = 0,
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


def python(source: str) -> tuple[tuple[str, ...], ...]:
    return (("python3", "-c", source),)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nfor _ in range(1400): os.mkdir('a'); os.chdir('a')", "more than 100 parts"),
        # Longer than any path that can be named: 36 folders with names of 220 bytes.
        ("import os\nfor _ in range(36): os.mkdir('d' * 220); os.chdir('d' * 220)", "longer than 1,000 bytes"),
        ("import os\nos.makedirs('/'.join(['d' * 200] * 6)); os.chmod('d' * 200, 0)", "longer than 1,000 bytes|cannot be read"),
    ],
)
def test_tree_too_deep_to_walk_is_the_candidates_fault(
    prepared: tuple[Candidate, Checkout], cache: Cache, source: str, words: str
) -> None:
    candidate, checkout = prepared
    with pytest.raises(BuildFailed, match=words) as caught:
        build(cache, replace(candidate, build_steps=python(source)), checkout, PlainRunner())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert list(cache.folder("builds").iterdir()) == []
    assert build(cache, replace(candidate, build_steps=shell("true")), checkout, PlainRunner()).path.is_dir()


def test_tree_of_a_hundred_parts_is_built(prepared: tuple[Candidate, Checkout], cache: Cache) -> None:
    candidate, checkout = prepared
    steps = python("import os\nos.makedirs('/'.join('a' * 99)); open('/'.join('a' * 99) + '/f', 'w').close()")
    built = build(cache, replace(candidate, build_steps=steps), checkout, PlainRunner())
    assert built.path.joinpath(*"a" * 99, "f").is_file()
    assert build(cache, replace(candidate, build_steps=steps), checkout, PlainRunner()).reused


@pytest.mark.parametrize(("number", "expected"), [(errno.ENAMETOOLONG, BuildFailed), (errno.ENOSPC, InfraError)])
@pytest.mark.parametrize("where", ["_why_too_large", "_remove_special_files", "make_read_only", "_stamp"])
def test_whose_fault_an_error_of_the_system_is(
    prepared: tuple[Candidate, Checkout],
    cache: Cache,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    expected: type[Exception],
    where: str,
) -> None:
    def fails(*_: object) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(build_module, where, fails)
    candidate, checkout = prepared
    with pytest.raises(expected, match=os.strerror(number)):
        build(cache, replace(candidate, build_steps=shell("true")), checkout, PlainRunner())
    if where != "_why_too_large":
        with pytest.raises(InfraError):
            build(cache, candidate, checkout, PlainRunner())


@pytest.mark.parametrize(
    "line",
    [
        "head -c 96M /dev/zero > large; sleep 3600",
        'head -c 96M /dev/zero > "$TMPDIR/large"; sleep 3600',
        "exec > /dev/null 2>&1; head -c 96M /dev/zero > large; sleep 3600",
        "exec 3> large; rm large; head -c 96M /dev/zero >&3; sleep 3600",
        "mkdir -p $(printf 'a/%.0s' $(seq 101)); cd $(printf 'a/%.0s' $(seq 101)); head -c 96M /dev/zero > large; sleep 3600",
    ],
    ids=["tree", "scratch", "without output", "deleted but open", "too deep to measure"],
)
def test_step_that_fills_the_disk_is_stopped(
    prepared: tuple[Candidate, Checkout], cache: Cache, tmp_path: Path, line: str
) -> None:
    candidate, checkout = prepared
    runner = SandboxRunner(choose("none"), tmp_path)
    limits = BuildLimits(max_disk_bytes=32 * 1024**2)
    with pytest.raises(BuildFailed, match=r"used more than 0\.03125 GiB of disk"):
        build(cache, replace(candidate, build_steps=shell(line)), checkout, runner, limits=limits)
    assert list(cache.folder("builds").iterdir()) == []


def test_scratch_folder_too_deep_to_walk_is_removed(
    prepared: tuple[Candidate, Checkout], cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    candidate, checkout = prepared
    source = "import os\nos.chdir(os.environ['TMPDIR'])\nfor _ in range(1400): os.mkdir('abc'); os.chdir('abc')"
    build(cache, replace(candidate, build_steps=python(source)), checkout, SandboxRunner(choose("none"), tmp_path))
    assert list(scratch.iterdir()) == []


def test_what_others_write_is_not_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOOK_S", 0.0)
    mine, others = tmp_path / "mine", tmp_path / "others"
    mine.mkdir()
    watch = disk.DiskWatch((mine,), 4 * 1024**2)
    others.write_bytes(bytes(16 * 1024**2))
    (mine / "small").write_bytes(bytes(1024**2))
    for number in range(8):
        (mine / f"same{number}").hardlink_to(mine / "small")
    assert not watch.over(list)
    (mine / "large").write_bytes(bytes(4 * 1024**2))
    monkeypatch.setattr(disk, "_SHARE", float("inf"))
    assert watch.over(list) or watch.over(list)
    monkeypatch.setattr(disk, "MAX_FILES", 5)
    assert disk.DiskWatch((mine,), 1024**3).over(list)
