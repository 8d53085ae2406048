"""Canaries: known bad specimens that go through an evaluation beside the candidate. If one gets away, so may anything.

They run under the candidate's own settings (profile, seed, sandbox), by the cheapest requirements that catch them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.judge.outcomes import Finding
from harness.judge.requirements import Canary, Challenge
from harness.judge.specimens import Specimen, digest_of, kills, outcome_of, read_specimens
from harness.programs import program_of_specimen
from harness.runtime.cell import Cell


def specimen_of(challenge: Challenge, canary: Canary) -> Specimen:
    """The specimen that a canary names. Raises UsageError if it is not there, or not known to be bad."""
    found = {specimen.name: specimen for specimen in read_specimens(challenge.folder) if specimen.kind == "bad"}
    if canary.specimen not in found:
        raise UsageError(f"{challenge.folder / 'challenge.toml'}: no known bad specimen is called {canary.specimen!r}")
    return found[canary.specimen]


def cells(challenge: Challenge, like: Cell, budgets_s: Mapping[str, float]) -> dict[str, tuple[Canary, Cell]]:
    """Cell key -> canary and its cell: `like` a cell of the candidate but for the program and the suite."""
    made = [(canary, _cell(challenge, canary, like, budgets_s)) for canary in challenge.canaries]
    return {cell.key: (canary, cell) for canary, cell in made}


def _cell(challenge: Challenge, canary: Canary, like: Cell, budgets_s: Mapping[str, float]) -> Cell:
    specimen = specimen_of(challenge, canary)
    requirement = next(each for each in challenge.requirements if each.id == canary.requirement)
    return msgspec.structs.replace(
        like,
        candidate_id=f"canary-{specimen.name}",
        suite=str(challenge.suite_path(str(requirement.suite))),
        requirements=[requirement.id],
        program=program_of_specimen(specimen),
        budgets_s={requirement.id: budgets_s[requirement.id]},
        tree_digest=f"specimen {specimen.name} {digest_of(specimen)}",
        replay=None,
    )


def fate(challenge: Challenge, canary: Canary, findings: list[Finding]) -> dict[str, Any]:
    """What became of a canary, as `result.json` holds it."""
    caught = kills(specimen_of(challenge, canary), findings)
    said = findings[0].summary if findings else "no finding was left"
    return {**canary.model_dump(), "outcome": outcome_of(findings), "caught": caught, "summary": said[:500]}


def escaped(fates: list[dict[str, Any]]) -> list[str]:
    """A sentence for each canary that was not caught."""
    return [
        f"the known bad {fate['specimen']} was not caught by {fate['requirement']}, which said {fate['outcome']}: {fate['summary']}"
        for fate in fates
        if not fate["caught"]
    ]
