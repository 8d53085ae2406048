"""Results made up from a seed, as large as real ones and as hostile as wanted; nothing is measured for them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from harness.results import store
from harness.results.layout import evaluation

DIMENSIONS = ("detection", "adaptation", "edge cases", "bad input", "restart", "crash", "memory")
SEVERITIES = ("critical", "major", "minor", "graded")
OUTCOMES = ("pass", "pass", "pass", "fail", "fail", "candidate_error", "not_offered", "inconclusive")
HOSTILE = "<script>alert(1)</script>"
MACHINE = {"cores": 2, "cpu": "Toy", "memory_bytes": 8 * 2**30}


def result(
    number: int, candidate: str, model: str, *, entry: str = "run", requirements: int = 25, hostile: bool = False, **made: Any
) -> dict[str, Any]:
    """Result `number` of `model`; `made` goes into its provenance. Equal arguments give equal results."""
    rng = random.Random(f"{number} {entry}")
    rows = [_requirement(rng, i, HOSTILE if hostile else "") for i in range(requirements)]
    verdict = rng.choice(("ship", "harden", "reject", "reject"))
    return {
        "schema": 1,
        "run_id": f"20260101T0000{number:02}Z-{number:06x}",
        "candidate": {
            "id": candidate, "model": model, "repo": "https://example.org/toy", "commit": f"{number + 1:040x}", "base": "0" * 40,
            "prompt": "seeds", "subject": f"A commit {HOSTILE if hostile else ''}", "date": "2026-01-01", "repairs": [], "notes": [],
        },
        "challenge": {"id": "toy", "title": f"Toy {HOSTILE}" if hostile else "Toy challenge", "version": 1},
        "entry": entry,
        "diff": {"files": rng.randint(1, 9), "added": rng.randint(100, 3000), "removed": rng.randint(0, 90)},
        "cost": {"recomputed_usd": round(rng.uniform(0.1, 1.5), 2), "reported_usd": 0.35, "wall_seconds": rng.randint(200, 1300)},
        "claims": {"integrated": True, "edge_cases": "handled", "ships": True, "approach": HOSTILE if hostile else "windows", "claimed_bugs": ["a race"]},
        "verdict": verdict,
        "verdict_reasons": [],
        "score": round(rng.uniform(10, 100), 1),
        "as_asked": {"verdict": verdict, "score": round(rng.uniform(10, 100), 1)},
        "requirements": rows,
        "dimensions": [],
        "integration": {"share": 0.4, "word": "partly", "files": [{"path": f"src/{HOSTILE}.ts" if hostile else "src/a.ts"}]} if number % 2 else None,
        "own_tests": {"passing": 12, "red": ["test_a"], "flaky": []} if number % 2 else None,
        "latency": None,
        "memory": None,
        "faults": [],
        "provenance": {
            "harness_version": "0", "suite_digest": "d" * 64, "profile": "quick", "seed": 1, "sandbox": "bwrap", "time": "virtual",
            "partial": False, "machine": MACHINE, "started": f"2026-01-01T00:00:{number % 60:02}+00:00", "seconds": 60.0, **made,
        },
    }  # fmt: skip


def _requirement(rng: random.Random, i: int, text: str) -> dict[str, Any]:
    # Some are alike in every result, so that what differs is less than all.
    outcome = {3: "pass", 4: "fail", 8: "planned"}.get(i % 9) or rng.choice(OUTCOMES)
    broken = outcome in ("fail", "candidate_error")
    return {
        "id": f"TY-{i + 1:02}", "title": f"Requirement {i + 1} {text}".strip(), "text": "What it asks.", "dimension": DIMENSIONS[i % 7],
        "severity": SEVERITIES[i % 4], "basis": "PIS"[i % 3], "outcome": outcome, "credit": float(outcome == "pass"),
        "summary": f"what was found: {rng.randint(1, 99)} of 100 {text}", "witness": {"cases": ["a"]} if broken else None,
        "replay": f"harness replay reports/x TY-{i + 1:02}" if broken else None, "parts": [], "seconds": 1.5,
    }  # fmt: skip


def evidence(number: int, text: str = "") -> dict[str, list[dict[str, Any]]]:
    """Evidence of the kinds that charts are drawn from, and a table."""
    sizes = [3.0, 5.0, 7.0, 9.0]
    curve: dict[str, Any] = {
        "kind": "timeline",
        "title": f"Delay against effect size {text}",
        "unit": f"z1 {text}",
        "t_s": sizes,
    }
    curve["series"] = [{"label": f"median delay, s {text}", "values": [60.0 - 5 * size + number for size in sizes]}]
    points: dict[str, Any] = {"kind": "table", "title": f"Crash points {text}", "columns": ["killed", "level"]}
    points["rows"] = [[f"after {k} {text}", (k + number) % 4] for k in range(9)]
    latency: dict[str, Any] = {"kind": "latency", "title": f"A steady stream {text}", "budget_ms": 10}
    latency["curves"] = [{"name": "candidate", "nines": [0.0, 1.0, 2.0, 3.0], "ms": [1.0 + number, 2.0 + number, 4.0, 9.0]}]
    return {
        "TY-01": [curve],
        "TY-04": [latency],
        "TY-06": [points, {"kind": "text", "title": text or "note", "text": text or "seen"}],
    }


def write(out: Path, made: dict[str, Any], number: int = 0, text: str = "") -> None:
    """`made` with evidence into its folder under OUT."""
    folder = evaluation(out, made["candidate"]["id"], made["challenge"]["id"], made["entry"])
    store.write_json(folder.result, made)
    for requirement, items in evidence(number, text).items():
        store.write_evidence(folder, requirement, items)
