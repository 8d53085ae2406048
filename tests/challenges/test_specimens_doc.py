"""docs/specimens.md names specimens that there are, and every gated requirement with a suite has a known bad and a known good."""

from __future__ import annotations

import re

import pytest

from harness.judge.requirements import Challenge, load_challenge
from harness.judge.specimens import Specimen, read_specimens
from harness.paths import PROJECT_ROOT, challenges_root

NAME = re.compile(r"`((?:ad|dd)\d\d_\w+|sound_\w+)`")
CHALLENGES = [load_challenge(challenges_root(), name) for name in ("anomaly-detection", "alert-dedup")]
SPECIMENS = {each.name: each for challenge in CHALLENGES for each in read_specimens(challenge.folder)}
WITH_SUITE = {each.id for challenge in CHALLENGES for each in challenge.requirements if each.suite is not None}
LINES = (PROJECT_ROOT / "docs" / "specimens.md").read_text("utf-8").splitlines()


def requirement_of(name: str) -> str:
    """`AD-01` for `ad01_delay_above`; of a sound one what it is designated for."""
    return SPECIMENS[name].designated if name.startswith("sound_") else f"{name[:2].upper()}-{name[2:4]}"


def test_the_table_names_what_there_is() -> None:
    named = {name for line in LINES for name in NAME.findall(line)}
    assert len(named) > 100
    assert [name for name in sorted(named) if requirement_of(name) in WITH_SUITE and name not in SPECIMENS] == []


def test_what_is_called_good_is_good_and_the_rest_is_bad() -> None:
    limits = LINES.index("## Limits, and what lies on both sides of them")
    for number, line in enumerate(LINES):
        for cell_number, cell in enumerate(line.split("|")):
            before, _, after = cell.partition("*good*")
            all_good = number > limits and cell_number == 3
            for part, kind in ((before, "good" if all_good else "bad"), (after, "good")):
                for name in NAME.findall(part):
                    found: Specimen | None = SPECIMENS.get(name)
                    assert found is None or found.kind == kind or "graded" in line, (name, kind)


@pytest.mark.parametrize("challenge", CHALLENGES, ids=lambda challenge: challenge.id)
def test_every_gated_requirement_has_a_known_bad_and_a_known_good(challenge: Challenge) -> None:
    mine = read_specimens(challenge.folder)
    gated = [each.id for each in challenge.requirements if each.suite is not None and each.severity != "graded"]
    for kind in ("bad", "good"):
        assert set(gated) <= {each.designated for each in mine if each.kind == kind}, kind
    assert sum(each.kind == "bad" for each in mine) >= 30
