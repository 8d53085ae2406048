"""A detector that also keeps the counts of what was accepted, and whose batches may hold logs of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from challenges.anomaly_detection.alerts import check_counts
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.playback import Step
from harness.runtime.process import ingest_timeout_s

_LOGS = b'"logs":['


class CountingDetector(Detector):
    """Plays steps one by one with other logs strewn among theirs."""

    def hand_over(self, logs: Sequence[bytes], now_ms: int) -> int:
        """One batch of logs given as JSON; how many of them were accepted.

        Raises CandidateFailure, and RpcError for an error in place of the counts.
        """
        params = b'{"now_ms":%d,"logs":[%b]}' % (now_ms, b",".join(logs))
        self.process.set_wall_ms(now_ms)
        self.newest_ms = max(self.newest_ms, now_ms)
        self._newest_log_ms = max(self._newest_log_ms, now_ms)
        result = self.process.request_raw("ingest", params, timeout_s=ingest_timeout_s(len(logs)))
        self._note_hold()
        accepted, _ = check_counts(result, len(logs))
        self._take(result, by_tick=False)
        return accepted

    def play_strewn(self, step: Step, strewn: Callable[[int], Sequence[bytes]], rng: np.random.Generator) -> int:
        """One step, a batch with `strewn(now_ms)` at places that `rng` chooses; how many logs were accepted."""
        if not step.logs:
            self.play([step])
            return 0
        logs = split_logs(step)
        for log in strewn(step.now_ms):
            logs.insert(int(rng.integers(0, len(logs) + 1)), log)
        self._check_budget()
        return self.hand_over(logs, step.now_ms)


def split_logs(step: Step) -> list[bytes]:
    """The logs of a batch, each as JSON. None of their fields holds an object, so that each begins with its time."""
    inside = step.params[step.params.index(_LOGS) + len(_LOGS) : -2]
    first, *rest = inside.split(b',{"ts_ms":')
    return [first, *(b'{"ts_ms":' + log for log in rest)]
