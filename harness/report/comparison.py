"""Several results side by side: requirement by candidate, `[run]` and `[component]` next to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.judge.comparable import objections, reservations
from harness.report import words
from harness.report.links import page_address
from harness.report.models import DuelView, Models, several
from harness.report.summary import SummaryRow, summary
from harness.report.text import clip, number, one_line
from harness.report.words import Word

NAME_LIMIT = 60
ENTRIES = ("run", "component")
# From what a reader wants to see first to what says least; the order that a sorted column shows.
RANKS = {
    name: i
    for i, name in enumerate(("fail", "candidate_error", "not_offered", "infra_error", "inconclusive", "pass", "planned"))
}
ASKED = ("P", "I")


@dataclass(frozen=True, slots=True)
class Column:
    """One evaluation: whose, which entry, its verdict and score, and the address of its page."""

    candidate: str
    model: str
    entry: str
    verdict: Word
    asked: Word
    score: str
    percent: float | None
    address: str | None

    @property
    def name(self) -> str:
        """What a chart or a sentence calls it."""
        return self.candidate if self.entry == "run" else f"{self.candidate} [{self.entry}]"

    @property
    def kind(self) -> str:
        """The entry as a class of a style sheet: one of two words, whatever the result says."""
        return self.entry if self.entry in ENTRIES else "run"


@dataclass(frozen=True, slots=True)
class Cell:
    """One requirement of one evaluation; `summary` is the evidence in a sentence."""

    word: Word
    credit: str
    summary: str
    address: str | None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement across the evaluations; `differs` where outcomes do; `asked` if prompt or production ask for it."""

    id: str
    title: str
    severity: str
    cells: tuple[Cell, ...]
    differs: bool
    dimension: str = ""
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the page and the terminal show. `warnings` say where results are not comparable."""

    challenge: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]
    summary: tuple[SummaryRow, ...]
    models: Models

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]


def compare(results: Sequence[Mapping[str, Any]], addresses: Sequence[str]) -> Comparison:
    """Results of one challenge, in the order given; `addresses` of their pages, relative to the comparison's own."""
    safe = [page_address(address) for address in addresses]
    ids = dict.fromkeys(row["id"] for result in results for row in result["requirements"])
    measured = [name for name in ids if any(_row(result, name)["outcome"] != "planned" for result in results)]
    title = clip(str(results[0]["challenge"]["title"]), 200) if results else ""
    columns = tuple(_column(result, address) for result, address in zip(results, safe, strict=True))
    found = tuple(_line(name, results, safe) for name in measured)
    return Comparison(title, columns, found, tuple(warnings(results)), summary(results), several(results))


def warnings(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each setting in which the results differ: such results are not comparable."""
    return objections(results, _shown) + reservations(results, _shown)


def _shown(value: str) -> str:
    return one_line(value, 40)


def _row(result: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    absent = {"id": name, "title": "", "severity": "", "outcome": "planned", "credit": 0.0, "summary": "not in this result"}
    return next((row for row in result["requirements"] if row["id"] == name), absent)


def _column(result: Mapping[str, Any], address: str | None) -> Column:
    candidate, score = result["candidate"], result["score"]
    return Column(
        one_line(str(candidate["id"]), NAME_LIMIT),
        one_line(str(candidate.get("model") or ""), NAME_LIMIT),
        str(result["entry"]),
        words.verdict_word(result["verdict"]),
        words.verdict_word(result["as_asked"]["verdict"]),
        "–" if score is None else number(score),
        None if score is None else min(max(float(score), 0.0), 100.0),
        address,
    )


def _line(name: str, results: Sequence[Mapping[str, Any]], addresses: Sequence[str | None]) -> Line:
    rows = [_row(result, name) for result in results]
    cells = tuple(_cell(row, address) for row, address in zip(rows, addresses, strict=True))
    first = next((row for row in rows if row["title"]), rows[0])
    outcomes = {row["outcome"] for row in rows}
    return Line(
        one_line(name, NAME_LIMIT),
        one_line(str(first["title"]), NAME_LIMIT),
        one_line(str(first["severity"]), 20),
        cells,
        len(outcomes) > 1,
        one_line(str(first.get("dimension") or "other"), 40),
        first.get("basis") in ASKED,
    )


def _cell(row: Mapping[str, Any], address: str | None) -> Cell:
    word = words.outcome_word(row["outcome"])
    credit = f"{row['credit']:.2f}" if row["outcome"] == "pass" else ""
    link = f"{address}#{quote(str(row['id']))}" if address else None
    return Cell(word, credit, one_line(str(row["summary"]), 300), link, RANKS.get(str(row["outcome"]), len(RANKS)))


def terminal(comparison: Comparison) -> RenderableType:
    """The same for a terminal: marks only, a legend below."""
    table = Table(title=Text(comparison.challenge), title_justify="left", show_lines=False)
    table.add_column("requirement", no_wrap=True)
    for number_, _ in enumerate(comparison.columns, 1):
        table.add_column(str(number_), justify="center")
    table.add_row("verdict", *(Text(column.verdict.text, style=column.verdict.colour) for column in comparison.columns))
    table.add_row("score", *(column.score for column in comparison.columns))
    for line in comparison.lines:
        table.add_row(Text(f"{line.id} {line.title}"), *(_mark(cell) for cell in line.cells))
    names = [Text(f"{place}  {column.candidate} [{column.entry}]") for place, column in enumerate(comparison.columns, 1)]
    legend = "  ".join(f"{word.mark} {word.text}" for word in words.OUTCOMES.values())
    loud = [Text(warning, style="bold red") for warning in comparison.warnings]
    duels = [Text(duel_sentence(duel)) for duel in comparison.models.duels if duel.entry == "run"]
    return Group(table, *names, Text(legend, style="dim"), *duels, *loud)


def duel_sentence(duel: DuelView) -> str:
    """One model against another in a sentence."""
    told = f"{duel.first} against {duel.second}: {len(duel.won)} requirements won, {len(duel.lost)} lost, {duel.same} alike"
    return told if duel.score_p is None else f"{told}; scores of {duel.pairs} pairs: p = {duel.score_p:.3g} (corrected)"


def _mark(cell: Cell) -> Text:
    return Text(f"{cell.word.mark} {cell.credit}".strip(), style=cell.word.colour)
