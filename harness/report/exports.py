"""A comparison as CSV, Markdown, JSON and JUnit XML: the same outcomes for a spreadsheet, a pull request and a build server."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from harness.report import words
from harness.report.comparison import Comparison, Line, duel_sentence
from harness.report.markdown import STEP_SUMMARY_LIMIT, escaped, within
from harness.report.text import visible

COLUMNS = (
    "challenge", "candidate", "model", "entry", "verdict", "score", "requirement", "title", "dimension", "severity", "outcome",
    "credit", "summary", "evidence",
)  # fmt: skip
# A cell that begins with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """A row for each requirement of each result; text that a spreadsheet would compute gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for view in comparisons:
        for i, column in enumerate(view.columns):
            head = (view.challenge, column.candidate, column.model, column.entry, column.verdict.text.lower(), column.score)
            for line in view.lines:
                cell = line.cells[i]
                about = (line.id, line.title, line.dimension, line.severity)
                found = (cell.word.text, cell.credit, cell.summary, cell.address or "")
                writer.writerow([_inert(value) for value in (*head, *about, *found)])
    return out.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_data(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Plain values for JSON: columns, requirements with an outcome for each column, summary rows, models."""
    return [
        {
            "challenge": view.challenge,
            "warnings": list(view.warnings),
            "columns": [
                {
                    "candidate": c.candidate,
                    "model": c.model,
                    "entry": c.entry,
                    "verdict": c.verdict.text.lower(),
                    "score": c.percent,
                    "page": c.address,
                }
                for c in view.columns
            ],
            "requirements": [_line(line) for line in view.lines],
            "summary": {row.name: [{"measured": cell.text, "said": cell.said} for cell in row.cells] for row in view.summary},
            "models": [
                {
                    "model": m.name,
                    "entry": m.entry,
                    "commits": m.commits,
                    "mean_score": m.score and m.score.value,
                    "low": m.score and m.score.low,
                    "high": m.score and m.score.high,
                }
                for m in view.models.models
            ],
            "duels": [
                {
                    "first": d.first,
                    "second": d.second,
                    "entry": d.entry,
                    "won": list(d.won),
                    "lost": list(d.lost),
                    "pairs": d.pairs,
                    "p": d.score_p,
                }
                for d in view.models.duels
            ],
        }
        for view in comparisons
    ]


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "title": line.title,
        "dimension": line.dimension,
        "severity": line.severity,
        "as_asked": line.asked,
        "outcomes": [cell.word.text for cell in line.cells],
    }


def as_markdown(comparisons: Sequence[Comparison]) -> str:
    """Tables for a pull request; under the limit of a step summary whatever the results hold."""
    return within([_markdown(view) for view in comparisons], STEP_SUMMARY_LIMIT)


def _markdown(view: Comparison) -> str:
    names = [f"{i}. {escaped(column.model or column.candidate, 60)}" for i, column in enumerate(view.columns, 1)]
    where = [
        f"{i}. {escaped(column.candidate, 60)}, entry {escaped(column.entry, 20)}" for i, column in enumerate(view.columns, 1)
    ]
    parts = [f"## {escaped(view.challenge, 120)}", *(f"> **{escaped(warning)}**" for warning in view.warnings)]
    head = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    rows = [f"| **verdict** | {' | '.join(f'{c.verdict.mark} {escaped(c.verdict.text, 20)}' for c in view.columns)} |"]
    rows.append(f"| **score** | {' | '.join(column.score for column in view.columns)} |")
    for row in view.summary:
        cells = [escaped(cell.text, 80) + (f" *said: {escaped(cell.said, 120)}*" if cell.said else "") for cell in row.cells]
        rows.append(f"| {escaped(row.name, 60)} | {' | '.join(cells)} |")
    matrix = [
        f"| {escaped(line.id, 20)} {escaped(line.title, 60)} | {' | '.join(c.word.mark for c in line.cells)} |"
        for line in view.lines
    ]
    legend = ", ".join(f"{word.mark} {word.text}" for word in words.OUTCOMES.values())
    duels = [f"- {escaped(duel_sentence(duel))}" for duel in view.models.duels]
    numbered = [f"| requirement | {' | '.join(str(i) for i in range(1, len(names) + 1))} |", head[1]]
    return (
        "\n\n".join(
            [*parts, "\n".join(where), "\n".join(head + rows), "\n".join(numbered + matrix), legend, "\n".join(duels)]
        ).strip()
        + "\n"
    )


def as_junit(results: Sequence[Mapping[str, Any]]) -> str:
    """One suite for each result, one case for each requirement; what is planned or undecided is skipped, and says why."""
    root = ElementTree.Element("testsuites", name="commit-harness")
    for result in results:
        rows = [row for row in result.get("requirements") or () if isinstance(row, Mapping)]
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(_suite_name(result)), tests=str(len(rows)))
        counts = {"failures": 0, "errors": 0, "skipped": 0}
        for row in rows:
            _case(suite, row, counts)
        for key, count in counts.items():
            suite.set(key, str(count))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite_name(result: Mapping[str, Any]) -> str:
    return f"{(result.get('candidate') or {}).get('id')}/{(result.get('challenge') or {}).get('id')}.{result.get('entry')}"


def _case(suite: ElementTree.Element, row: Mapping[str, Any], counts: dict[str, int]) -> None:
    seconds = row.get("seconds")
    case = ElementTree.SubElement(
        suite, "testcase", classname=_xml(row.get("dimension")), name=_xml(f"{row.get('id')} {row.get('title')}")
    )
    case.set("time", f"{seconds:.3f}" if isinstance(seconds, int | float) else "0")
    outcome, told = str(row.get("outcome")), _xml(row.get("summary"))
    tag, key = {
        "pass": ("", ""),
        "fail": ("failure", "failures"),
        "candidate_error": ("error", "errors"),
        "not_offered": ("failure", "failures"),
    }.get(outcome, ("skipped", "skipped"))
    if tag:
        found = ElementTree.SubElement(case, tag, message=f"{_xml(outcome)}: {told}"[:2000])
        found.text = _xml(row.get("replay")) if tag != "skipped" and row.get("replay") else None
        counts[key] += 1


def _xml(value: object) -> str:
    """Text that XML 1.0 can hold: what it cannot is made visible."""
    return visible(str(value if value is not None else "")).replace("\n", " ").replace("\ufffe", "").replace("\uffff", "")
