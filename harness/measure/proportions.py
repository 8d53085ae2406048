"""Exact bounds on a proportion that was estimated from few trials (Clopper and Pearson, 1934). Pure."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

_STEPS = 60  # bisection: more than a double can tell apart


def upper_bound(hits: int, trials: int, confidence: float = 0.95) -> float:
    """The largest proportion that is still compatible with `hits` of `trials`, one-sided; 1.0 without a trial.

    Raises ValueError unless 0 <= hits <= trials and 0 < confidence < 1.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"hits lie in 0..{trials}; there were {hits}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"a confidence lies between 0 and 1; it was {confidence!r}")
    if hits == trials:
        return 1.0
    low, high = hits / trials, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(hits, trials, middle) > 1.0 - confidence else (low, middle)
    return high


def at_most(hits: int, trials: int, proportion: float) -> float:
    """The probability of at most `hits` in `trials` (binomial)."""
    if proportion <= 0.0:
        return 1.0
    if proportion >= 1.0:
        return float(hits >= trials)
    return min(1.0, sum(exp(_log_term(k, trials, proportion)) for k in range(hits + 1)))


def _log_term(k: int, n: int, p: float) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p)
