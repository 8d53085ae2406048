"""Which results no other beats."""

from __future__ import annotations

from harness.report.pictures import charts, front
from harness.report.summary import summary


def test_the_front_holds_those_that_none_beats() -> None:
    points = [("dear", 3.0, 60.0), ("cheap", 1.0, 40.0), ("beaten", 2.0, 39.0), ("same", 1.0, 40.0), ("worse", 1.0, 10.0)]
    assert [name for name, _, _ in front(points)] == ["cheap", "same", "dear"]
    assert front([]) == []


def test_score_is_drawn_against_cost_and_time_where_they_are_known() -> None:
    known = {"score": 50.0, "cost": {"recomputed_usd": 2.0, "wall_seconds": 600}}
    drawn = charts(["a", "b"], [known, {"score": 10.0}], [{}, {}])
    assert [chart.title for chart in drawn] == ["Score against cost", "Score against time"]
    assert all("of 1 results. None beats a in both." in chart.description for chart in drawn)
    rows = {
        row.name: [cell.text for cell in row.cells] for row in summary([known, {"score": 0.0, "cost": {"reported_usd": 1.0}}])
    }
    assert rows["Cost per point"] == ["$0.0400", "no point was scored"]
