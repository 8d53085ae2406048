"""DD-40: the events of one fingerprint give the same pages alone as among others that are easily taken for it.

All of a kind are played together first, in virtual time, and those that fare otherwise than two quite different ones then with their
pair alone, the shortest first, beside runs of each alone. What differs there is played again in real time before it is charged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from challenges.alert_dedup.checker import Finding
from challenges.alert_dedup.independence import Alone, Company, course, differs, never_paged, paged
from challenges.alert_dedup.judging import Grounds, Judgement, Played, play, violation
from challenges.alert_dedup.lookalikes import HASHES, PAIRS, TEXTS, Pair, Told
from challenges.alert_dedup.view import View
from harness.runtime.trial import Trial, Undecided

MOST_SUSPECTS = 6
EVERY = ("critical", "major")
Found = tuple[Played, Finding, Played]
"""The run together, what it shows, and the run alone."""
CONTROL = Pair("two quite different ones", Told("checkout/error_rate"), Told("billing/queue-depth"))
_SHORT = [pair for pair in PAIRS if not pair.long]
_HASHED, _REST = len(HASHES), len(HASHES) + len(TEXTS)
KINDS = (
    Company("equal hashes", tuple(_SHORT[:_HASHED])),
    Company("texts that are almost equal", tuple(_SHORT[_HASHED:_REST])),
    Company("texts that are equal once joined", tuple(_SHORT[_REST:])),
)
LONG = Company("long ones", tuple(pair for pair in PAIRS if pair.long))
REAL = KINDS[1]


@pytest.mark.requirement("DD-40")
def test_fingerprints_are_independent(trial: Trial) -> None:
    everything = [*KINDS, LONG, *(single(pair) for pair in PAIRS)]
    named = trial.cases([company.name for company in everything])
    with Grounds(trial) as grounds:
        examiner = Examiner(trial, grounds)
        if trial.replaying and len(named) < len(everything):
            for company in everything:
                if company.name in named:
                    examiner.examine(company)
        else:
            for company in KINDS:
                examiner.screen(company)
            examiner.screen(REAL, real=True)
            examiner.screen(LONG, severities=("critical",))
            with trial.part("long fingerprints are accepted", "major") as note:
                examiner.screen(LONG, severities=("major",))
                note.summary = f"{len(LONG.pairs)} pairs of up to 64 KiB that differ in the last character"
    trial.summary(
        f"{len(PAIRS)} pairs that are easily taken for each other, among others and alone: all have pages of their own"
    )


def single(pair: Pair) -> Company:
    """One pair by itself."""
    return Company(pair.name, (pair,), at_once=False)


class Examiner:
    """Plays companies, and members of them alone, and raises what differs."""

    def __init__(self, trial: Trial, grounds: Grounds) -> None:
        self.trial = trial
        self.alone = Alone(grounds)
        self._grounds = grounds
        self._usual: dict[bool, tuple[bool, ...]] = {}

    def usual(self, *, real: bool) -> tuple[bool, ...]:
        """Which events are paged where nothing can be mistaken. Raises Undecided if none is, or all are."""
        if real not in self._usual:
            run = self.alone.run(CONTROL.one, real=real)
            self._usual[real] = paged(View(run.entries, run.rules), CONTROL.one.fingerprint)
            if len(set(self._usual[real])) < 2:
                seen = "every one" if any(self._usual[real]) else "none"
                raise Undecided(f"nothing was shown: of the events of a fingerprint alone, {seen} was paged{run.refused}")
        return self._usual[real]

    def screen(self, company: Company, *, real: bool = False, severities: Sequence[str] = EVERY) -> None:
        """Plays all of a kind together; looks closer where something is unusual. Raises Violation, or Undecided if time is up."""
        if self.trial.over_budget():
            raise Undecided(f"its time was over before {company.name} were played")
        usual = self.usual(real=real)
        view = _view(self._together(company, real=real))
        wrong = [
            pair for pair in company.pairs if any(paged(view, told.fingerprint) != usual for told in (pair.one, pair.other))
        ]
        for pair in sorted(wrong, key=lambda pair: pair.size)[:MOST_SUSPECTS]:
            self.examine(single(pair), severities=severities)
        if wrong:
            shown = [told for pair in wrong[:1] for told in (pair.one, pair.other)]
            self.examine(company, members=shown, severities=severities)

    def examine(self, company: Company, members: Sequence[Told] | None = None, severities: Sequence[str] = EVERY) -> None:
        """Plays these together and each of the members alone, in virtual time and then in real time. Raises Violation."""
        told = list(company.members if members is None else members)
        if self._found(company, told, severities, real=False) is None:
            return
        found = self._found(company, told, severities, real=True)
        if found is None:
            return
        run, finding, alone = found
        judgement = Judgement(("DD-40",), [run], [(run, finding)])
        raise violation(self.trial, judgement, alone=_events(alone, finding), together=_events(run, finding))

    def _found(self, company: Company, told: list[Told], severities: Sequence[str], *, real: bool) -> Found | None:
        every = self._findings(company, told, real=real)
        return next((found for found in every if found[1].severity in severities), None)

    def _findings(self, company: Company, members: list[Told], *, real: bool) -> Iterator[Found]:
        run = self._together(company, real=real)
        for told in members:
            alone = self.alone.run(told, real=real)
            finding = differs(_view(run), _view(alone), told.fingerprint) or never_paged(_view(alone), told.fingerprint)
            if finding is not None:
                yield run, finding, alone

    def _together(self, company: Company, *, real: bool) -> Played:
        return play(self._grounds.field(real=real), course(company.members, company.name, at_once=company.at_once))


def _view(run: Played) -> View:
    return View(run.entries, run.rules)


def _events(run: Played, finding: Finding) -> str:
    marks = paged(_view(run), finding.fingerprint)
    return ", ".join("paged" if mark else "not paged" for mark in marks)
