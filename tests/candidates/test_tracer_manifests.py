"""The manifests of the tracer repository's detectors: read strictly, and each names an entry that its adapter serves."""

import re
import tomllib
from pathlib import Path

import pytest

from harness.candidate.manifest import Manifest, load_operator
from harness.paths import PROJECT_ROOT, manifests_root

COMMITS = {
    "tracer-gpt-5.1-codex-detector": "7d4cd546a22a05c095070ec4080a7abbe6e11703",
    "tracer-gpt-5-codex-detector": "878f31336665cdfb7e99e1934841d975b20d7c13",
    "tracer-sonnet-4.5-detector": "05dbf00f67639c202f72dfbd46cbfd7aa0e8cc31",
    "tracer-kimi-k2-detector": "ed72f3f2a7e61c2c0e42878072c383928c9268fd",
    "tracer-kimi-k2-detector-windows": "ed72f3f2a7e61c2c0e42878072c383928c9268fd",
}


def read(candidate_id: str) -> Manifest:
    return load_operator(manifests_root() / f"{candidate_id}.toml")


def served_entries() -> set[str]:
    text = (manifests_root() / "adapters" / "tracer" / "main.ts").read_text(encoding="utf-8")
    return set(re.findall(r'^  "([\w.-]+)": \{', text, flags=re.MULTILINE))


@pytest.mark.parametrize(("candidate_id", "commit"), COMMITS.items())
def test_a_manifest_passes_the_strict_reader(candidate_id: str, commit: str) -> None:
    manifest = read(candidate_id)
    assert (manifest.id, manifest.tables.candidate.commit) == (candidate_id, commit)
    assert manifest.challenges == ("anomaly-detection",)
    assert manifest.adapter is not None
    assert sum("Compared on 20" in repair for repair in manifest.tables.candidate.repairs) == 1
    assert manifest.usage().reported_cost_usd


@pytest.mark.parametrize("candidate_id", COMMITS)
def test_commands_name_entries_that_the_adapter_serves(candidate_id: str) -> None:
    entries = read(candidate_id).entries()
    named = {spec.command[-1] for by_challenge in entries.values() for spec in by_challenge.values()}
    assert "run" in entries
    assert named and named <= served_entries()


def test_every_entry_is_named_by_a_manifest() -> None:
    texts = [path.read_text(encoding="utf-8") for path in manifests_root().glob("tracer-*-detector*.toml")]
    assert all(any(f'"{name}"' in text for text in texts) for name in served_entries())


def test_both_manifests_of_one_commit_build_alike() -> None:
    first, second = (read(f"tracer-kimi-k2-detector{end}") for end in ("", "-windows"))
    assert first.steps() == second.steps()
    assert first.entries()["run"] == second.entries()["run"]
    assert first.entries()["component"] != second.entries()["component"]


@pytest.mark.parametrize("candidate_id", COMMITS)
def test_a_start_is_of_what_the_build_bundled(candidate_id: str) -> None:
    manifest = read(candidate_id)
    bundling = [step for step in manifest.steps() if "--bundle" in step]
    written = {step[-1]: option.removeprefix("--outfile=") for step in bundling for option in step if "--outfile=" in option}
    main, gate = written.pop("{adapter}/main.ts"), written.pop("apps/api/src/validation.ts")
    assert written == {}
    assert f'--define:process.env.TRACER_GATE="{gate}"' in next(step for step in bundling if "{adapter}/main.ts" in step)
    commands = [spec.command for found in manifest.entries().values() for spec in found.values()]
    assert {command[:-1] for command in commands} == {("node", main)}


@pytest.mark.parametrize("path", sorted(manifests_root().glob("tracer-*.toml")), ids=lambda path: path.stem)
def test_no_manifest_names_a_folder_of_one_machine(path: Path) -> None:
    words = re.findall(r'"(/[^"]+)"', path.read_text(encoding="utf-8"))
    assert words == []
    assert tomllib.loads(path.read_text(encoding="utf-8"))["candidate"]["id"] == path.stem
    assert str(PROJECT_ROOT) not in path.read_text(encoding="utf-8")
