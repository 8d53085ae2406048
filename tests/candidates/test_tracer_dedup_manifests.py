"""The manifests of the tracer repository's deduplication: read strictly, and each names an entry that its adapter serves."""

import re

import pytest

from harness.candidate.manifest import Manifest, load_operator
from harness.paths import manifests_root

COMMITS = {
    "tracer-base-dedup": "fbf7ae4a00ebba058b8ccd102c06edf181738236",
    "tracer-gpt-5.1-codex-dedup": "5eedd0916367533c90f0ff12abc51d8d0b27e909",
    "tracer-gpt-5-codex-dedup": "6d9cf3b297e3e9957adae7d0d5f597e5534fc7c9",
    "tracer-sonnet-4.5-dedup": "a7cac5c8c034097c32815fc8645f59c0bf67bc8f",
    "tracer-kimi-k2-dedup": "a05620554c35e0ce70c07d7b0246db8415b41c08",
}


def read(candidate_id: str) -> Manifest:
    return load_operator(manifests_root() / f"{candidate_id}.toml")


def served_entries() -> set[str]:
    text = (manifests_root() / "adapters" / "tracer-dedup" / "main.ts").read_text(encoding="utf-8")
    return set(re.findall(r'^  "([\w.-]+)": \{', text, flags=re.MULTILINE))


def test_every_manifest_is_listed_here() -> None:
    assert {path.stem for path in manifests_root().glob("tracer-*-dedup.toml")} == set(COMMITS)


@pytest.mark.parametrize(("candidate_id", "commit"), COMMITS.items())
def test_a_manifest_passes_the_strict_reader(candidate_id: str, commit: str) -> None:
    manifest = read(candidate_id)
    assert (manifest.id, manifest.tables.candidate.commit) == (candidate_id, commit)
    assert manifest.challenges == ("alert-dedup",)
    assert manifest.adapter is not None and manifest.tables.candidate.repairs
    assert manifest.tables.candidate.base_tables == ["alerts"]
    assert bool(manifest.usage().reported_cost_usd) == (manifest.tables.candidate.model is not None)


@pytest.mark.parametrize("candidate_id", COMMITS)
def test_a_process_asks_for_a_postgres_on_its_socket_and_reads_the_wall_clock(candidate_id: str) -> None:
    for by_challenge in read(candidate_id).entries().values():
        spec = by_challenge["alert-dedup"]
        assert (spec.store, spec.store_tcp, spec.clock) == ("postgres", False, "wall")


def test_the_manifests_name_every_entry_that_the_adapter_serves_and_no_other() -> None:
    entries = [read(candidate_id).entries() for candidate_id in COMMITS]
    named = {spec.command[-1] for entry in entries for found in entry.values() for spec in found.values()}
    assert named == served_entries() != set()


@pytest.mark.parametrize("candidate_id", COMMITS)
def test_the_outcome_of_the_comparison_is_on_the_page(candidate_id: str) -> None:
    assert sum("ompared on 20" in repair for repair in read(candidate_id).tables.candidate.repairs) == 1
