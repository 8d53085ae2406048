"""Streaming detection of error-share anomalies, per service, in stream time.

detector = Detector()
detector.observe(ts_ms, "checkout", is_error=True)
detector.take_alerts()
"""

from reference_impl.detector.alerts import Alert
from reference_impl.detector.clock import BUCKET_MS, LATENESS_MS
from reference_impl.detector.detector import Detector, LogRow, Tally, weight_of
from reference_impl.detector.series import WARMUP_S
from reference_impl.detector.snapshot import SnapshotError, dump, load

WARMUP_MS = WARMUP_S * 1000

__all__ = [
    "BUCKET_MS",
    "LATENESS_MS",
    "WARMUP_MS",
    "Alert",
    "Detector",
    "LogRow",
    "SnapshotError",
    "Tally",
    "dump",
    "load",
    "weight_of",
]
