"""Alerts as the protocol wants them: finite numbers, a severity, a sentence."""

from typing import Literal

import msgspec

Severity = Literal["low", "medium", "high", "critical"]
Kind = Literal["error_rate", "rate_of_change"]

SHARE_FLOOR = 0.001
"""Error shares are not told apart below this: a ratio to a baseline of zero has no meaning."""
MAX_RATIO = 10_000.0
MAX_SCORE = 1000.0


class Alert(msgspec.Struct, frozen=True, order=True):
    """One alert; `ts_ms` is stream time."""

    ts_ms: int
    service: str
    kind: Kind
    severity: Severity
    score: float
    message: str


class Finding(msgspec.Struct, frozen=True):
    """What a series found in the bucket just closed, before it is given a time and a service."""

    kind: Kind
    score: float
    window_s: int
    share: float
    base_share: float


def ratio(share: float, base_share: float) -> float:
    """`share` as a multiple of `base_share`, the latter floored; at most `MAX_RATIO`."""
    return min(MAX_RATIO, share / max(base_share, SHARE_FLOOR))


def severity(share: float, base_share: float) -> Severity:
    """Severity by effect: extra share of errors, and its multiple of the baseline."""
    extra = share - base_share
    times = ratio(share, base_share)
    if extra >= 0.4:
        return "critical"
    if extra >= 0.15 or (times >= 10 and extra >= 0.03):
        return "high"
    return "medium" if extra >= 0.03 or times >= 3 else "low"


def alert(finding: Finding, service: str, ts_ms: int) -> Alert:
    """The alert for a finding in `service`, dated `ts_ms`."""
    times = ratio(finding.share, finding.base_share)
    what = "error share jumped to" if finding.kind == "rate_of_change" else "error share"
    message = f"{what} {finding.share:.2%} over {finding.window_s} s, learned level {finding.base_share:.2%} ({times:.1f}x)"
    grade = severity(finding.share, finding.base_share)
    score = round(min(finding.score, MAX_SCORE), 3)
    return Alert(ts_ms, service, finding.kind, grade, score, message)
