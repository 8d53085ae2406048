"""DD-60: many fingerprints, twice the retention, and what is left of them: rows or keys, connections, memory."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.judging import Grounds
from challenges.alert_dedup.residue import Residue, measure, problems, vacuous
from harness.runtime.trial import Trial, Undecided, Violation

PROCESSORS = 2
QUICK = 2_000
FULL = 10_000


@pytest.mark.requirement("DD-60")
def test_nothing_is_kept_for_ever(trial: Trial) -> None:
    left_out = trial.cell.program.base_tables
    with Grounds(trial, PROCESSORS) as grounds:
        found = measure(grounds.field(real=False), QUICK if trial.quick else FULL, left_out, trial.over_budget)
    trial.evidence(_table(found, left_out))
    waited = _waited(found)
    if wrong := problems(found, f" {waited} after {found.offered} fingerprints"):
        raise Violation(
            "; ".join(wrong),
            witness={
                "cases": ["a wave"],
                "found": wrong,
                "peak": dict(found.peak),
                "left": dict(found.last.entries),
                "connections": [found.idle.connections, found.last.connections],
            },
        )
    if why := vacuous(found):
        raise Undecided(f"nothing was shown: {why}")
    trial.summary(_summary(found, waited, left_out))


def _waited(found: Residue) -> str:
    parts = [f"{found.virtual_s:g} s of virtual time"] if found.virtual_s else []
    parts += [f"{found.real_s:.0f} s of real time"] if found.real_s else []
    return " and ".join(parts)


def _summary(found: Residue, waited: str, left_out: list[str]) -> str:
    added, left = sum(found.peak.values()) - found.before.total, found.last.total - found.before.total
    grown = max(mib - found.idle.mib[name] for name, mib in found.last.mib.items())
    without = f"; the base's own tables are left out ({', '.join(left_out)[:100]})" if left_out else ""
    return (
        f"{found.offered} fingerprints, {waited} later: {left} of {added} rows or keys left, "
        f"{found.last.connections} connections open where there had been {found.idle.connections}, "
        f"a processor at most {grown:.0f} MiB larger{without}"
    )


def _table(found: Residue, left_out: list[str]) -> dict[str, object]:
    names = sorted({*found.peak, *found.last.entries})
    rows: list[list[object]] = [
        [name[:80], found.before.entries.get(name, 0), found.peak.get(name, 0), found.last.entries.get(name, 0)]
        for name in names
    ]
    rows += [[f"{name[:80]} (the base's own, left out)", "", "", ""] for name in left_out]
    rows.append(["connections", found.before.connections, found.idle.connections, found.last.connections])
    rows += [
        [f"resident MiB of {name}"] + [round(seen.mib[name], 1) for seen in (found.before, found.idle, found.last)]
        for name in found.last.mib
    ]
    columns = ["what", "at the start", "at the peak, or idle", "after the wait"]
    return {"kind": "table", "title": "What was left", "columns": columns, "rows": rows}
