"""Charts: drawn from numbers, whatever else the evidence holds."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from harness.report import page
from harness.report.charts import charts

HOSTILE = "</svg><script>alert(1)</script>"


def latency() -> dict[str, Any]:
    return {
        "kind": "latency",
        "title": f"Latency {HOSTILE}",
        "budget_ms": 10,
        "figures": {"rate": HOSTILE, "p99": 3.5},
        "curves": [
            {"name": "candidate", "nines": [0, 1, 2, 3], "ms": [0.1, 0.2, 4, 1400]},
            {"name": "no-op", "nines": [0, 1, 2, 3], "ms": [0.1, 0.1, 0.2, 0.4]},
            {"name": HOSTILE, "nines": [0, 1], "ms": [1, 2]},
        ],
        "over_time": {"s": [0.0, 0.25, 0.5], "p50": [0.1, None, 0.2], "max": [1, 2, 1400]},
    }


def test_a_percentile_curve_and_one_over_time() -> None:
    curve, time = charts(latency())
    for chart in (curve, time):
        root = ET.fromstring(chart.svg)
        assert root.tag.endswith("svg")
        assert "<script" not in chart.svg and "currentColor" in chart.svg
    assert "99.9 %" in curve.svg and "no-op" in curve.svg
    assert "median" in time.svg


@pytest.mark.parametrize(
    "piece",
    [
        {},
        {"kind": "latency"},
        {"kind": "latency", "curves": "x", "over_time": [1]},
        {"kind": "latency", "curves": [{"name": "candidate", "nines": [0, "1"], "ms": ["0", None]}, 7]},
        {"kind": "memory", "lines": [{"name": "candidate", "logs": [math.nan, math.inf], "mib": [1, 2]}]},
        {"kind": "memory", "lines": [{"name": HOSTILE, "logs": [1, 2], "mib": [1, 2]}]},
    ],
)
def test_what_is_no_number_is_not_drawn(piece: dict[str, Any]) -> None:
    assert charts(piece) == []


def test_memory_is_a_line_over_logs_and_long_ones_are_thinned() -> None:
    many = {"name": "candidate", "logs": list(range(5000)), "mib": [20.0] * 5000}
    (chart,) = charts({"kind": "memory", "title": "Memory", "lines": [many]})
    assert "MiB" in chart.svg and len(chart.svg) < 60_000


def test_the_page_shows_them_in_their_section_and_escapes_the_rest() -> None:
    result = {
        "candidate": {"id": "one"},
        "challenge": {"id": "c"},
        "verdict": "unknown",
        "requirements": [{"id": "AD-40", "title": "t", "dimension": "latency", "outcome": "inconclusive", "credit": 0}],
        "latency": {"AD-40": latency()["figures"]},
    }
    html = page.render(result, {"AD-40": [latency()]})
    assert html.count('class="evidence chart"') == 2
    assert "<script>alert" not in html
    ids = re.findall(r' id="([^"]*)"', html)
    assert len(ids) == len(set(ids)) and any("clip" in name for name in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", html)) <= set(ids)
    assert "see the section Latency" in html
