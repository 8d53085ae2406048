"""One result as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import words
from harness.report.text import one_line, share

SUMMARY_LIMIT = 300
_SEVERITY_STYLE = {"critical": "bold", "graded": "dim"}


def table(result: Mapping[str, Any]) -> RenderableType:
    """The requirements of `result` and, last because it stays on the screen, its verdict and score.

    Every text is shown as text: neither rich's markup nor escape sequences in it have an effect.
    """
    requirements = [r for r in result.get("requirements") or () if isinstance(r, Mapping)]
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=_title(result), title_justify="left", title_style="bold")
    rows.add_column("id", no_wrap=True)
    rows.add_column("requirement", ratio=2, overflow="fold")
    rows.add_column("outcome", no_wrap=True)
    rows.add_column("severity", no_wrap=True)
    rows.add_column("credit", justify="right", no_wrap=True)
    rows.add_column("what was found", ratio=3, overflow="fold")
    for requirement in requirements:
        if requirement.get("outcome") != "planned":
            rows.add_row(*_row(requirement))
    return Group(rows, *_verdict(result, words.tally(requirements)))


def _title(result: Mapping[str, Any]) -> Text:
    candidate, challenge = result.get("candidate") or {}, result.get("challenge") or {}
    entry = f" [{result['entry']}]" if result.get("entry") else ""
    name = f"{candidate.get('id', 'candidate')} on {challenge.get('id', 'challenge')}{entry}"
    return Text(one_line(name, 200))


def _row(requirement: Mapping[str, Any]) -> list[Text]:
    word = words.outcome_word(requirement.get("outcome"))
    severity = one_line(str(requirement.get("severity") or ""), 20)
    undecided = word.tone == "doubt"
    return [
        Text(one_line(str(requirement.get("id") or ""), 40)),
        Text(one_line(str(requirement.get("title") or ""), 120)),
        Text(f"{word.mark} {one_line(word.text, 40)}", style=word.colour),
        Text(severity, style=_SEVERITY_STYLE.get(severity, "")),
        Text("–" if undecided else share(requirement.get("credit"))),
        Text(one_line(str(requirement.get("summary") or ""), SUMMARY_LIMIT)),
    ]


def _verdict(result: Mapping[str, Any], tally: words.Tally) -> list[Text]:
    word = words.verdict_word(result.get("verdict") or "unknown")
    asked = result.get("as_asked") or {}
    asked_word = words.verdict_word(asked.get("verdict") or "unknown")
    lines = [Text(f"! {warning}", style="bold red") for warning in words.warnings(result)]
    head = Text.assemble(
        (one_line(word.text, 40).upper(), word.colour),
        f"  score {share(result.get('score'), 1)} of 100; {tally}; sandbox {one_line(words.sandbox_level(result), 40)}",
    )
    as_asked = Text.assemble(
        "as asked: ",
        (one_line(asked_word.text, 40).lower(), asked_word.colour),
        f", {share(asked.get('score'), 1)}",
    )
    shown = words.reasons(result)
    why = [Text(f"  {one_line(reason, SUMMARY_LIMIT)}") for reason in shown[:8]]
    if len(shown) > 8:
        why.append(Text(f"  and {len(shown) - 8} more reasons"))
    return [*lines, head, *why, as_asked]
