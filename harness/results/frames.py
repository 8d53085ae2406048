"""Results as tidy pandas frames: one row for each evaluation, requirement, part, dimension and claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.results import store
from harness.results.layout import EvaluationFolder, all_evaluations

KEYS = ["run_id", "candidate", "model", "challenge", "entry"]
COLUMNS: Mapping[str, list[str]] = {
    "evaluations": [
        *KEYS, "commit", "base", "prompt", "verdict", "score", "asked_verdict", "asked_score", "cost_usd", "reported_usd", "wall_seconds",
        "added", "removed", "files", "integration", "suite_digest", "profile", "seed", "sandbox", "time", "partial", "machine", "started",
        "seconds", "newest", "path",
    ],
    "requirements": [*KEYS, "requirement", "title", "dimension", "severity", "basis", "outcome", "credit", "seconds", "summary"],
    "parts": [*KEYS, "requirement", "part", "severity", "outcome", "credit", "summary"],
    "dimensions": [*KEYS, "dimension", "score", "pass", "decided", "undecided", "planned", "worst"],
    "claims": [*KEYS, "claim", "value"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames; all share the columns `run_id`, `candidate`, `model`, `challenge`, `entry`.

    `evaluations.newest` is False for earlier runs of the same candidate; scores are 0-100, credits 0-1, times in seconds.
    """

    evaluations: pd.DataFrame
    requirements: pd.DataFrame
    parts: pd.DataFrame
    dimensions: pd.DataFrame
    claims: pd.DataFrame


def load(out: Path) -> Frames:
    """Every result under OUT, earlier runs included. Raises UsageError where one is damaged."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for folder, newest in _folders(out):
        result = store.read_result(folder)
        keys = _keys(result)
        rows["evaluations"].append(keys | _evaluation(result) | {"newest": newest, "path": str(folder.path)})
        for row in result.get("requirements") or ():
            rows["requirements"].append(keys | {"requirement": row.get("id")} | dict(row))
            rows["parts"] += [
                keys | {"requirement": row.get("id"), "part": part.get("name")} | dict(part) for part in row.get("parts") or ()
            ]
        rows["dimensions"] += [keys | {"dimension": row.get("name")} | dict(row) for row in result.get("dimensions") or ()]
        rows["claims"] += [keys | {"claim": key, "value": value} for key, value in (result.get("claims") or {}).items()]
    return Frames(**{name: pd.DataFrame(found, columns=COLUMNS[name]) for name, found in rows.items()})


def _folders(out: Path) -> Iterator[tuple[EvaluationFolder, bool]]:
    for folder in all_evaluations(out):
        yield folder, True
        for earlier in folder.earlier():
            yield earlier, False


def _keys(result: Mapping[str, Any]) -> dict[str, Any]:
    candidate, challenge = result.get("candidate") or {}, result.get("challenge") or {}
    values = (result.get("run_id"), candidate.get("id"), candidate.get("model"), challenge.get("id"), result.get("entry"))
    return dict(zip(KEYS, values, strict=True))


def _evaluation(result: Mapping[str, Any]) -> dict[str, Any]:
    candidate, cost, diff = result.get("candidate") or {}, result.get("cost") or {}, result.get("diff") or {}
    asked, made = result.get("as_asked") or {}, result.get("provenance") or {}
    integration = result.get("integration")
    machine = made.get("machine")
    return {
        **{key: candidate.get(key) for key in ("commit", "base", "prompt")},
        "verdict": result.get("verdict"),
        "score": result.get("score"),
        "asked_verdict": asked.get("verdict"),
        "asked_score": asked.get("score"),
        "cost_usd": cost.get("recomputed_usd"),
        "reported_usd": cost.get("reported_usd"),
        "wall_seconds": cost.get("wall_seconds"),
        **{key: diff.get(key) for key in ("added", "removed", "files")},
        "integration": integration.get("word") if isinstance(integration, Mapping) else integration,
        **{
            key: made.get(key)
            for key in ("suite_digest", "profile", "seed", "sandbox", "time", "partial", "started", "seconds")
        },
        "machine": machine.get("cpu") if isinstance(machine, Mapping) else machine,
    }
