"""The words, marks and tones that stand for outcomes, verdicts and bases: one table for every medium."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.judge.outcomes import DECIDED, Outcome, worst


@dataclass(frozen=True, slots=True)
class Word:
    """How a value is shown: `text`, a `mark` of one glyph, `tone` a CSS class, `colour` a terminal style."""

    text: str
    mark: str
    tone: str
    colour: str


OUTCOMES: Mapping[str, Word] = {
    "pass": Word("pass", "✓", "good", "green"),
    "fail": Word("fail", "✗", "bad", "bold red"),
    "candidate_error": Word("candidate error", "!", "bad", "bold red"),
    "infra_error": Word("harness error", "?", "doubt", "yellow"),
    "inconclusive": Word("inconclusive", "?", "doubt", "yellow"),
    "not_offered": Word("not offered", "–", "warn", "magenta"),
    "planned": Word("planned", "○", "idle", "dim"),
}
VERDICTS: Mapping[str, Word] = {
    "ship": Word("Ship", "✓", "good", "bold green"),
    "harden": Word("Harden", "!", "warn", "bold magenta"),
    "reject": Word("Reject", "✗", "bad", "bold red"),
    "unknown": Word("Unknown", "?", "doubt", "bold yellow"),
}
# Shown where a result brings no reason of its own.
DEFAULT_REASON: Mapping[str, str] = {
    "ship": "Every critical requirement is decided, and no critical or major one failed.",
    "harden": "No critical requirement failed, but something a deployment needs is missing or failed.",
    "reject": "A critical requirement failed.",
    "unknown": "What was decided does not suffice for a verdict.",
}
BASES: Mapping[str, str] = {
    "P": "asked by the prompt",
    "I": "implied by production",
    "S": "the specification’s own",
}
FAILING = frozenset({"fail", "candidate_error"})


def outcome_word(outcome: object) -> Word:
    """How `outcome` is shown; a value that is none of the known ones is shown as it stands, as doubt."""
    return OUTCOMES.get(str(outcome)) or Word(str(outcome), "?", "doubt", "yellow")


def verdict_word(verdict: object) -> Word:
    """How `verdict` is shown; a value that is none of the known ones is shown as it stands, as doubt."""
    return VERDICTS.get(str(verdict)) or Word(str(verdict), "?", "doubt", "bold yellow")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requirements passed, were decided, stayed undecided, or have no suite yet."""

    passed: int
    decided: int
    undecided: int
    planned: int

    def __str__(self) -> str:
        rate = f"{self.passed} of {self.decided} decided pass{'es' if self.decided == 1 else ''}"
        return "; ".join([rate if self.decided else "none decided", *self._beside()])

    @property
    def short(self) -> str:
        """The same where a heading already says 'decided'."""
        rate = f"{self.passed} of {self.decided} pass" if self.decided else "none decided"
        return "; ".join([rate, *self._beside()])

    def _beside(self) -> list[str]:
        # Undecided is said even when it is zero: a rate without it would hide what could not be measured.
        said = [f"{self.undecided} undecided"] if self.decided or self.undecided else []
        return said + ([f"{self.planned} planned"] if self.planned else [])


def tally(requirements: Iterable[Mapping[str, Any]]) -> Tally:
    """Counts the outcomes of `requirements`; what is neither decided nor planned is undecided."""
    outcomes = [str(requirement.get("outcome", "planned")) for requirement in requirements]
    decided = sum(outcome in DECIDED for outcome in outcomes)
    planned = outcomes.count(Outcome.PLANNED)
    return Tally(outcomes.count(Outcome.PASS), decided, len(outcomes) - decided - planned, planned)


def worst_of(requirements: Iterable[Mapping[str, Any]]) -> str:
    """The worst known outcome among `requirements`, 'planned' if there is none."""
    known = [str(r.get("outcome")) for r in requirements if r.get("outcome") in OUTCOMES]
    return str(worst(Outcome(outcome) for outcome in known))


OVER_SQLITE = (
    "Over a SQLite file: there is no server and no wire, so faults and schedules are at the level of operations on the file "
    "(reading, writing and commit of a transaction), and what only a server can suffer is not applicable."
)


def reasons(result: Mapping[str, Any]) -> list[str]:
    """Why the verdict is what it is: the result's own reasons, or the general one of that verdict."""
    given = [str(reason) for reason in result.get("verdict_reasons") or () if str(reason).strip()]
    return given or [DEFAULT_REASON.get(str(result.get("verdict")), DEFAULT_REASON["unknown"])]


def warnings(result: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the result: a partial run, a missing sandbox."""
    provenance = result.get("provenance") or {}
    found = []
    if provenance.get("partial"):
        found.append("Partial run: verdict and score cover only the suites or requirements asked for.")
    if sandbox_level(result) == "none":
        found.append("No sandbox: the candidate ran with the rights of whoever ran the harness.")
    if provenance.get("store") == "sqlite":
        found.append(OVER_SQLITE)
    return found


def sandbox_level(result: Mapping[str, Any]) -> str:
    """The sandbox level in force as text, 'unknown' where the result does not say."""
    stated = (result.get("provenance") or {}).get("sandbox")
    if isinstance(stated, Mapping):
        stated = stated.get("level")
    return str(stated) if stated else "unknown"
