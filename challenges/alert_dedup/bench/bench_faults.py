"""How fast faults are tried: crash-free schedules a minute on Valkey, and a sweep of every crash point on each store."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from challenges.alert_dedup.crashes import calibrate
from challenges.alert_dedup.fates import fate_at
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.interleave import SCENES, Stage
from harness.bench.paired import Row
from harness.candidate.values import EntrySpec, StoreKind
from harness.errors import InfraError
from harness.explore.search import Plan, explore
from harness.paths import PROJECT_ROOT, scratch_prefix
from harness.programs import program_of
from harness.runtime.cell import Cell
from harness.runtime.trial import Trial

SEED = 5
SCHEDULES = 1500
LEAST_A_MINUTE = 5000
MOST_SWEEP_S = 60.0
COMMAND = ("python3", "-m", "reference_impl.server", "alert-dedup")
CONFIG = {"window_ms": 5000, "max_skew_ms": 3000}
STORES: tuple[StoreKind, ...] = ("redis", "postgres")


@contextmanager
def reference_field(store: StoreKind, processors: int) -> Iterator[Field]:
    """The reference over that store, on a field in virtual time."""
    program = program_of(EntrySpec(COMMAND, store=store), PROJECT_ROOT, None, native=True)
    with tempfile.TemporaryDirectory(prefix=scratch_prefix("bench")) as scratch:
        journal = str(Path(scratch) / "journal.jsonl")
        cell = Cell(
            "reference",
            "alert-dedup",
            "run",
            "bench",
            [],
            SEED,
            "quick",
            "virtual",
            "auto",
            program,
            CONFIG,
            {},
            journal,
            "",
            "bench",
        )
        trial = Trial(cell, "bench", "bench")
        try:
            with Field(trial, processors) as field:
                yield field
        finally:
            trial.close()


def run() -> list[Row]:
    """The rows of this benchmark."""
    return [_schedules(), *(_sweep(store) for store in STORES)]


def _schedules() -> Row:
    """Random schedules of two processors, each from a fresh state and checked at its end."""
    with reference_field("redis", 2) as field:
        stage = Stage(field, SCENES[0], ["DD-01", "DD-10"])
        explore(stage.play, seed=SEED, plan=Plan(max_preemptions=0, max_runs=20, random_runs=10))
        began = time.monotonic()
        plan = Plan(max_preemptions=0, max_runs=2 * SCHEDULES, random_runs=SCHEDULES, go_on=True)
        report = explore(stage.play, seed=SEED, plan=plan)
        minutes = (time.monotonic() - began) / 60
    if report.failing is not None:
        raise InfraError("the reference broke DD-01 or DD-10 under a schedule of the benchmark")
    rate = report.runs / minutes
    return _row(
        "schedules of the reference on Valkey, each checked",
        rate,
        "schedules/min",
        f">= {LEAST_A_MINUTE}",
        rate >= LEAST_A_MINUTE,
    )


def _sweep(store: StoreKind) -> Row:
    """Every crash point with its four runs, in virtual time."""
    with reference_field(store, 3) as field:
        began = time.monotonic()
        calibration = calibrate(field)
        levels = [fate_at(field, calibration, where).number for where in calibration.points]
        seconds = time.monotonic() - began
    if min(levels) < 3:
        raise InfraError(f"the reference reached level {min(levels)} only at a crash point of the benchmark")
    name = f"sweep of {len(levels)} crash points, reference on {store}"
    return _row(name, seconds, "s", f"<= {MOST_SWEEP_S:g}", seconds <= MOST_SWEEP_S)


def _row(name: str, value: float, unit: str, target: str, ok: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "ratio": None, "ratio_to": None, "target": target, "ok": ok}
