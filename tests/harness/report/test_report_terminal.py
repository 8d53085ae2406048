"""The table, the progress board and the Markdown summary."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from harness.report.markdown import escaped, fenced, summary
from harness.report.progress import ProgressBoard
from harness.report.terminal import table

OUTCOMES = ("pass", "fail", "candidate_error", "infra_error", "inconclusive", "not_offered", "planned")


def result(text: str = "plain") -> dict[str, Any]:
    return {
        "candidate": {"id": text, "model": text, "commit": text, "repo": text},
        "challenge": {"id": text},
        "entry": "run",
        "verdict": "reject",
        "verdict_reasons": [text],
        "score": 12.34,
        "as_asked": {"verdict": "harden", "score": 50},
        "requirements": [
            {"id": f"XX-{i}", "title": text, "outcome": outcome, "dimension": text, "severity": "major"}
            | {"credit": 0.25, "summary": text, "replay": f"harness replay {text}"}
            for i, outcome in enumerate(OUTCOMES)
        ],
        "provenance": {"sandbox": "none", "seed": 5, "profile": "quick"},
    }


def drawn(raw: dict[str, Any], width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(table(raw))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_table_names_every_outcome_but_counts_planned_ones() -> None:
    shown = drawn(result())
    for words in ("✓ pass", "✗ fail", "candidate error", "harness error", "inconclusive", "not offered"):
        assert words in shown
    assert "1 of 4 decided pass; 2 undecided; 1 planned" in shown
    assert "XX-6" not in shown
    assert "REJECT" in shown and "12.3 of 100" in shown and "No sandbox" in shown


@pytest.mark.parametrize("text", ["[bold red]x[/] [link=https://e.example]y[/link]", "\x1b]0;t\x07\x1b[2J", "\u202ex"])
def test_table_shows_hostile_text_as_text(text: str) -> None:
    shown = drawn(result(text), 200)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "[bold red]x[/]" in shown or "⟨U+" in shown


@pytest.mark.parametrize("raw", [{}, {"requirements": None, "as_asked": None, "provenance": None}])
def test_empty_results_have_a_table_and_a_summary(raw: dict[str, Any]) -> None:
    assert "UNKNOWN" in drawn(raw)
    assert "none decided" in summary(raw)


def test_summary_holds_verdict_rates_failures_and_replays() -> None:
    shown = summary(result())
    assert shown.startswith("## ✗ Reject: plain on plain (entry run)")
    assert "1 of 4 decided pass; 2 undecided; 1 planned" in shown
    assert shown.count("```\nharness replay plain\n```") == 2
    assert shown.index("XX-1") < shown.index("XX-2") < shown.index("XX-5") < shown.index("XX-3")
    assert "XX-0" not in shown and "XX-6" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "a | b\n\n# heading\n- list",
        "![x](https://e.example/p.png) [y](javascript:z)",
        "```\nout of the fence",
        "@somebody www.e.example https://e.example #12 $x$ **b** `c` &lt; ~~s~~",
        "\u202e\x00",
    ],
)
def test_summary_takes_no_markup_from_text(text: str) -> None:
    shown = summary(result(text))
    prose = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", shown)
    assert not re.search(r"<img|!\[|\]\(|(?<!&#64;)@|https?://|www\.|\u202e|\x00", prose)
    assert len(re.findall(r"(?m)^#+ ", prose)) == 2
    table_rows = [line for line in prose.splitlines() if line.startswith("|")]
    assert len(table_rows) == 3 and all(len(row.split("|")) == 6 for row in table_rows)


def test_escaped_text_begins_no_list_and_stays_on_one_line() -> None:
    assert escaped("- a\n1. b") == "&#45; a 1. b"
    assert escaped("1. a").startswith("&#49;.")


def test_fence_is_longer_than_any_in_the_text() -> None:
    assert fenced("a````b").startswith("`````\n")


def test_summary_stays_small_whatever_the_result_holds() -> None:
    raw = result("x" * 100_000)
    raw["requirements"] = raw["requirements"] * 100
    raw["verdict_reasons"] = ["y" * 1000] * 1000
    assert len(summary(raw)) < 150_000


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def board(expected_s: dict[str, float], workers: int = 1, tty: bool = False) -> tuple[ProgressBoard, Clock, io.StringIO]:
    out, clock = io.StringIO(), Clock()
    console = Console(file=out, width=100, force_terminal=tty, color_system=None)
    return ProgressBoard(expected_s, workers=workers, console=console, clock_s=clock), clock, out


def test_board_degrades_to_plain_lines() -> None:
    progress, clock, out = board({"A": 10, "B": 10})
    with progress:
        progress.started("w1", "A")
        clock.now_s = 10
        progress.finished("w1", "fail")
        progress.started("w1", "B [bold]\x1b[0m")
        progress.finished("w1", "pass")
        progress.note("done\x1b[2J")
    lines = out.getvalue().splitlines()
    assert lines[0] == "2 to do, about 20 s"
    assert lines[1] == "[1/2] A: fail, 10 s, about 10 s left"
    assert lines[2].startswith("[2/3] B [bold]⟨U+001B⟩[0m: pass, 0.0 s, about")
    assert lines[3] == "done⟨U+001B⟩[2J"


def test_time_left_shares_work_among_workers_and_learns_the_pace() -> None:
    progress, clock, _ = board({"A": 10, "B": 10, "C": 10, "D": 10}, workers=2)
    assert progress.left_s() == 20
    progress.started("w1", "A")
    clock.now_s = 5
    assert progress.left_s() == 17.5
    clock.now_s = 20
    progress.finished("w1")
    assert 15 < progress.left_s() < 30
    for cell in "BCD":
        progress.started("w1", cell)
        progress.finished("w1")
    assert progress.left_s() == 0
    progress.finished("w1")


def test_time_left_is_never_less_than_the_longest_cell() -> None:
    progress, _, _ = board({"long": 100, "a": 1, "b": 1}, workers=8)
    assert progress.left_s() == 100


def test_board_draws_on_a_terminal() -> None:
    progress, clock, out = board({"suite of A": 10, "B": 2}, tty=True)
    with progress:
        progress.started("w1", "suite of A")
        clock.now_s = 3
        progress.finished("w1", "fail")
        progress.started("w2", "B")
    assert "suite of A: fail" in out.getvalue()
    assert "1/2" in out.getvalue()
