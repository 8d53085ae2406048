"""challenge.toml and specimen.toml: strict, and every mistake named in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.evaluation import Options
from harness.judge.digest import suite_digest
from harness.judge.outcomes import Finding, Outcome
from harness.judge.requirements import challenge_ids, load_challenge, read_challenge
from harness.judge.specimens import Specimen, misjudged, read_specimens
from harness.paths import PROJECT_ROOT, challenges_root
from harness.selftest import cell_of

HEAD = '[challenge]\nid = "toy"\ntitle = "Toy"\nversion = 1\n'
ROW = '[[requirement]]\nid = "TY-01"\ntitle = "t"\ndimension = "d"\nseverity = "critical"\nbasis = "P"\ntext = "x"\n'


def challenge(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "toy"
    (folder / "suites").mkdir(parents=True, exist_ok=True)
    (folder / "challenge.toml").write_text(text)
    return folder


def test_a_challenge_is_a_folder(tmp_path: Path) -> None:
    folder = challenge(tmp_path, HEAD + ROW)
    assert challenge_ids(tmp_path) == ["toy"]
    assert read_challenge(folder).requirements[0].suite is None
    assert load_challenge(tmp_path, "toy").folder == folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + ROW + 'colour = "red"\n', "requirement.*colour|colour"),
        (HEAD + ROW.replace("critical", "urgent"), "severity"),
        (HEAD + ROW.replace("TY-01", "one"), "id"),
        (HEAD + ROW + ROW, "twice there: TY-01"),
        (HEAD + ROW + 'suite = "test_absent.py"\n', "test_absent.py"),
        (HEAD + ROW + "[extra]\n", "extra"),
        (HEAD + "workers_per_core = 0\n" + ROW, "workers_per_core"),
        ("not toml", "challenge.toml"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_challenge(challenge(tmp_path, text))


def test_as_many_workers_as_the_user_says_or_the_cores_bear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    usual = read_challenge(challenge(tmp_path, HEAD + ROW))
    waits = read_challenge(challenge(tmp_path, HEAD + "workers_per_core = 3\n" + ROW))
    assert [each.workers(jobs) for each in (usual, waits) for jobs in (0, 1, 7)] == [4, 1, 7, 12, 1, 7]


def test_an_unknown_challenge_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="anomaly-detection"):
        load_challenge(challenges_root(), "anomaly")
    with pytest.raises(UsageError, match="no challenge is called"):
        load_challenge(challenges_root(), "../secrets")


def test_the_digest_follows_what_judges_and_nothing_else(tmp_path: Path) -> None:
    folder = challenge(tmp_path, HEAD + ROW)
    before = suite_digest(folder)
    (folder / "SPEC.md").write_text("prose")
    (folder / "specimens").mkdir()
    (folder / "specimens" / "x.py").write_text("1")
    assert suite_digest(folder) == before
    (folder / "suites" / "test_x.py").write_text("1")
    assert suite_digest(folder) != before


@pytest.mark.parametrize("name", challenge_ids(challenges_root()))
def test_every_specimen_is_for_a_requirement_that_has_a_suite(name: str) -> None:
    loaded = load_challenge(challenges_root(), name)
    with_suite = {requirement.id for requirement in loaded.requirements if requirement.suite is not None}
    specimens = read_specimens(loaded.folder)
    assert {specimen.designated for specimen in specimens} <= with_suite
    bad = {specimen.designated for specimen in specimens if specimen.kind == "bad"}
    gated = {requirement.id for requirement in loaded.requirements if requirement.suite and requirement.severity != "graded"}
    assert bad == gated


def specimen(kind: str) -> Specimen:
    table = {"name": "s", "kind": kind, "designated": "TY-01", "why": "w", "command": ["x"], "folder": Path()}
    return Specimen.model_validate(table)


@pytest.mark.parametrize(
    ("kind", "outcome", "witness", "word"),
    [
        ("bad", Outcome.FAIL, {"seed": 1}, ""),
        ("bad", Outcome.FAIL, None, "without a witness"),
        ("bad", Outcome.PASS, None, "got away"),
        ("bad", Outcome.CANDIDATE_ERROR, {"seed": 1}, "got away"),
        ("bad", Outcome.INCONCLUSIVE, None, "got away"),
        ("good", Outcome.PASS, None, ""),
        ("good", Outcome.FAIL, {"seed": 1}, "wrongly accused"),
        ("good", Outcome.INCONCLUSIVE, None, "not found good"),
    ],
)
def test_caught_means_a_failure_with_a_witness(kind: str, outcome: Outcome, witness: dict[str, int] | None, word: str) -> None:
    problem = misjudged(specimen(kind), [Finding("TY-01", outcome, "s", witness=witness)])
    assert (word in problem) if word else problem == ""
    assert misjudged(specimen(kind), []) != ""


SPECIMEN = 'name = "s"\nkind = "bad"\ndesignated = "AD-01"\nwhy = "w"\ncommand = ["x"]\n'


def written(tmp_path: Path, more: str) -> Path:
    folder = tmp_path / "specimens" / "s"
    folder.mkdir(parents=True)
    (folder / "specimen.toml").write_text(SPECIMEN + more)
    return tmp_path


def test_a_specimen_may_name_a_store_and_predict_its_crash_points(tmp_path: Path) -> None:
    more = 'store = "redis"\npredicts = { crash_points = 2 }\n'
    read = read_specimens(written(tmp_path, more))[0]
    assert (read.store, read.predicts) == ("redis", {"crash_points": 2})


@pytest.mark.parametrize(("more", "word"), [('store = "mongo"\n', "store"), ('predicts = { points = "two" }\n', "predicts")])
def test_a_wrong_store_or_prediction_is_named(tmp_path: Path, more: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        read_specimens(written(tmp_path, more))


@pytest.mark.parametrize("store", ["none", "postgres"])
def test_the_selftest_starts_a_specimen_with_the_store_that_it_names(tmp_path: Path, store: str) -> None:
    loaded = load_challenge(challenges_root(), "anomaly-detection")
    made = specimen("bad").model_copy(update={"store": store, "designated": "AD-01", "folder": PROJECT_ROOT / "harness"})
    (first,) = [requirement for requirement in loaded.requirements if requirement.id == "AD-01"]
    options = Options("quick", 1, 1, "none", out=tmp_path)
    cell = cell_of(loaded, made, options, str(first.suite), [first], tmp_path / "journal.jsonl")
    assert cell.program.store == store
