"""The kill matrix: what each known specimen came to under each requirement, and what that says of the judge. Pure.

A known bad is *caught* by a requirement that fails it with a witness in every round (or names its `candidate_error`, where
breaking the protocol is the planted fault). Crashes, timeouts and `inconclusive` catch nothing. A known good is *accused* by
whatever its designated requirement says but `pass`, a sound one by whatever any requirement says but that: being undecided about
the good counts against the judge too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.judge.outcomes import Finding
from harness.judge.requirements import Requirement
from harness.judge.specimens import Specimen, kills, misjudged, outcome_of
from harness.measure.proportions import upper_bound


@dataclass(frozen=True, slots=True)
class Shot:
    """One requirement's judgement of one specimen in one round. `findings` empty: it left none."""

    specimen: Specimen
    requirement: str
    round: int
    findings: tuple[Finding, ...]
    seconds: float = 0.0

    @property
    def designated(self) -> bool:
        """Whether it is the requirement that this specimen is for."""
        return self.requirement == self.specimen.designated

    @property
    def binding(self) -> bool:
        """Whether it is known beforehand what this requirement must say: its own, or any of a sound one."""
        return self.designated or self.specimen.sound

    @property
    def problem(self) -> str:
        """What went wrong in the judging; '' for nothing, and where nothing is known beforehand."""
        return misjudged(self.specimen, list(self.findings), self.requirement) if self.binding else ""


@dataclass(frozen=True, slots=True)
class Square:
    """One cell of the matrix: a word per round, whether it counts as caught, in how many rounds a good one was accused."""

    requirement: str
    outcomes: tuple[str, ...]
    caught: bool
    designated: bool
    binding: bool
    accused: int
    problem: str

    @property
    def trials(self) -> int:
        """The rounds in which there was something to judge."""
        return sum(outcome != "not_offered" or self.designated for outcome in self.outcomes) if self.binding else 0


@dataclass(frozen=True, slots=True)
class Line:
    """One specimen's squares, in the order of the specification; a requirement that was not asked has none."""

    name: str
    kind: str
    why: str
    squares: tuple[Square, ...]

    @property
    def catchers(self) -> list[str]:
        """The requirements that caught it."""
        return [square.requirement for square in self.squares if square.caught]

    @property
    def problem(self) -> str:
        """How it was misjudged, or ''."""
        return next((square.problem for square in self.squares if square.problem), "")


@dataclass(frozen=True, slots=True)
class Matrix:
    """All lines, and the figures that are published: shares with exact one-sided 95 % bounds.

    `crossed` says whether the known bad were shown to other requirements than their own: only then is a requirement that
    alone catches a specimen known to be load-bearing. `idle` are gated requirements that caught nothing.
    """

    challenge: str
    requirements: tuple[str, ...]
    lines: tuple[Line, ...]
    rounds: int
    crossed: bool
    idle: tuple[str, ...]

    @property
    def wrong(self) -> list[Line]:
        """The specimens that were misjudged."""
        return [line for line in self.lines if line.problem]

    @property
    def bad(self) -> list[Line]:
        """The known bad."""
        return [line for line in self.lines if line.kind == "bad"]

    @property
    def escaped(self) -> list[Line]:
        """The known bad that got away in one round or more."""
        return [line for line in self.bad if line.problem]

    @property
    def good_trials(self) -> int:
        """How often a known good was judged: by its own requirement, or by any if it is sound."""
        return sum(square.trials for square in self._good())

    @property
    def accusations(self) -> int:
        """How often that said anything but `pass` (of a sound one, `not_offered` where that is so)."""
        return sum(square.accused for square in self._good())

    @property
    def flake_bound(self) -> float:
        """The upper bound of the pooled flake rate (0..1, 95 %)."""
        return upper_bound(self.accusations, self.good_trials)

    @property
    def miss_bound(self) -> float:
        """The upper bound of the share of known bad that get away (0..1, 95 %): for faults like those, not for all."""
        return upper_bound(len(self.escaped), len(self.bad))

    @property
    def load_bearing(self) -> list[tuple[str, str]]:
        """(specimen, requirement) where one requirement alone catches of several that were asked."""
        asked = (line for line in self.bad if len(line.squares) > 1)
        return [(line.name, line.catchers[0]) for line in asked if len(line.catchers) == 1]

    def _good(self) -> Iterable[Square]:
        return (square for line in self.lines if line.kind == "good" for square in line.squares if square.binding)


def build(challenge: str, requirements: Sequence[Requirement], shots: Sequence[Shot], *, complete: bool = True) -> Matrix:
    """The matrix of what was shot, with the requirements in their order.

    Only a `complete` run, of every specimen, can say that a requirement caught nothing.
    """
    order = [requirement.id for requirement in requirements if any(shot.requirement == requirement.id for shot in shots)]
    specimens = {shot.specimen.name: shot.specimen for shot in shots}
    gated = [
        requirement.id for requirement in requirements if requirement.suite is not None and requirement.severity != "graded"
    ]
    lines = tuple(
        _line(specimen, order, [shot for shot in shots if shot.specimen.name == name], gated)
        for name, specimen in specimens.items()
    )
    rounds = max((shot.round for shot in shots), default=0)
    crossed = any(not shot.designated and shot.specimen.kind == "bad" for shot in shots)
    return Matrix(challenge, tuple(order), lines, rounds, crossed, tuple(_idle(gated, lines) if complete else ()))


def _line(specimen: Specimen, order: Sequence[str], shots: Sequence[Shot], gated: Sequence[str]) -> Line:
    found = {name: [shot for shot in shots if shot.requirement == name] for name in order}
    squares = tuple(_square(specimen, name, own, name in gated) for name, own in found.items() if own)
    return Line(specimen.name, specimen.kind, specimen.why, squares)


def _square(specimen: Specimen, requirement: str, shots: Sequence[Shot], gated: bool) -> Square:
    ordered = sorted(shots, key=lambda shot: shot.round)
    outcomes = tuple(outcome_of(list(shot.findings)) for shot in ordered)
    caught = gated and specimen.kind == "bad" and all(kills(specimen, list(shot.findings)) for shot in ordered)
    problem = next((_said(shot, len(ordered)) for shot in ordered if shot.problem), "")
    designated = requirement == specimen.designated
    accused = sum(bool(shot.problem) for shot in ordered) if specimen.kind == "good" else 0
    return Square(requirement, outcomes, caught, designated, designated or specimen.sound, accused, problem)


def _said(shot: Shot, rounds: int) -> str:
    return shot.problem + (f" (round {shot.round})" if rounds > 1 else "")


def _idle(gated: Sequence[str], lines: Sequence[Line]) -> list[str]:
    """Gated requirements with a suite for which nothing shows that they can fail."""
    killers = {name for line in lines for name in line.catchers}
    return [name for name in gated if name not in killers]


def plain(matrix: Matrix, head: Mapping[str, object]) -> dict[str, object]:
    """The matrix as `matrix.json` holds it; `head` brings provenance."""
    return {
        "schema": 1,
        "challenge": matrix.challenge,
        **head,
        "rounds": matrix.rounds,
        "crossed": matrix.crossed,
        "requirements": list(matrix.requirements),
        "bad": len(matrix.bad),
        "caught": len(matrix.bad) - len(matrix.escaped),
        "miss_bound": round(matrix.miss_bound, 4),
        "good": sum(line.kind == "good" for line in matrix.lines),
        "good_trials": matrix.good_trials,
        "accusations": matrix.accusations,
        "flake_bound": round(matrix.flake_bound, 4),
        "idle": list(matrix.idle),
        "load_bearing": [{"specimen": name, "requirement": requirement} for name, requirement in matrix.load_bearing],
        "lines": [_plain_line(line) for line in matrix.lines],
    }


def _plain_line(line: Line) -> dict[str, object]:
    squares = [
        {
            "requirement": square.requirement,
            "outcomes": list(square.outcomes),
            "caught": square.caught,
            "designated": square.designated,
        }
        for square in line.squares
    ]
    return {"specimen": line.name, "kind": line.kind, "why": line.why, "problem": line.problem, "cells": squares}
