"""Text, links and facts: what is shown of values that come from anywhere."""

from __future__ import annotations

import pytest

from harness.report import facts, links, text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("größer 检 🙂", "größer 检 🙂"),
        ("a\r\nb\tc\r", "a\nb\tc⟨U+000D⟩"),
        ("\u202eabc\u2069", "⟨U+202E⟩abc⟨U+2069⟩"),
        ("\x00\x1b[2J\x9b", "⟨U+0000⟩⟨U+001B⟩[2J⟨U+009B⟩"),
        ("\ud83d", "⟨U+D83D⟩"),
    ],
)
def test_hidden_characters_become_visible(raw: str, shown: str) -> None:
    assert text.visible(raw) == shown


def test_clip_states_the_full_length() -> None:
    assert text.clip("x" * 2_000_000, 3) == "xxx… [first 3 of 2,000,000 characters]"
    assert text.clip("xyz", 3) == "xyz"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (9999, "9999"), (12345, "12,345"), (0.123456, "0.1235"), (1234.5, "1,234"), (float("nan"), "nan")],
)
def test_number(value: float, shown: str) -> None:
    assert text.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.44, "0.4 s"), (44.2, "44 s"), (65, "1 min 05 s"), (7440, "2 h 04 min"), (None, ""), (float("inf"), "")],
)
def test_duration(seconds: object, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_labels_name_their_units() -> None:
    assert [text.label(key) for key in ("lease_ms", "rate_per_s", "cost_usd", "ms", "input_tokens")] == [
        "lease (ms)",
        "rate (per s)",
        "cost (USD)",
        "ms",
        "input tokens",
    ]


def test_pretty_json_prunes_inside_and_keeps_short_lists_on_a_line() -> None:
    shown = text.pretty_json({"cases": [1, 2, 3], "long": "a" * 1000, "many": list(range(100))})
    assert '"cases": [1, 2, 3]' in shown
    assert "first 400 of 1,000 characters" in shown
    assert "first 60 of 100 items" in shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://user:pw@host/x",
        "https://host/x?q=1",
        "https://host/x#f",
        "https://ho st/x",
        'https://host/"onclick',
        "https:///x",
        "ftp://host/x",
        "https://host:99999/x",
        "https://[::1/x",
        "https://host/x\n",
        "HTTPS\x00://host",
        "",
    ],
)
def test_addresses_that_are_not_linked(address: str) -> None:
    assert links.web_address(address) is None
    assert links.commit_address(address, "a" * 40) is None


def test_addresses_that_are_linked() -> None:
    commit = "0123456789abcdef"
    assert links.commit_address("https://h.example/o/n.git", commit) == f"https://h.example/o/n/commit/{commit}"
    assert links.commit_address("https://h.example:8443/o/n/", commit) is not None
    assert links.commit_address("https://h.example/o/n", "HEAD") is None
    assert links.page_address("../a/index.html") == "../a/index.html"
    assert [links.page_address(bad) for bad in ("/etc", "//h/x", "javascript:x", "a b", "data:x")] == [None] * 5


def test_facts_nest_and_tabulate() -> None:
    shown = facts.facts({"a_ms": 5, "none": None, "in": {"x": [1, 2]}, "rows": [{"p": 1}, {"p": 2, "q": "z"}]})
    assert [fact.name for fact in shown] == ["a (ms)", "in", "rows"]
    assert shown[1].facts[0].text == "1, 2"
    assert shown[2].table is not None
    assert shown[2].table.rows == [["1", ""], ["2", "z"]]


def test_table_fills_short_rows_bounds_long_ones_and_aligns_decimals() -> None:
    view = facts.table("t", ["n", "text"], [[1.25], [2, "a"], "odd"] + [[3.0, "b"]] * 200)
    assert view.rows[0] == ["1.25", ""]
    assert view.numeric == [False, False]
    assert len(view.rows) == facts.MAX_ROWS and "of 203 rows" in view.note
    assert facts.table("t", ["seed", "v"], [[1234567, 1.25], [2, 61.0]]).rows == [["1234567", "1.25"], ["2", "61.00"]]
