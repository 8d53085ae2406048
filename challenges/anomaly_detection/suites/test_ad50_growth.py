"""AD-50: what the second half of a long stream adds to resident memory, per log, beyond what a no-op of its language adds.

The full profile sends 2 million logs over 4 h of stream, the quick one 500,000 over 1 h. The slope is Theil-Sen's, so single
steps of an allocator or a collector do not make one; growth that is bounded must have reached its bound by half. Whoever does
not pass gets as many logs again, and once more, with the second half of all of them deciding: a heap that is enlarged in the
wrong moment comes to rest, a leak does not.
"""

from __future__ import annotations

import pytest

from challenges.anomaly_detection.growth import batches, beyond, drawn, watch
from harness.measure.beside import noop
from harness.measure.figures import keep_arrays
from harness.measure.statistics import Decision, Interval
from harness.runtime.trial import Trial, Undecided, Violation

QUICK_LOGS, FULL_LOGS = 500_000, 2_000_000
LIMIT_BYTES_A_LOG = 2.0
MOST_STAGES = 3
EPOCH_MS = 1_748_822_400_000


def said(logs: int, beyond_noop: Interval) -> str:
    """The figure in words."""
    span = f"{beyond_noop.low:.2f} to {beyond_noop.high:.2f}"
    return f"{beyond_noop.value:.2f} bytes a log beyond the no-op's ({span}) over the second half of {logs:,} logs"


@pytest.mark.requirement("AD-50")
def test_memory_does_not_grow_with_the_stream(trial: Trial) -> None:
    logs = QUICK_LOGS if trial.quick else FULL_LOGS
    process = trial.start(wall_ms=EPOCH_MS)
    stream = batches(MOST_STAGES * logs, trial.rng("growth"))
    mine = watch(process, stream, logs, trial.over_budget)
    other = noop(trial, process.language).start(wall_ms=EPOCH_MS)
    floor = watch(other, batches(logs, trial.rng("growth")), logs, lambda: False)
    other.close()
    sent = logs
    while beyond(mine.per_log(), floor.per_log()).against(LIMIT_BYTES_A_LOG) is not Decision.PASS and sent < MOST_STAGES * logs:
        mine = watch(process, stream, logs, trial.over_budget, mine)
        sent += logs
    process.close()
    keep_arrays(trial, "candidate", mine.arrays())
    keep_arrays(trial, "no-op", floor.arrays())
    slope = beyond(mine.per_log(), floor.per_log())
    words = said(sent, slope)
    figures = {
        "logs": sent,
        "bytes a log, beyond the no-op": slope.plain(),
        "bytes a log": mine.per_log().plain(),
        "no-op, bytes a log": floor.per_log().plain(),
        "most_mib": round(float(mine.rss_bytes.max()) / 2**20, 1),
    }
    trial.evidence(
        {
            "kind": "memory",
            "title": "Resident memory over logs",
            "figures": figures,
            "lines": [drawn("candidate", mine), drawn("no-op", floor)],
        }
    )
    trial.figure("bytes_a_log", slope.value)
    trial.summary(words)
    match slope.against(LIMIT_BYTES_A_LOG):
        case Decision.FAIL:
            raise Violation(f"{words}: {LIMIT_BYTES_A_LOG:g} is the limit", witness={"cases": ["growth"], **figures})
        case Decision.INCONCLUSIVE:
            raise Undecided(f"{words}: the limit of {LIMIT_BYTES_A_LOG:g} lies inside the interval")
