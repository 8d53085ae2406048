"""What a scorecard page shows, taken out of a `result.json`: plain values that a template only has to place.

Tolerant on purpose: a result of a killed or failed run may lack any part, and still deserves its page.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report import charts, lanes, timeline, words
from harness.report import facts as facts_
from harness.report.facts import Fact, TableView
from harness.report.links import anchor, commit_address, page_address, without_credentials
from harness.report.text import clip, duration, pretty_json, share

MAX_ITEMS = 100
HEAD_LIMIT = 300
EVIDENCE_LIMIT = 24
MAX_CHARTS = 8
# Sections of a result whose shape is open: shown as facts, in this order, if they say anything.
_OPEN_SECTIONS = (
    ("integration", "Integration"),
    ("own_tests", "The candidate’s own tests"),
    ("latency", "Latency"),
    ("memory", "Memory"),
    ("diff", "Diff"),
    ("cost", "Cost"),
    ("claims", "Claims, beside what was measured"),
    ("faults", "Injected faults"),
    ("canaries", "Canaries: known bad that went through the same run"),
)


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One piece of evidence: exactly one of `timeline`, `lanes`, `table`, `text` is set."""

    timeline: timeline.Timeline | None = None
    lanes: lanes.Lanes | None = None
    table: TableView | None = None
    title: str = ""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of a requirement with a severity of its own."""

    name: str
    severity: str
    outcome: words.Word
    credit: str
    summary: str


@dataclass(frozen=True, slots=True)
class RequirementView:
    """One requirement; `open` if a reader should see its evidence without a click."""

    id: str
    anchor: str
    title: str
    text: str
    dimension: str
    severity: str
    basis: str
    basis_text: str
    outcome: words.Word
    credit: str
    summary: str
    witness: str
    replay: str
    parts: list[PartView]
    evidence: list[EvidenceView]
    evidence_count: int
    seconds: str
    open: bool
    planned: bool


@dataclass(frozen=True, slots=True)
class DimensionView:
    """One row of the overview and one group of requirements (planned ones are in `requirements` too)."""

    name: str
    anchor: str
    score: str
    percent: float | None
    rate: str
    worst: words.Word
    requirements: list[RequirementView]

    @property
    def judged(self) -> list[RequirementView]:
        """The requirements that have a suite."""
        return [requirement for requirement in self.requirements if not requirement.planned]


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict with its score, as text."""

    word: words.Word
    score: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """Who is judged; `link` is an address or None."""

    id: str
    model: str
    repo: str
    commit: str
    link: str | None
    base: str
    subject: str
    date: str
    prompt: str
    notes: list[str]
    repairs: list[str]


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole scorecard."""

    run_id: str
    entry: str
    challenge: str
    candidate: CandidateView
    verdict: VerdictView
    as_asked: VerdictView
    reasons: list[str]
    warnings: list[str]
    tally: words.Tally
    dimensions: list[DimensionView]
    planned: list[RequirementView]
    sections: list[tuple[str, list[Fact]]]
    charts: dict[str, list[charts.Chart]]
    provenance: list[Fact]
    siblings: list[tuple[str, str]]


def build(
    result: Mapping[str, Any],
    evidence: Mapping[str, Sequence[Mapping[str, Any]]],
    siblings: Sequence[tuple[str, str]] = (),
) -> PageView:
    """The view of `result`; `evidence[id]` replaces a requirement's own; unsafe siblings are left out."""
    requirements = _requirements(result, evidence)
    as_asked = _mapping(result.get("as_asked"))
    return PageView(
        run_id=_text(result, "run_id"),
        entry=_brief(result, "entry"),
        challenge=_challenge(_mapping(result.get("challenge"))),
        candidate=_candidate(_mapping(result.get("candidate"))),
        verdict=_verdict(result),
        as_asked=_verdict(as_asked),
        reasons=words.reasons(result),
        warnings=words.warnings(result),
        tally=words.tally(_mappings(result.get("requirements"))),
        dimensions=_dimensions(result, requirements),
        planned=[requirement for requirement in requirements if requirement.planned],
        sections=_sections(result),
        charts=_charts(result, evidence),
        provenance=_provenance(result),
        siblings=[(name, href) for name, href in siblings if page_address(href)],
    )


def _text(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    return "" if value is None else str(value)


def _brief(source: Mapping[str, Any], key: str) -> str:
    """A value for the head of the page, which must not push the verdict out of sight."""
    return clip(_text(source, key), HEAD_LIMIT)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value[:MAX_ITEMS]] if isinstance(value, Sequence) else []


def _challenge(challenge: Mapping[str, Any]) -> str:
    name = _text(challenge, "title") or _text(challenge, "id")
    return clip(f"{name} {_text(challenge, 'version')}".strip(), HEAD_LIMIT)


def _verdict(source: Mapping[str, Any]) -> VerdictView:
    return VerdictView(words.verdict_word(source.get("verdict") or "unknown"), share(source.get("score"), 1))


def _candidate(candidate: Mapping[str, Any]) -> CandidateView:
    repo, commit = _text(candidate, "repo"), _text(candidate, "commit")
    return CandidateView(
        id=_brief(candidate, "id"),
        model=_brief(candidate, "model"),
        repo=clip(without_credentials(repo), HEAD_LIMIT),
        commit=commit,
        link=commit_address(repo, commit),
        base=_brief(candidate, "base"),
        subject=_brief(candidate, "subject"),
        date=_brief(candidate, "date"),
        prompt=_brief(candidate, "prompt"),
        notes=_texts(candidate.get("notes")),
        repairs=_texts(candidate.get("repairs")),
    )


def _requirements(result: Mapping[str, Any], evidence: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[RequirementView]:
    taken = {"main", "overview", "requirements", "planned", "provenance", "notes"}
    found = []
    for i, raw in enumerate(_mappings(result.get("requirements"))):
        own = evidence.get(_text(raw, "id"))
        pieces = _mappings(own if own is not None else raw.get("evidence"))
        found.append(_requirement(raw, pieces, anchor(_text(raw, "id"), taken, f"requirement-{i + 1}")))
    return found


def _requirement(raw: Mapping[str, Any], pieces: Sequence[Mapping[str, Any]], anchor_id: str) -> RequirementView:
    outcome = _text(raw, "outcome") or "planned"
    scored = outcome not in ("planned", "infra_error", "inconclusive")
    witness = raw.get("witness")
    return RequirementView(
        id=_text(raw, "id"),
        anchor=anchor_id,
        title=_text(raw, "title"),
        text=_text(raw, "text"),
        dimension=_text(raw, "dimension"),
        severity=_text(raw, "severity"),
        basis=_text(raw, "basis"),
        basis_text=words.BASES.get(_text(raw, "basis"), _text(raw, "basis")),
        outcome=words.outcome_word(outcome),
        credit=share(raw.get("credit")) if scored else "–",
        summary=_text(raw, "summary"),
        witness=pretty_json(witness) if witness else "",
        replay=_command(raw.get("replay")),
        parts=[_part(part) for part in _mappings(raw.get("parts"))[:MAX_ITEMS]],
        evidence=[_evidence(piece) for piece in pieces[:EVIDENCE_LIMIT]],
        evidence_count=len(pieces),
        seconds=duration(raw.get("seconds")),
        open=outcome in words.FAILING,
        planned=outcome == "planned",
    )


def _command(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return shlex.join(str(word) for word in value)
    return "" if value is None else str(value)


def _part(raw: Mapping[str, Any]) -> PartView:
    return PartView(
        name=_text(raw, "name"),
        severity=_text(raw, "severity"),
        outcome=words.outcome_word(raw.get("outcome") or "planned"),
        credit=share(raw.get("credit")),
        summary=_text(raw, "summary"),
    )


def _evidence(piece: Mapping[str, Any]) -> EvidenceView:
    title = _text(piece, "title")
    match piece.get("kind"):
        case "timeline":
            return EvidenceView(timeline=timeline.build(piece))
        case "lanes":
            return EvidenceView(lanes=lanes.build(piece))
        case "table":
            columns, rows = (_list(piece.get(key)) for key in ("columns", "rows"))
            return EvidenceView(table=facts_.table(title, columns, rows))
        case "latency" | "memory" as kind:
            return EvidenceView(title=title, text=f"Figures and charts: see the section {kind.capitalize()} below.")
        case "text":
            return EvidenceView(title=title, text=_text(piece, "text"))
        case kind:
            # A kind that this page does not draw is still evidence: shown as it stands.
            return EvidenceView(title=title or f"Evidence of kind {kind}", text=pretty_json(piece))


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _dimensions(result: Mapping[str, Any], requirements: Sequence[RequirementView]) -> list[DimensionView]:
    stated = {_text(row, "name"): row for row in _mappings(result.get("dimensions"))}
    raw = _mappings(result.get("requirements"))
    names = list(dict.fromkeys([*stated, *(requirement.dimension for requirement in requirements)]))
    return [
        _dimension(
            stated.get(name, {"name": name}),
            [requirement for requirement in requirements if requirement.dimension == name],
            [row for row in raw if _text(row, "dimension") == name],
            f"dimension-{i + 1}",
        )
        for i, name in enumerate(names)
    ]


def _dimension(
    stated: Mapping[str, Any],
    requirements: list[RequirementView],
    raw: Sequence[Mapping[str, Any]],
    anchor_id: str,
) -> DimensionView:
    counted = words.tally(raw)
    given = [stated.get(key) for key in ("pass", "decided", "undecided", "planned")]
    known = [value for value in given if isinstance(value, int)]
    tally = words.Tally(*known) if len(known) == len(given) else counted
    score = share(stated.get("score"), 1)
    return DimensionView(
        name=_text(stated, "name"),
        anchor=anchor_id,
        score=score,
        percent=None if score == "–" else min(max(float(score), 0.0), 100.0),
        rate=tally.short,
        worst=words.outcome_word(stated.get("worst") or words.worst_of(raw)),
        requirements=requirements,
    )


def _sections(result: Mapping[str, Any]) -> list[tuple[str, list[Fact]]]:
    candidate = _mapping(result.get("candidate"))
    found = []
    for key, title in _OPEN_SECTIONS:
        value = result.get(key) or (candidate.get(key) if key == "claims" else None)
        if isinstance(value, Sequence) and not isinstance(value, str):
            value = {key: value}
        shown = facts_.facts(value)
        if shown:
            found.append((title, shown))
    return found


def _charts(result: Mapping[str, Any], evidence: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[charts.Chart]]:
    """Title of a section -> its charts, requirement by requirement in the order of the result."""
    ids = [_text(raw, "id") for raw in _mappings(result.get("requirements"))]
    pieces = [piece for name in ids for piece in _mappings(evidence.get(name))[:EVIDENCE_LIMIT]]
    titles = dict(_OPEN_SECTIONS)
    return {
        titles[kind]: [chart for piece in pieces if piece.get("kind") == kind for chart in charts.charts(piece)][:MAX_CHARTS]
        for kind in ("latency", "memory")
    }


def _provenance(result: Mapping[str, Any]) -> list[Fact]:
    provenance = dict(_mapping(result.get("provenance")))
    provenance["took"] = duration(provenance.pop("seconds", None))
    run = {"run": clip(_text(result, "run_id"), 200), "entry": _text(result, "entry")}
    return facts_.facts(run | provenance)
