"""Outcomes of requirements as plain values, and how several of them become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What is known of one requirement. Only the first four of `DECIDED` enter a denominator."""

    PASS = "pass"
    FAIL = "fail"
    CANDIDATE_ERROR = "candidate_error"
    INFRA_ERROR = "infra_error"
    INCONCLUSIVE = "inconclusive"
    NOT_OFFERED = "not_offered"
    PLANNED = "planned"


DECIDED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.CANDIDATE_ERROR, Outcome.NOT_OFFERED})
UNDECIDED = frozenset({Outcome.INFRA_ERROR, Outcome.INCONCLUSIVE})

# A violation outranks an error, an error outranks doubt, doubt outranks a pass.
_RANK = (
    Outcome.FAIL,
    Outcome.CANDIDATE_ERROR,
    Outcome.INFRA_ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.NOT_OFFERED,
    Outcome.PASS,
    Outcome.PLANNED,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test says of one part of a requirement. `credit` in 0..1; `witness` is JSON; `evidence` a list of JSON.

    `figures` are numbers measured on the way, by name.
    """

    requirement: str
    outcome: Outcome
    summary: str
    credit: float = 1.0
    severity: str | None = None
    part: str = ""
    witness: dict[str, Any] | None = None
    evidence: tuple[dict[str, Any], ...] = field(default=())
    seconds: float = 0.0
    test: str = ""
    figures: dict[str, float] = field(default_factory=dict)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that outranks the others; `planned` if there is none."""
    return min(outcomes, key=_RANK.index, default=Outcome.PLANNED)
