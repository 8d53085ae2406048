"""How surprising a window's error share is, given a baseline that is itself an estimate."""

from math import log, sqrt


def _term(observed: float, expected: float) -> float:
    return observed * log(observed / expected) if observed > 0 else 0.0


def root_deviance(errors: float, logs: float, base_errors: float, base_logs: float) -> float:
    """Signed root of the deviance (G statistic) between two binomial samples, about N(0, 1) if they agree.

    Positive where the window's share of errors is the higher one. Both samples are taken as estimates of one
    pooled share, so a baseline of few logs makes for a small value. 0.0 if a sample is empty.
    """
    if logs <= 0 or base_logs <= 0:
        return 0.0
    pooled = (errors + base_errors) / (logs + base_logs)
    if pooled <= 0 or pooled >= 1:
        return 0.0
    rest = 1 - pooled
    half = (
        _term(errors, logs * pooled)
        + _term(logs - errors, logs * rest)
        + _term(base_errors, base_logs * pooled)
        + _term(base_logs - base_errors, base_logs * rest)
    )
    root = sqrt(max(0.0, 2 * half))
    return root if errors * base_logs >= base_errors * logs else -root
