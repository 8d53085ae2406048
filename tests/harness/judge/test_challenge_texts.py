"""What is written about a challenge in three places says the same in all of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.judge.requirements import challenge_ids, load_challenge
from harness.paths import PROJECT_ROOT, challenges_root

SDK = PROJECT_ROOT / "candidates" / "sdk" / "python" / "harness_sdk.py"
NAMES = challenge_ids(challenges_root())


@pytest.mark.parametrize("name", NAMES)
def test_the_specification_in_prose_knows_every_requirement_and_its_weight(name: str) -> None:
    loaded = load_challenge(challenges_root(), name)
    prose = (loaded.folder / "SPEC.md").read_text("utf-8")
    unknown = [r.id for r in loaded.requirements if not re.search(rf"\*\*{r.id} \({r.severity}, {r.basis}[;)]", prose)]
    assert not unknown
    assert set(re.findall(r"\*\*([A-Z]{2}-\d+) \(", prose)) == {r.id for r in loaded.requirements}


@pytest.mark.parametrize("name", NAMES)
def test_the_prompt_says_its_version_and_brings_what_the_suites_hand_out(name: str) -> None:
    loaded = load_challenge(challenges_root(), name)
    prompt = (loaded.folder / loaded.prompt).read_text("utf-8")
    assert prompt.startswith(f"# {name}@{loaded.version}\n")
    assert all(f'"{key}": {value}' in prompt for key, value in loaded.config.items())
    assert not re.search(r"\b[A-Z]{2}-\d\d\b", prompt), "a model is not told how it is measured, number by number"


@pytest.mark.parametrize("name", NAMES)
def test_the_starter_is_for_its_challenge_and_brings_the_sdk_as_it_is(name: str) -> None:
    starter = challenges_root() / name.replace("-", "_") / "starter"
    manifest = tomllib.loads((starter / "harness.toml").read_text("utf-8"))
    assert manifest["candidate"]["challenge"] == name
    assert (starter / Path(manifest["run"]["command"][-1])).is_file()
    assert (starter / SDK.name).resolve() == SDK, "a link cannot grow old"
