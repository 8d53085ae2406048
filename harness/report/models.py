"""Several commits of a model taken together, and model against model, out of results that are comparable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from harness.judge.comparable import objections
from harness.judge.outcomes import DECIDED
from harness.measure.several import Duel, Mean, all_of, bootstrap_mean, duel, holm, pass_at
from harness.report.text import one_line

NAME_LIMIT = 60
MAX_DUELS = 66
DRAWN = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """One requirement over a model's commits: `passed` of `count` decided ones; chances of drawing `k` commits."""

    requirement: str
    passed: int
    count: int
    k: int
    pass_at_k: float | None
    all_of_k: float | None


@dataclass(frozen=True, slots=True)
class ModelView:
    """The commits of one model under one entry. `rates` are in the order of the requirements."""

    name: str
    entry: str
    commits: int
    score: Mean | None
    verdicts: Mapping[str, int]
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement on which two models differ over pairs of commits; `p` is corrected for all that were asked."""

    requirement: str
    duel: Duel
    p: float | None


@dataclass(frozen=True, slots=True)
class DuelView:
    """Two models: requirements that the first wins and loses by its share of passes, and its pairs of commits."""

    first: str
    second: str
    entry: str
    won: tuple[str, ...]
    lost: tuple[str, ...]
    same: int
    pairs: int
    score: Duel
    score_p: float | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Models:
    """Both, or why there are none."""

    models: tuple[ModelView, ...]
    duels: tuple[DuelView, ...]
    refused: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Commit:
    """One commit of one model: what task it answers, its score, requirement -> passed, of those decided."""

    task: tuple[str, ...]
    score: float | None
    verdict: str
    passed: Mapping[str, bool]


def several(results: Sequence[Mapping[str, Any]]) -> Models:
    """What the results of one challenge say of models; refused where they are not comparable."""
    if objections(results):
        return Models((), (), "No statistics: these results are not comparable.", ())
    groups, notes = _groups(results)
    models = tuple(_model(name, entry, commits) for (name, entry), commits in groups.items())
    return Models(models, _duels(groups, {(model.name, model.entry): model for model in models}), "", tuple(notes))


def _groups(results: Sequence[Mapping[str, Any]]) -> tuple[dict[tuple[str, str], list[_Commit]], list[str]]:
    groups: dict[tuple[str, str], list[_Commit]] = defaultdict(list)
    seen: set[tuple[str, ...]] = set()
    twice = []
    for result in results:
        candidate = result.get("candidate") or {}
        name = one_line(str(candidate.get("model") or candidate.get("id")), NAME_LIMIT)
        entry = str(result.get("entry"))
        commit = (name, entry, str(candidate.get("repo")), str(candidate.get("commit") or candidate.get("id")))
        if commit in seen:
            twice.append(one_line(str(candidate.get("id")), NAME_LIMIT))
            continue
        seen.add(commit)
        groups[name, entry].append(_commit(result))
    notes = [
        f"Counted once though driven in several ways: the commit of {name} ({times + 1} results)."
        for name, times in Counter(twice).items()
    ]
    return dict(groups), notes


def _commit(result: Mapping[str, Any]) -> _Commit:
    candidate = result.get("candidate") or {}
    decided = {
        str(row["id"]): row["outcome"] == "pass" for row in result.get("requirements") or () if row["outcome"] in DECIDED
    }
    task = tuple(str(candidate.get(key)) for key in ("repo", "prompt"))
    return _Commit(task, result.get("score"), str(result.get("verdict")), decided)


def _model(name: str, entry: str, commits: Sequence[_Commit]) -> ModelView:
    names = dict.fromkeys(requirement for commit in commits for requirement in commit.passed)
    return ModelView(
        name,
        entry,
        len(commits),
        bootstrap_mean([commit.score for commit in commits if commit.score is not None]),
        Counter(commit.verdict for commit in commits),
        tuple(_rate(requirement, commits) for requirement in names),
    )


def _rate(requirement: str, commits: Sequence[_Commit]) -> Rate:
    outcomes = [commit.passed[requirement] for commit in commits if requirement in commit.passed]
    passed, count = sum(outcomes), len(outcomes)
    k = min(DRAWN, count)
    if k < 2:
        return Rate(requirement, passed, count, k, None, None)
    return Rate(requirement, passed, count, k, pass_at(k, count, passed), all_of(k, count, passed))


def _duels(
    groups: Mapping[tuple[str, str], Sequence[_Commit]], models: Mapping[tuple[str, str], ModelView]
) -> tuple[DuelView, ...]:
    asked = [(one, two) for one, two in combinations(groups, 2) if one[1] == two[1]][:MAX_DUELS]
    raw = [(one, two, *_paired(groups[one], groups[two])) for one, two in asked]
    corrected = iter(holm([d.p for _, _, _, score, found in raw for d in (score, *found.values()) if d.p is not None]))
    views = []
    for one, two, pairs, score, found in raw:
        score_p = next(corrected) if score.p is not None else None
        findings = tuple(Finding(name, d, next(corrected) if d.p is not None else None) for name, d in found.items())
        won, lost, same = _compared(models[one].rates, models[two].rates)
        shown = tuple(finding for finding in findings if finding.duel.won or finding.duel.lost)
        views.append(DuelView(one[0], two[0], one[1], won, lost, same, pairs, score, score_p, shown))
    return tuple(views)


def _paired(ours: Sequence[_Commit], theirs: Sequence[_Commit]) -> tuple[int, Duel, dict[str, Duel]]:
    """Commits of the same repository and prompt, in the order given; what has no partner is left out."""
    pairs = []
    for task in dict.fromkeys(commit.task for commit in ours):
        pairs += list(zip([c for c in ours if c.task == task], [c for c in theirs if c.task == task], strict=False))
    scores = [(a.score, b.score) for a, b in pairs if a.score is not None and b.score is not None]
    names = dict.fromkeys(name for a, b in pairs for name in a.passed if name in b.passed)
    found = {
        name: duel([(float(a.passed[name]), float(b.passed[name])) for a, b in pairs if name in a.passed and name in b.passed])
        for name in names
    }
    return len(pairs), duel(scores), found


def _compared(ours: Sequence[Rate], theirs: Sequence[Rate]) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    other = {rate.requirement: rate for rate in theirs if rate.count}
    both = [(rate, other[rate.requirement]) for rate in ours if rate.count and rate.requirement in other]
    # Shares are compared by whole numbers: a/b > c/d where a*d > c*b.
    won = tuple(a.requirement for a, b in both if a.passed * b.count > b.passed * a.count)
    lost = tuple(a.requirement for a, b in both if a.passed * b.count < b.passed * a.count)
    return won, lost, len(both) - len(won) - len(lost)
