"""Several results side by side: requirement by candidate, `[run]` and `[component]` next to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import words
from harness.report.links import page_address
from harness.report.page import render_template
from harness.report.text import number, one_line
from harness.report.words import Word

NAME_LIMIT = 60
SAME = {"suite_digest": "suites", "profile": "profile", "seed": "seed", "sandbox": "sandbox", "time": "time"}


@dataclass(frozen=True, slots=True)
class Column:
    """One evaluation: whose, which entry, its verdict and score, and the address of its page."""

    candidate: str
    model: str
    entry: str
    verdict: Word
    asked: Word
    score: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One requirement of one evaluation; `summary` is the evidence in a sentence."""

    word: Word
    credit: str
    summary: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement across the evaluations; `differs` where outcomes do."""

    id: str
    title: str
    severity: str
    cells: tuple[Cell, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the page and the terminal show. `warnings` say where results are not comparable."""

    challenge: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]


def compare(results: Sequence[Mapping[str, Any]], addresses: Sequence[str]) -> Comparison:
    """Results of one challenge, in the order given; `addresses` of their pages, relative to the comparison's own."""
    safe = [page_address(address) for address in addresses]
    ids = dict.fromkeys(row["id"] for result in results for row in result["requirements"])
    measured = [name for name in ids if any(_row(result, name)["outcome"] != "planned" for result in results)]
    title = str(results[0]["challenge"]["title"]) if results else ""
    columns = tuple(_column(result, address) for result, address in zip(results, safe, strict=True))
    return Comparison(title, columns, tuple(_line(name, results, safe) for name in measured), tuple(warnings(results)))


def warnings(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each setting in which the results differ: such results are not comparable."""
    found = []
    for key, name in SAME.items():
        values = {str(result["provenance"].get(key)) for result in results}
        if len(values) > 1:
            found.append(f"NOT COMPARABLE: the {name} differ: {', '.join(sorted(one_line(value, 40) for value in values))}")
    if any(result["provenance"].get("partial") for result in results):
        found.append("NOT COMPARABLE: at least one result covers only a part of the requirements")
    return found


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
        address,
    )


def _line(name: str, results: Sequence[Mapping[str, Any]], addresses: Sequence[str | None]) -> Line:
    rows = [_row(result, name) for result in results]
    cells = tuple(_cell(row, address) for row, address in zip(rows, addresses, strict=True))
    first = next((row for row in rows if row["title"]), rows[0])
    outcomes = {row["outcome"] for row in rows}
    return Line(name, one_line(str(first["title"]), NAME_LIMIT), str(first["severity"]), cells, len(outcomes) > 1)


def _cell(row: Mapping[str, Any], address: str | None) -> Cell:
    word = words.outcome_word(row["outcome"])
    credit = f"{row['credit']:.2f}" if row["outcome"] == "pass" else ""
    return Cell(word, credit, one_line(str(row["summary"]), 300), address and f"{address}#{row['id']}")


def page(comparison: Sequence[Comparison]) -> str:
    """The comparison as one self-contained page, a section per challenge."""
    return render_template("comparison.html.j2", comparisons=comparison)


def terminal(comparison: Comparison) -> RenderableType:
    """The same for a terminal: marks only, a legend below."""
    table = Table(title=comparison.challenge, title_justify="left", show_lines=False)
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
    return Group(table, *names, Text(legend, style="dim"), *loud)


def _mark(cell: Cell) -> Text:
    return Text(f"{cell.word.mark} {cell.credit}".strip(), style=cell.word.colour)
