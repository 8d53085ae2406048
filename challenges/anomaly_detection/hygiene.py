"""Numbers and texts that no operator should be sent: what is not finite, and ratios beyond reason. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from challenges.anomaly_detection.alerts import NON_FINITE, SeenAlert

MOST_RATIO = 10_000.0
# `nan` and `inf` are what Python prints, `NaN` and `Infinity` what JavaScript does. Inside a longer word they are harmless.
_NOT_FINITE_WORD = re.compile(r"(?<![\w.])[-+]?(?:nan|inf|infinity)(?=x?(?!\w))|[-+]?\u221e", re.IGNORECASE)
_NUMBER = r"(?P<number>\d[\d,_']*(?:\.\d+)?(?:[eE][-+]?\d+)?)"
# A factor, or the same as a percentage; `0x1F` and `1920x1080` are no ratios.
_RATIO = re.compile(rf"(?<![\w.]){_NUMBER}\s*(?:(?P<times>[xX×](?![\w.]))|(?P<percent>%))")


def text_faults(text: str) -> list[str]:
    """What is wrong with a message, one phrase each."""
    faults = [f"says {found.group().strip()!r}" for found in _NOT_FINITE_WORD.finditer(text)]
    for found in _RATIO.finditer(text):
        value = float(re.sub(r"[,_']", "", found["number"]))
        ratio = value / 100 if found["percent"] else value
        if ratio > MOST_RATIO:
            faults.append(f"shows a ratio beyond 10,000: {found.group()!r}")
    return faults


def faults(alert: SeenAlert) -> list[str]:
    """What is wrong with an alert's score and message, one phrase each."""
    wrong = [f"has the score {alert.score}"] if alert.score in NON_FINITE else []
    return wrong + [f"has a message that {fault}" for fault in text_faults(alert.message)]


def first_faulty(alerts: Iterable[SeenAlert]) -> tuple[SeenAlert, list[str]] | None:
    """The first alert with a fault, and its faults."""
    return next(((alert, found) for alert in alerts if (found := faults(alert))), None)
