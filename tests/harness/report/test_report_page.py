"""The scorecard page: every outcome, every hostile string, bounded size, no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from harness.report import page

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</script><svg onload=alert(1)>",
    "</style></title></textarea></pre><b>",
    "]]><!--",
    "javascript:alert(1)",
    "{{ 7*7 }}{% include 'x' %}",
    "abc\u202edcba\u2066\u0000\x1b[31m\ud800\u200b",
)
OUTCOMES = ("pass", "fail", "candidate_error", "infra_error", "inconclusive", "not_offered", "planned")
VOID = {"meta", "br", "img", "link", "input"}


class Tree(HTMLParser):
    """Collects elements, attributes, ids and text, and checks that tags are balanced."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def parsed(html: str) -> Tree:
    tree = Tree()
    tree.feed(html)
    tree.close()
    assert tree.open == []
    return tree


def timeline(text: str = "alert", points: int = 120) -> dict[str, Any]:
    return {
        "kind": "timeline",
        "title": text,
        "t_s": list(range(points)),
        "series": [{"label": f"logs/s {text}", "values": [float(i % 7) for i in range(points)]}],
        "truth": [{"from_s": 50, "to_s": 80, "label": text}],
        "allowed": [{"from_s": 50, "to_s": 60, "label": text}],
        "events": [
            {"t_s": 55.25, "label": text, "onset": True, "detail": text},
            {"t_s": 57, "label": text, "onset": False, "detail": text},
        ],
        "unit": f"s of stream {text}",
    }


def lanes(text: str = "a", marks: int = 2) -> dict[str, Any]:
    return {
        "kind": "lanes",
        "title": text,
        "caption": text,
        "unit": text,
        "notes": [text],
        "lanes": [{"name": f"a{text}", "note": text}, {"name": f"b{text}", "note": text}],
        "marks": [
            {"lane": f"a{text}", "at": i * 100, "glyph": ["emit", text][i % 2], "label": text, "detail": text, "strong": i == 0}
            for i in range(marks)
        ],
        "spans": [
            {"lane": f"b{text}", "from": 10, "to": 90, "tone": tone, "label": text, "detail": text}
            for tone in ("trip", "down", text)
        ],
        "links": [{"lane": f"a{text}", "from": 0, "to_lane": f"b{text}", "to": 10, "tone": text, "label": text}],
        "shaded": {"from": 0, "to": 50, "label": text},
    }


def requirement(outcome: str, text: str, number: int = 1) -> dict[str, Any]:
    return {
        "id": f"XX-{number:02d}",
        "title": text,
        "text": text,
        "dimension": f"dimension {text}",
        "severity": text,
        "basis": "P",
        "outcome": outcome,
        "credit": 0.5,
        "summary": text,
        "witness": {"cases": [text], text: {"deep": [text, 1, None]}},
        "replay": f"harness replay {text}",
        "parts": [{"name": text, "severity": "major", "outcome": outcome, "credit": 0.1, "summary": text}],
        "evidence": [
            timeline(text),
            lanes(text),
            {"kind": "table", "title": text, "columns": [text, "n"], "rows": [[text, 1], [text, 2.5]]},
            {"kind": "text", "title": text, "text": text},
            {"kind": text, "title": text, "anything": text},
        ],
        "seconds": 1.25,
    }


def result(text: str = "plain", outcomes: tuple[str, ...] = OUTCOMES) -> dict[str, Any]:
    names = ("id", "model", "repo", "commit", "base", "subject", "date", "prompt")
    return {
        "schema": 1,
        "run_id": text,
        "candidate": dict.fromkeys(names, text) | {"repairs": [text], "notes": [text]},
        "challenge": {"id": text, "title": text, "version": text},
        "entry": text,
        "verdict": "reject",
        "verdict_reasons": [text, text],
        "score": 41.5,
        "as_asked": {"verdict": "harden", "score": None},
        "requirements": [requirement(outcome, text, i) for i, outcome in enumerate(outcomes)],
        "dimensions": [],
        "diff": {"files": [{"path": text, "added": 1}], text: text},
        "cost": {"input_tokens": 12_345, "source": text},
        "integration": {text: [text]},
        "faults": [{"kind": text}],
        "provenance": {"seed": 123456, "sandbox": "bwrap", "machine": {"cpu": text}, "partial": False, "seconds": 61.0},
    }


def shape(html: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Elements and attribute names: what must not depend on any text of the result."""
    tree = parsed(html)
    return tree.tags, [(tag, name) for tag, name, _ in tree.attributes]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_an_element_or_an_attribute(text: str) -> None:
    tags, names = shape(page.render(result("plain")))
    hostile_tags, hostile_names = shape(page.render(result(text), {}, [(text, "x.html")]))
    plain = page.render(result("plain"), {}, [("plain", "x.html")])
    assert (hostile_tags, hostile_names) == shape(plain)
    assert len(tags) + 2 == len(hostile_tags)  # the siblings' nav and its link
    assert not [name for _, name in names if name.startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_still_readable_as_text(text: str) -> None:
    tree = parsed(page.render(result(text)))
    shown = "".join(tree.text)
    assert (text if text.isprintable() else "abc⟨U+202E⟩dcba⟨U+2066⟩⟨U+0000⟩⟨U+001B⟩[31m⟨U+D800⟩⟨U+200B⟩") in shown
    assert tree.comments == []


@pytest.mark.parametrize("text", HOSTILE)
def test_scripts_and_links_hold_nothing_of_the_result(text: str) -> None:
    html = page.render(result(text), {}, [("bad", text), ("bad", "//evil.example/x"), ("bad", "data:text/html,x")])
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert scripts == [page.asset("page.js")]
    hrefs = [value for tag, name, value in parsed(html).attributes if tag == "a" and name == "href"]
    assert all(href.startswith("#") for href in hrefs)


def test_page_encodes_as_utf8_and_holds_no_control_characters() -> None:
    html = page.render(result("".join(HOSTILE)))
    html.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)


def test_policy_allows_the_inline_script_and_nothing_else() -> None:
    html = page.render(result())
    policy = next(v for t, n, v in parsed(html).attributes if t == "meta" and n == "content" and "default-src" in v)
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-inline'" not in policy.replace("style-src 'unsafe-inline'", "")


def test_page_refers_to_nothing_outside() -> None:
    html = page.render(result())
    tree = parsed(html)
    assert not {"link", "img", "iframe", "object", "embed", "form"} & set(tree.tags)
    assert not [value for _, name, value in tree.attributes if name in ("src", "srcset", "action", "xlink:href")]
    assert "@import" not in html and "url(" not in html


def test_every_outcome_is_named_and_failing_ones_are_open() -> None:
    html = page.render(result())
    cards = re.findall(r'<details class="requirement \w+" id="(XX-\d\d)"( open)?>', html)
    assert dict(cards) == {f"XX-{i:02d}": " open" if i in (1, 2) else "" for i in range(6)}
    for words in ("candidate error", "harness error", "inconclusive", "not offered", "planned"):
        assert words in html


def test_planned_are_listed_apart_and_said_to_be_outside_the_score() -> None:
    html = page.render(result())
    assert "outside verdict and score" in html
    assert re.search(r'<li id="XX-06">', html)
    assert "1 of 4</b> decided pass; 2 undecided; 1 planned" in html


def test_ids_are_unique_and_every_reference_has_its_target() -> None:
    raw = result()
    raw["requirements"] += [requirement("fail", "twice", 1), requirement("pass", "x", 2) | {"id": "main"}]
    attributes = parsed(page.render(raw)).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    named = [part for _, name, value in attributes if name == "aria-labelledby" for part in value.split()]
    links = [value[1:] for tag, name, value in attributes if tag == "a" and name == "href"]
    assert set(named + links) <= set(ids)


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        ({"partial": True}, ["Partial run"]),
        ({"store": "sqlite"}, ["Over a SQLite file"]),
        ({"sandbox": "none"}, ["No sandbox"]),
        ({"sandbox": {"level": "none"}, "partial": True}, ["Partial run", "No sandbox"]),
        ({}, []),
    ],
)
def test_what_weakens_a_result_is_marked_loudly(change: dict[str, Any], marks: list[str]) -> None:
    raw = result()
    raw["provenance"] |= change
    html = page.render(raw)
    assert [mark for mark in ("Partial run", "No sandbox", "Over a SQLite file") if mark in html] == marks
    assert html.count('class="alarm"') == 2 * len(marks)


def test_evidence_given_beside_the_result_replaces_its_own() -> None:
    html = page.render(result(), {"XX-01": [{"kind": "text", "title": "given", "text": "beside"}]})
    assert "beside" in html
    assert html.count("<svg width") < page.render(result()).count("<svg width")


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"requirements": [], "dimensions": [], "candidate": {}, "provenance": {}},
        {"requirements": [{}], "dimensions": [{}], "score": None, "candidate": None, "as_asked": None},
        {"requirements": "none", "dimensions": 3, "verdict_reasons": None, "diff": [1, 2], "cost": "much"},
        {"requirements": [{"id": "A", "outcome": "odd", "evidence": [{"kind": "timeline"}, {"kind": "table"}]}]},
    ],
)
def test_a_result_that_lacks_parts_has_a_page(raw: dict[str, Any]) -> None:
    assert parsed(page.render(raw)).tags.count("h1") == 1


def test_long_strings_are_clipped_with_their_length() -> None:
    raw = result()
    raw["requirements"][1]["evidence"] = [timeline("x" * 3_000_000)]
    raw["requirements"][1]["witness"] = {"message": "y" * 3_000_000}
    html = page.render(raw)
    assert len(html) < 300_000
    assert "of 3,000,000 characters" in html


@pytest.mark.parametrize("char", ['"', "\u202e"])
def test_a_flood_of_evidence_keeps_the_page_under_2_mb(char: str) -> None:
    raw = result(char * 4_000)
    flood = [timeline(char * 5_000, 300) for _ in range(24)]
    table = {"kind": "table", "title": "t", "columns": ["a"] * 14, "rows": [[char * 5_000] * 14] * 1_000}
    raw["requirements"] = [requirement("fail", char * 4_000, i) for i in range(30)]
    raw["diff"] = {"files": [{"path": char * 4_000, "added": 1}] * 5_000}
    html = page.render(raw, {f"XX-{i:02d}": [table, table, *flood] for i in range(30)})
    assert 600_000 < len(html.encode()) < 2_000_000
    assert "of 26 pieces of evidence are left out to keep this page small" in html
    parsed(html)


@pytest.mark.parametrize("text", ['"', "\u202e", ""])
def test_a_flood_of_lanes_keeps_the_page_under_2_mb(text: str) -> None:
    raw = result()
    raw["requirements"] = [requirement("fail", "x", i) for i in range(12)]
    html = page.render(raw, {f"XX-{i:02d}": [lanes(text * 5_000, 400)] * 4 for i in range(12)})
    assert 600_000 < len(html.encode()) < 2_000_000
    parsed(html)


def test_passing_requirements_cannot_use_up_the_room_of_failing_ones() -> None:
    raw = result(outcomes=("pass",) * 40 + ("fail",))
    pieces = [{"kind": "text", "title": "t", "text": "z" * 5_900}] * 20
    pieces_last = [{"kind": "text", "title": "last", "text": "the failing one"}]
    html = page.render(raw, {f"XX-{i:02d}": pieces for i in range(40)} | {"XX-40": pieces_last})
    assert "the failing one" in html


def test_witness_of_any_depth_is_shown() -> None:
    deep: Any = "core"
    for _ in range(5_000):
        deep = [deep]
    raw = result()
    raw["requirements"][1]["witness"] = {"cases": deep, "number": float("inf")}
    assert "nested deeper than is shown" in page.render(raw)


def test_commit_is_linked_only_when_well_formed() -> None:
    raw = result()
    commit = "7d4cd546a22a05c095070ec4080a7abbe6e11703"
    raw["candidate"] |= {"repo": "https://code.example/owner/name.git", "commit": commit}
    assert f'href="https://code.example/owner/name/commit/{commit}"' in page.render(raw)
    raw["candidate"]["repo"] = "https://user:secret@code.example/owner/name"
    html = page.render(raw)
    assert "secret" not in html and "https://code.example/owner/name" in html
    assert "/commit/" not in html


def test_siblings_are_linked() -> None:
    html = page.render(result(), {}, [("component", "../x.component/index.html")])
    assert 'href="../x.component/index.html"' in html


def test_a_seed_is_shown_as_it_is_typed() -> None:
    assert "123456" in page.render(result()) and "123,456" not in page.render(result())


def test_the_same_result_gives_the_same_page() -> None:
    raw = result()
    assert page.render(raw) == page.render(json.loads(json.dumps(raw)))
