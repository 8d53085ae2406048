"""The geometry of timelines: places, downsampling, odd input."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from harness.report import timeline


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.]+),([-\d.]+)", path)]


def test_ten_thousand_points_are_downsampled_and_the_spike_stays() -> None:
    values = [1.0] * 10_000
    values[7_777] = 500.0
    view = timeline.build({"t_s": list(range(10_000)), "series": [{"label": "a", "values": values}]})
    drawn = points(view.panels[0].path)
    assert len(drawn) <= timeline.MAX_POINTS + 2
    assert min(y for _, y in drawn) == 0.0  # the top of the panel


def test_downsampling_keeps_order_and_extremes_of_each_stretch() -> None:
    source = [(float(i), math.sin(i / 50) * i) for i in range(5_000)]
    kept = timeline.downsample(source, 100)
    assert len(kept) <= 100
    assert kept == sorted(kept, key=lambda point: point[0] or 0.0)
    assert set(kept) <= set(source)
    assert max(v for _, v in kept if v is not None) == max(v for _, v in source)
    assert timeline.downsample(source[:100], 100) == source[:100]


def test_marks_and_bands_lie_where_they_belong() -> None:
    view = timeline.build(
        {
            "t_s": [0, 100, 200],
            "series": [{"label": "a", "values": [0, 50, 100]}],
            "truth": [{"from_s": 50, "to_s": 100, "label": "step"}],
            "events": [{"t_s": 150, "label": "b"}, {"t_s": 60, "label": "a", "onset": True, "detail": "d"}],
        }
    )
    assert [(band.left, band.width, band.span) for band in view.lanes[0].bands] == [(25.0, 25.0, "50–100 s")]
    assert [mark.at for mark in view.marks] == [30.0]
    assert view.raw_path == "M750,30V70"
    assert [row.time for row in view.listed] == ["60", "150"]
    assert "2 alerts, 1 of them onset at 60 s" in view.description


def test_a_missing_value_interrupts_the_area() -> None:
    view = timeline.build({"t_s": [0, 1, 2, 3], "series": [{"label": "a", "values": [1, None, float("nan"), 2]}]})
    assert view.panels[0].path.count("Z") == 2


def test_bands_outside_the_stream_end_at_its_edge() -> None:
    view = timeline.build({"t_s": [0, 10], "series": [], "allowed": [{"from_s": 5, "to_s": 1e9, "label": ""}]})
    assert (view.lanes[0].bands[0].left, view.lanes[0].bands[0].width) == (50.0, 50.0)


def test_floods_are_bounded_and_said() -> None:
    events = [{"t_s": i, "label": "a", "onset": True} for i in range(5_000)]
    view = timeline.build({"t_s": [0, 5_000], "series": [{"label": "s", "values": [1, 1]}] * 50, "events": events})
    assert len(view.marks) == timeline.MAX_ONSETS
    assert len(view.listed) == timeline.MAX_LISTED
    assert len(view.panels) == timeline.MAX_PANELS
    assert view.notes == ["Drawn: the first 6 of 50 series.", "Drawn: the first 60 of 5,000 onsets."]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"t_s": [], "series": [], "events": []},
        {"t_s": [5], "series": [{"label": "a", "values": [3]}]},
        {"t_s": "abc", "series": "abc", "truth": {}, "events": 3},
        {"t_s": [None, "x", True], "series": [{"values": [1e308, -1e308, 10**400]}]},
        {"t_s": [0, 1], "series": [{"values": [5e-324, 0]}]},
        {"t_s": [0, 1], "series": [{"values": [-1e308, 1e308]}]},
        {"t_s": [-1e308, 1e308], "series": [{"values": [1, 2]}]},
        {"t_s": [0, 5e-324], "series": [{"values": [0, 0]}]},
        {"t_s": [1e18, 1e18 + 1], "series": [{"values": [1, 2]}], "events": [{"t_s": 1e18}, {"t_s": "x"}, None]},
        {"truth": [{"from_s": 3, "to_s": 1}, {"from_s": 1}, "x"], "t_s": [0, 1]},
    ],
)
def test_odd_evidence_still_has_finite_geometry(odd: dict[str, Any]) -> None:
    view = timeline.build(odd)
    assert "nan" not in repr(view) and "inf" not in repr(view)
    assert view.height > 0 and len(view.ticks) <= 12


@pytest.mark.parametrize(("span", "about", "step"), [(100, 2, 50), (7, 10, 1), (0.9, 2, 0.5), (0, 5, 1), (1200, 10, 200)])
def test_nice_step(span: float, about: int, step: float) -> None:
    assert timeline.nice_step(span, about) == pytest.approx(step)
