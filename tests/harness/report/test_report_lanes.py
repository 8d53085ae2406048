"""Lanes: what is where on the broken axis, labels that never touch, limits, odd and hostile evidence."""

from __future__ import annotations

import random
import re
from itertools import combinations, pairwise
from typing import Any

import pytest

from harness.report import broken_axis, lane_input, lane_shapes, lanes, one_lane, page
from harness.report.packing import Tiers, brief, text_px

WIDTH = lanes.PLOT_PX


def picture(**changes: Any) -> dict[str, Any]:
    """p0 and p1 each send a page within one window; p0 is paused in between."""
    return {
        "kind": "lanes",
        "title": "twice",
        "unit": "ms",
        "caption": "a caption",
        "lanes": [{"name": "p0", "note": "clock +3 s"}, {"name": "p1"}, {"name": "store"}],
        "marks": [
            {"lane": "p0", "at": 0, "glyph": "offer", "label": "offer e1", "detail": "the first"},
            {"lane": "p0", "at": 100, "glyph": "emit", "label": "emit a1", "strong": True},
            {"lane": "p1", "at": 60, "glyph": "emit", "label": "emit b2", "strong": True},
        ],
        "spans": [
            {"lane": "p0", "from": 0, "to": 100, "tone": "work"},
            {"lane": "p0", "from": 20, "to": 90, "tone": "paused"},
            {"lane": "store", "from": 5, "to": 8, "tone": "trip", "label": "SET x"},
        ],
        "links": [
            {"lane": "p0", "from": 4, "to_lane": "store", "to": 5, "tone": "ask", "label": "SET x"},
            {"lane": "store", "from": 8, "to_lane": "p0", "to": 10, "tone": "answer", "broken": True},
        ],
        "shaded": {"from": 60, "to": 100, "label": "40 ms apart"},
    } | changes


def marks(times: list[float], lane: str = "p0", **more: Any) -> list[dict[str, Any]]:
    return [{"lane": lane, "at": at, "glyph": "offer", "label": f"offer e{i}", **more} for i, at in enumerate(times)]


def crowd(seed: int) -> dict[str, Any]:
    """A hundred marks in clusters, on two lanes."""
    rng = random.Random(seed)
    times: list[float] = []
    for i in range(100):
        idle = {40: 5_000.0, 70: 40_000.0}.get(i, 0.0)
        times.append((times[-1] if times else 0.0) + idle + rng.choice([0.01, 0.4, 3, 30]) * rng.random())
    rows = [
        {"lane": rng.choice(["p0", "p1"]), "at": at, "glyph": "emit", "label": "x" * rng.randrange(1, 40), "strong": i % 9 == 0}
        for i, at in enumerate(times)
    ]
    return picture(marks=rows, links=[], spans=[], shaded=None)


# -- the axis --------------------------------------------------------------------------------------------------------------------


def test_an_idle_gap_is_left_out_and_both_sides_keep_their_scale() -> None:
    axis = broken_axis.build([0, 2, 5, 5000, 5003], WIDTH)
    assert [one.skipped for one in axis.breaks] == [4995]
    assert axis.x(2) - axis.x(0) == pytest.approx(2 * axis.scale, abs=0.02)
    assert axis.x(5003) - axis.x(5000) == pytest.approx(3 * axis.scale, abs=0.02)
    assert axis.x(5000) > axis.breaks[0].right_px > axis.breaks[0].left_px > axis.x(5)


@pytest.mark.parametrize("edges", [[0, 2, 5], [0, 45_000, 90_000], [i * 300.0 for i in range(300)], [0, 100_000], [7]])
def test_no_break_where_it_buys_no_room(edges: list[float]) -> None:
    assert broken_axis.build(edges, WIDTH).breaks == []


def test_ninety_seconds_with_three_busy_moments_show_each_of_them() -> None:
    edges = [base + step for base in (0.0, 30_000.0, 89_990.0) for step in (0.0, 1.0, 4.0, 10.0)]
    axis = broken_axis.build(edges, WIDTH)
    assert [round(one.skipped) for one in axis.breaks] == [29_990, 59_980]
    assert min(axis.x(b) - axis.x(a) for a, b in pairwise(edges)) > 15


def test_a_tick_stands_where_it_says() -> None:
    axis = broken_axis.build([0, 2, 5, 5000.3, 5003], WIDTH)
    for x, text in axis.ticks():
        assert axis.x(float(text.replace(",", ""))) == pytest.approx(x, abs=0.5)
    for one in axis.segments:
        assert any(one.left_px <= x <= one.right_px for x, _ in axis.ticks())


@pytest.mark.parametrize("seed", range(30))
def test_places_are_in_order_and_within_the_width(seed: int) -> None:
    rng = random.Random(seed)
    edges = sorted(rng.choice([0.001, 1, 1e3, 1e5, 1e15]) * rng.random() for _ in range(rng.randrange(1, 40)))
    axis = broken_axis.build(edges, WIDTH)
    places = [axis.x(edge) for edge in edges]
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= WIDTH
    assert len(axis.breaks) <= broken_axis.MAX_BREAKS
    ends = [edge for one in axis.segments for edge in (one.left_px, one.right_px)]
    assert ends == sorted(ends) and ends[0] == 0 and ends[-1] == pytest.approx(WIDTH)
    texts = sorted((x - text_px(text) / 2, x + text_px(text) / 2) for x, text in axis.ticks())
    assert all(a[1] <= b[0] for a, b in pairwise(texts))


# -- labels ----------------------------------------------------------------------------------------------------------------------


def boxes(view: lanes.Lanes) -> list[tuple[float, float, float]]:
    """(y, left, right) of every text in the lanes."""
    found = []
    for text in view.texts:
        width = text_px(text.text, bold=text.strong)
        left = text.x - width / 2 if text.middle else text.x
        found.append((text.y, left, left + width))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_labels_never_touch_each_other_nor_a_break(seed: int) -> None:
    view = lanes.build(crowd(seed))
    assert view.key and view.breaks
    for (y1, left1, right1), (y2, left2, right2) in combinations(boxes(view), 2):
        assert abs(y1 - y2) >= 10 or right1 <= left2 or right2 <= left1
    labels = [text for text in view.texts if not text.middle]
    for text, one in [(text, one) for text in labels for one in view.breaks]:
        right = text.x + text_px(text.text, bold=text.strong)
        assert right <= one.x or text.x >= one.x + one.width


@pytest.mark.parametrize("seed", range(12))
def test_no_leader_crosses_a_label(seed: int) -> None:
    view = lanes.build(crowd(seed))
    leaders = [tuple(map(float, found)) for found in re.findall(r"M([-\d.]+),([-\d.]+)V([-\d.]+)", view.leaders)]
    assert len(leaders) > 10
    for x, low, high in leaders:
        for text in view.texts:
            if not text.middle and high < text.y < low:
                assert not text.x <= x <= text.x + text_px(text.text, bold=text.strong)


@pytest.mark.parametrize("seed", range(12))
def test_what_has_no_label_has_a_number_and_is_listed(seed: int) -> None:
    evidence = crowd(seed)
    view = lanes.build(evidence)
    labels = [text for text in view.texts if not text.middle]
    assert len(labels) + view.key_count == len(evidence["marks"])
    numbered: dict[float, set[int]] = {}
    for text in view.texts:
        if text.middle:
            first, _, last = text.text.partition("–")
            numbered.setdefault(text.y, set()).update(range(int(first), int(last or first) + 1))
    under = {lane.name: numbered.get(lane.base + 19, set()) for lane in view.lanes}
    assert all(row.number in under[row.lane] for row in view.key)


def test_what_the_picture_is_about_is_labelled_before_anything_else() -> None:
    one = {"lane": "p0", "at": 100.3, "glyph": "emit", "label": "emit the one", "strong": True}
    crowded = [*marks([100 + i / 100 for i in range(60)]), one]
    view = lanes.build(picture(marks=crowded, links=[], shaded=None))
    assert [text.text for text in view.texts if text.strong] == ["emit the one"]
    assert view.glyphs[-1].strong  # and its glyph lies on top


def test_a_label_lies_over_its_place_or_there_is_none() -> None:
    tiers = Tiers(2, 0, 100)
    assert tiers.place(10, 40) == (0, 5)
    assert tiers.place(95, 40) == (0, 60)
    assert tiers.place(50, 120) is None


def test_a_long_label_is_clipped_as_it_is_shown() -> None:
    assert brief("\u202e" * 100, 20) == "⟨U+202E⟩⟨U+202E⟩⟨U+…"
    assert brief("a\n b", 20) == "a b"
    assert brief("x" * 20, 20) == "x" * 20


# -- the picture -----------------------------------------------------------------------------------------------------------------


def test_everything_lies_where_it_belongs() -> None:
    view = lanes.build(picture())
    assert [(lane.name, lane.note) for lane in view.lanes] == [("p0", "clock +3 s"), ("p1", ""), ("store", "")]
    p0, p1, store = view.lanes
    at = {glyph.tip.split("  ")[0]: glyph for glyph in view.glyphs}
    assert at["0 ms"].y == at["100 ms"].y == p0.base and at["60 ms"].y == p1.base
    assert at["0 ms"].glyph is lane_shapes.GLYPHS["offer"] and not at["0 ms"].strong and at["60 ms"].strong
    assert view.shade is not None
    assert (view.shade.x, view.shade.x + view.shade.width) == pytest.approx((at["60 ms"].x, at["100 ms"].x))
    trip = next(box for box in view.boxes if box.tone == "trip")
    assert trip.y < store.base < trip.y + trip.height
    paused = next(box for box in view.fills if box.tone == "paused")
    assert paused.hatch and p0.top < paused.y and paused.y + paused.height < p1.top


def test_a_link_arrives_or_ends_on_its_own_lane() -> None:
    view = lanes.build(picture())
    asked, cut = view.links
    ends = [float(y) for _, y in re.findall(r"([-\d.]+),([-\d.]+)", asked.path)]
    assert ends[0] == pytest.approx(view.lanes[0].base, abs=0.1) and ends[1] == pytest.approx(view.lanes[2].base, abs=6)
    assert asked.head and not asked.cross
    ends = [float(y) for _, y in re.findall(r"([-\d.]+),([-\d.]+)", cut.path)]
    assert view.lanes[2].top <= ends[1] < ends[0] and cut.cross and not cut.head


def test_the_picture_in_words() -> None:
    view = lanes.build(picture())
    assert "Lanes: p0, p1, store." in view.description
    assert "Shaded: 60–100 ms, 40 ms apart." in view.description
    assert "emit b2 on p1 at 60." in view.description and "offer" not in view.description
    assert [(row.at, row.lane, row.label) for row in view.rows if row.strong] == [
        ("60", "p1", "emit b2"),
        ("100", "p0", "emit a1"),
    ]
    assert ("20–90", "p0", "paused") in [(row.at, row.lane, row.label) for row in view.rows]


def test_glyphs_differ_in_shape_and_bars_in_more_than_colour() -> None:
    paths = [glyph.path for glyph in lane_shapes.GLYPHS.values()]
    assert len(set(paths)) == len(paths)
    hatches = [one_lane._hatch(0, 0, 60, 40, slanted=slanted) for slanted in (True, False)]
    assert "L" in hatches[0] and "V" in hatches[1]


def test_a_hatch_stays_in_its_rectangle() -> None:
    places = [float(n) for n in re.findall(r"[-\d.]+", one_lane._hatch(10, 20, 100, 60, slanted=True))]
    assert min(places[0::2]) >= 10 and max(places[0::2]) <= 100
    assert min(places[1::2]) >= 20 and max(places[1::2]) <= 60


def test_a_shaded_moment_is_still_seen() -> None:
    view = lanes.build(picture(shaded={"from": 60, "to": 60, "label": "here"}))
    assert view.shade is not None and view.shade.width >= 1
    assert 0 < view.shade.label_x < WIDTH


def test_floods_are_bounded_and_said_and_what_matters_stays() -> None:
    many = marks([float(i) for i in range(2_000)])
    many[5]["strong"] = True
    spans = [{"lane": "p1", "from": i, "to": i + 0.5, "tone": "work"} for i in range(900)]
    links = [{"lane": "p0", "from": i, "to_lane": "store", "to": i + 0.1} for i in range(900)]
    lanes_ = [{"name": name} for name in ("p0", "p1", "store")] + [{"name": f"x{i}"} for i in range(40)]
    shaded = {"from": 1500, "to": 1510, "label": "here"}
    view = lanes.build(picture(marks=many, spans=spans, links=links, lanes=lanes_, shaded=shaded))
    assert (len(view.glyphs), len(view.boxes), len(view.links)) == (
        lane_input.MAX_MARKS,
        lane_input.MAX_SPANS,
        lane_input.MAX_LINKS,
    )
    assert len(view.lanes) == lane_input.MAX_LANES and len(view.rows) == lanes.MAX_ROWS and len(view.key) == lanes.MAX_KEY
    assert [glyph.tip.split(" ms")[0] for glyph in view.glyphs if glyph.strong] == ["5"]
    assert any(row.strong for row in view.rows)
    others = [float(glyph.tip.split(" ms")[0].replace(",", "")) for glyph in view.glyphs if not glyph.strong]
    assert min(others) > 1300 and max(others) < 1700
    assert [note.split(" lanes")[0].split(",")[0] for note in view.notes] == [
        "Drawn: the first 12 of 43",
        "Drawn: 300 of 2",
        "Drawn: 160 of 900 spans",
        "Drawn: 240 of 900 links",
    ]


def test_what_names_no_lane_or_no_time_is_left_out_and_counted() -> None:
    odd = [{"lane": "p9", "at": 1}, {"lane": "p0"}, {"lane": "p0", "at": float("nan")}, {"lane": "p0", "at": 1}]
    view = lanes.build(picture(marks=odd))
    assert len(view.glyphs) == 1
    assert view.notes == ["Left out: 3 marks that name no lane or no time."]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"lanes": "p0", "marks": "x", "spans": 3, "links": {}, "shaded": [], "notes": "n"},
        {"lanes": [{}, {"name": None}, {"name": "a"}, {"name": "a"}, 7], "marks": [{"lane": "", "at": 0}, None]},
        {"lanes": [{"name": "a"}], "marks": [{"lane": "a", "at": t} for t in (1e308, -1e308, 10**400, True, "3")]},
        {"lanes": [{"name": "a"}], "marks": [{"lane": "a", "at": t} for t in (0, 5e-324, 1e-12)]},
        {"lanes": [{"name": "a"}], "marks": [{"lane": "a", "at": t} for t in (1e15, 1e15 + 1, 1e15 + 2)]},
        {"lanes": [{"name": "a"}], "spans": [{"lane": "a", "from": 3, "to": 1}, {"lane": "a", "from": 1, "to": 1}]},
        {"lanes": [{"name": "a"}], "spans": [{"lane": "a", "from": 0, "to": 1e9, "tone": t} for t in ("down", "x", None)]},
        {"lanes": [{"name": "a"}], "links": [{"lane": "a", "to_lane": "a", "from": 0, "to": 1}]},
        {"shaded": {"from": 1, "to": 0}, "lanes": [{"name": "a"}]},
    ],
)
def test_odd_evidence_still_has_finite_geometry(odd: dict[str, Any]) -> None:
    view = lanes.build(odd)
    assert "nan" not in repr(view) and "inf" not in repr(view)
    assert view.height > 0 and view.ticks
    assert "<svg" in page.render({"requirements": [{"id": "A", "outcome": "fail", "evidence": [odd | {"kind": "lanes"}]}]})


def test_the_page_draws_it_with_a_label_for_those_who_do_not_see_it() -> None:
    html = page.render({"requirements": [{"id": "A", "outcome": "fail", "evidence": [picture()]}]})
    assert 'role="img" aria-label="twice. Lanes: p0, p1, store. Shaded: 60–100 ms' in html
    assert html.count('<g class="glyph page full" transform=') == 2
    assert html.count('<circle class="ring"') == 2
    assert '<rect class="box trip"' in html and '<rect class="shade"' in html
    assert "<summary>The same as text</summary>" in html
    assert "url(" not in html
    classes = set(" ".join(re.findall(r'<(?:g|rect|path|text|circle) class="([^"]*)"', html)).split())
    style = html[: html.index("</style>")]
    unstyled = {name for name in classes if f".{name}" not in style}
    assert unstyled <= {"tick", "names", "field"}
