"""From rows to the value that `result.json` holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.judge.outcomes import Outcome
from harness.judge.rows import Part, Row
from harness.judge.scoring import Facts, as_asked, dimensions, score, verdict

SCHEMA = 1


def compose(head: dict[str, Any], rows: Sequence[Row], facts: Facts, replay: str, provenance: dict[str, Any]) -> dict[str, Any]:
    """The result. `head` brings run_id, candidate, challenge, entry and the facts of the commit; `replay` the command up to the requirement's id."""
    judged = verdict(rows, facts)
    asked = as_asked(rows)
    return {
        "schema": SCHEMA,
        **head,
        "verdict": judged.word,
        "verdict_reasons": list(judged.reasons),
        "score": score(rows),
        "as_asked": {"verdict": verdict(asked, facts).word, "score": score(asked)},
        "requirements": [_row(row, replay) for row in rows],
        "dimensions": dimensions(rows),
        "latency": _figures(rows, "latency"),
        "memory": _figures(rows, "memory"),
        "faults": [],
        "provenance": provenance,
    }


def _figures(rows: Sequence[Row], kind: str) -> dict[str, Any] | None:
    """Requirement id -> the figures that its evidence of that kind carries; None if nothing was measured."""
    found = {row.requirement.id: item["figures"] for row in rows for item in row.evidence if item.get("kind") == kind}
    return found or None


def _row(row: Row, replay: str) -> dict[str, Any]:
    requirement = row.requirement
    return {
        "id": requirement.id,
        "title": requirement.title,
        "text": requirement.text,
        "dimension": requirement.dimension,
        "severity": row.severity,
        "basis": requirement.basis,
        "outcome": row.outcome.value,
        "credit": round(row.credit, 4),
        "summary": row.summary,
        "witness": row.witness,
        "replay": f"{replay} {requirement.id}" if row.witness is not None else None,
        "parts": [_part(part) for part in row.parts if len(row.parts) > 1],
        "seconds": row.seconds,
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name or "main",
        "severity": part.severity,
        "outcome": part.outcome.value,
        "credit": round(part.credit, 4),
        "summary": part.summary,
    }


def measured(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requirements that were run."""
    return [row for row in result["requirements"] if row["outcome"] != Outcome.PLANNED]
