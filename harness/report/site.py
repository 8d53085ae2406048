"""The index of a static site: every candidate with its newest verdicts and what came before, comparisons, kill matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judge.comparable import machine
from harness.report import words
from harness.report.links import page_address
from harness.report.page import render_template
from harness.report.summary import cost_usd
from harness.report.text import one_line, share

NAME_LIMIT = 60
MAX_HISTORY = 12
INDEX_LIMIT = 800_000


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier result of the same candidate, challenge and entry."""

    started: str
    verdict: words.Word
    score: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the index. `percent` is the score where there is one; `started` is a date and time in UTC."""

    candidate: str
    model: str
    challenge: str
    entry: str
    verdict: words.Word
    asked: words.Word
    score: str
    percent: float | None
    tally: str
    cost: str
    started: str
    conditions: str
    address: str | None
    past: tuple[Past, ...]
    more: int

    @property
    def tone(self) -> str:
        """The verdict's tone."""
        return self.verdict.tone


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the site beside the scorecards, and what it holds in a few words."""

    name: str
    address: str
    text: str


def entry(result: Mapping[str, Any], address: str, past: Sequence[tuple[Mapping[str, Any], str]] = ()) -> Entry:
    """The row of one result; `past` are earlier ones with the addresses of their pages, newest first."""
    candidate, challenge = result.get("candidate") or {}, result.get("challenge") or {}
    made, asked = result.get("provenance") or {}, result.get("as_asked") or {}
    cost, score = cost_usd(result), result.get("score")
    rows = [row for row in result.get("requirements") or () if isinstance(row, Mapping)]
    conditions = (made.get("profile"), f"seed {made.get('seed')}", made.get("sandbox"), machine(result))
    return Entry(
        candidate=one_line(str(candidate.get("id") or ""), NAME_LIMIT),
        model=one_line(str(candidate.get("model") or ""), NAME_LIMIT),
        challenge=one_line(str(challenge.get("id") or ""), NAME_LIMIT),
        entry=one_line(str(result.get("entry") or ""), 20),
        verdict=words.verdict_word(result.get("verdict") or "unknown"),
        asked=words.verdict_word(asked.get("verdict") or "unknown"),
        score=share(score, 1),
        percent=min(max(float(score), 0.0), 100.0) if isinstance(score, int | float) else None,
        tally=words.tally(rows).short,
        cost="–" if cost is None else f"${cost:.2f}",
        started=_day(made.get("started")),
        conditions=one_line(", ".join(str(part) for part in conditions if part), 120),
        address=page_address(address),
        past=tuple(_past(old, where) for old, where in past[:MAX_HISTORY]),
        more=max(0, len(past) - MAX_HISTORY),
    )


def _past(result: Mapping[str, Any], address: str) -> Past:
    verdict = words.verdict_word(result.get("verdict") or "unknown")
    started = _day((result.get("provenance") or {}).get("started"))
    return Past(started, verdict, share(result.get("score"), 1), page_address(address))


def _day(started: object) -> str:
    return one_line(str(started or "").replace("T", " ")[:16], 20)


def index(entries: Sequence[Entry], comparisons: Sequence[Link], matrices: Sequence[Link], skipped: Sequence[str] = ()) -> str:
    """The index page; `skipped` are sentences on results that could not be read."""
    return render_template(
        "site.html.j2",
        styles=("wide.css",),
        scripts=("filters.js",),
        limit=INDEX_LIMIT,
        entries=entries,
        challenges=list(dict.fromkeys(each.challenge for each in entries)),
        verdicts=list(dict.fromkeys(each.verdict.text for each in entries)),
        comparisons=comparisons,
        matrices=matrices,
        skipped=skipped,
    )
