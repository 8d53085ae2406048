"""Cases of a suite, one variation on one seed each, and the rule of five seeds by which they are judged.

A variation fails if it goes wrong on 3 or more of 5 seeds; each is judged for itself. A seed on which nothing could be
told either way counts for neither side; a variation with too few seeds that tell is undecided. The quick profile plays a
variation until that is decided: after three seeds that went right the others cannot fail it. The full profile plays them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.scenarios import SEEDS, stream_start_ms
from harness.runtime.trial import Trial, Undecided, Violation

NEEDED = 3


def declared_by(trial: Trial) -> Declared:
    """What the candidate declares, asked of a process started for that. Raises CandidateFailure."""
    detector = Detector.start(trial, stream_start_ms(trial.rng("declared")))
    detector.close()
    return detector.declared


@dataclass(frozen=True, slots=True)
class Case:
    """A variation on a seed."""

    seed: str
    variation: str

    @property
    def key(self) -> str:
        return f"{self.seed}/{self.variation}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a case showed: `problem` is empty if all went right; `told` is false where it could show nothing."""

    case: Case
    problem: str = ""
    told: bool = True
    picture: dict[str, Any] | None = None
    witness: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """For a table."""
        return self.problem or ("as it must be" if self.told else "nothing to tell by")


@dataclass(slots=True)
class Ledger:
    """All results of a suite, in order."""

    trial: Trial
    results: list[Result] = field(default_factory=list)

    def wrong(self, variation: str) -> list[Result]:
        """The results of that variation that went wrong."""
        return [r for r in self.results if r.case.variation == variation and r.problem]

    def right(self, variation: str) -> int:
        """On how many seeds that variation went right."""
        return sum(r.told and not r.problem for r in self.results if r.case.variation == variation)

    def failed(self, variation: str) -> bool:
        """Whether that variation has failed, whatever is still to come."""
        return self.trial.fails(len(self.wrong(variation)), len(SEEDS))

    def settled(self, variation: str) -> bool:
        """Whether nothing that is still to come can change the outcome of that variation, and need not be played."""
        return self.failed(variation) or (self.trial.quick and self.right(variation) > len(SEEDS) - NEEDED)

    @property
    def seeds(self) -> int:
        """How many seeds were played."""
        return len({r.case.seed for r in self.results})

    @property
    def variations(self) -> list[str]:
        """Those seen, in order."""
        return list(dict.fromkeys(r.case.variation for r in self.results))

    @property
    def credit(self) -> float:
        """The share of the cases that tell and went right."""
        telling = [r for r in self.results if r.told]
        return sum(not r.problem for r in telling) / len(telling) if telling else 0.0

    def table(self, title: str) -> dict[str, Any]:
        """Every case and what became of it."""
        rows = [[r.case.seed, r.case.variation, r.words[:300]] for r in self.results]
        return {"kind": "table", "title": title, "columns": ["seed", "case", "result"], "rows": rows}


def run_cases(trial: Trial, variations: Sequence[str], play: Callable[[Case], Result]) -> Ledger:
    """Plays every variation on every seed, or what a replay names, as far as it takes to decide.

    Raises what `play` raises, but for Undecided (time used up) where something has failed already.
    """
    ledger = Ledger(trial)
    try:
        for case in trial.cases([Case(seed, v) for seed in SEEDS for v in variations], key=lambda case: case.key):
            if not ledger.settled(case.variation):
                ledger.results.append(play(case))
    except Undecided:
        if not any(ledger.failed(variation) for variation in ledger.variations):
            raise
    return ledger


def decide(trial: Trial, ledger: Ledger, *, title: str, failure: str, untold: str) -> None:
    """Shows the cases and passes, or raises Violation (`failure` says what went wrong where) or Undecided (`untold`)."""
    failed = [v for v in ledger.variations if ledger.failed(v)]
    first = ledger.wrong(failed[0])[0] if failed else next((r for r in ledger.results if r.problem), ledger.results[0])
    if first.picture is not None:
        trial.evidence(first.picture)
    trial.evidence(ledger.table(title))
    if failed:
        wrong = len(ledger.wrong(failed[0]))
        raise Violation(
            f"{failure} ({', '.join(failed)}; on {wrong} of {len(SEEDS)} seeds for {failed[0]!r}): {first.problem}"[:500],
            credit=min(ledger.right(variation) for variation in failed) / len(SEEDS),
            witness={"cases": [first.case.key], "failed": failed, "got": first.problem[:1500], **first.witness},
        )
    needed = 1 if trial.replaying else NEEDED
    for variation in ledger.variations:
        if sum(r.told for r in ledger.results if r.case.variation == variation) < needed:
            raise Undecided(f"{untold} ({variation})")
    trial.credit(ledger.credit)


def judge(
    trial: Trial, variations: Sequence[str], play: Callable[[Case], Result], *, title: str, failure: str, untold: str
) -> Ledger:
    """Plays the cases (see `run_cases`) and decides by them (see `decide`); what was played, if it passes."""
    ledger = run_cases(trial, variations, play)
    decide(trial, ledger, title=title, failure=failure, untold=untold)
    return ledger
