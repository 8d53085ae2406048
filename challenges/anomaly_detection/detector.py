"""One candidate process as a detector: plays traffic to it, moves its clock along, keeps the alerts as they were seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from challenges.anomaly_detection.alerts import (
    MOST_KINDS,
    Declared,
    SeenAlert,
    check_counts,
    check_lag,
    read_alert,
    read_declared,
)
from challenges.anomaly_detection.playback import Step
from harness.errors import CandidateBrokeProtocol
from harness.runtime.process import Process, ingest_timeout_s
from harness.runtime.trial import Trial, Undecided

_REQUESTS_BETWEEN_BUDGET_CHECKS = 8


class Detector:
    """A process and what was seen of it. Time is the stream's: the wall clock is moved before each request.

    `alerts` are in the order in which they came; `newest_ms` is the newest log or tick handed over so far. `held` says that
    its start and each reply played came before the hold of its wall clock ran out, so that what it read of that clock up to
    its last reply is the same in every such run of the same steps.
    """

    def __init__(self, trial: Trial, process: Process) -> None:
        self._trial = trial
        self.process = process
        self.declared: Declared = read_declared(process.declared)
        self.held = process.wall_holds()
        self._forget()

    @classmethod
    def start(cls, trial: Trial, wall_ms: int) -> Detector:
        """A fresh process whose clock stands at `wall_ms`. Raises CandidateFailure."""
        return cls(trial, trial.start(wall_ms=wall_ms))

    def _forget(self) -> None:
        self.alerts: list[SeenAlert] = []
        self.newest_ms = 0
        self._newest_log_ms = 0
        self._kinds: set[str] = set()
        self._requests = 0

    def reset(self, wall_ms: int) -> None:
        """Makes the candidate forget everything (capability `reset`), its clock at `wall_ms`. Raises RpcError."""
        self.process.set_wall_ms(wall_ms)
        self.process.request("reset", {}, now_ms=wall_ms)
        self._forget()

    def take_alerts(self) -> list[SeenAlert]:
        """The alerts so far, which are then no longer kept here."""
        taken, self.alerts = self.alerts, []
        return taken

    def close(self) -> None:
        """Ends the process."""
        self.process.close()

    def play(self, steps: Iterable[Step], *, until: Callable[[SeenAlert], bool] | None = None) -> bool:
        """Hands over all steps, or those up to an alert for which `until` holds; True if one did.

        Raises CandidateFailure, RpcError, and Undecided when the requirement's time is used up.
        """
        for step in steps:
            self._check_budget()
            new = self._play_one(step)
            self._note_hold()
            if new and until is not None and any(until(alert) for alert in new):
                return True
        return False

    def _play_one(self, step: Step) -> list[SeenAlert]:
        process, now_ms = self.process, step.now_ms
        process.set_wall_ms(now_ms)
        self.newest_ms = max(self.newest_ms, now_ms)
        if step.logs:
            self._newest_log_ms = max(self._newest_log_ms, now_ms)
            result = process.request_raw("ingest", step.params, timeout_s=ingest_timeout_s(step.logs))
            check_counts(result, step.logs)
        else:
            result = process.request_raw("tick", step.params)
        return self._take(result, by_tick=not step.logs) if result.get("alerts") != [] else []

    def ingest_json(self, logs_json: bytes, logs: int, now_ms: int) -> list[SeenAlert]:
        """Hands over logs given as the inside of a JSON list, whatever they are; the stream's time is `now_ms`."""
        params = b'{"now_ms":%d,"logs":[%b]}' % (now_ms, logs_json)
        self.process.set_wall_ms(now_ms)
        self.newest_ms = max(self.newest_ms, now_ms)
        result = self.process.request_raw("ingest", params, timeout_s=ingest_timeout_s(logs))
        check_counts(result, logs)
        return self._take(result, by_tick=False)

    def _take(self, result: dict[str, Any], *, by_tick: bool) -> list[SeenAlert]:
        raws = result.get("alerts", [] if by_tick else None)
        if not isinstance(raws, list):
            what = "tick" if by_tick else "ingest"
            raise CandidateBrokeProtocol(f"the result of '{what}' needs 'alerts' as a list; it had {raws!r:.120}")
        new = [read_alert(raw, self.newest_ms, by_tick=by_tick) for raw in raws]
        for alert in new:
            check_lag(alert, self._newest_log_ms, self.declared.lag_ms)
            self._kinds.add(alert.kind)
        if len(self._kinds) > MOST_KINDS:
            raise CandidateBrokeProtocol(f"alerts may have {MOST_KINDS} kinds in all; there were {sorted(self._kinds)!r:.200}")
        self.alerts += new
        return new

    def _note_hold(self) -> None:
        self.held = self.held and self.process.wall_holds()

    def _check_budget(self) -> None:
        self._requests += 1
        if self._requests % _REQUESTS_BETWEEN_BUDGET_CHECKS == 0 and self._trial.over_budget():
            raise Undecided(
                "the candidate is too slow for the planned traffic: the requirement's time was used up before it was decided"
            )
