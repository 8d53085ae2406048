"""The kill matrix as a page and for a terminal: specimens down, requirements across, and what the judge can be trusted with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from harness.judge.matrix import Matrix, plain
from harness.report import facts as facts_
from harness.report import words
from harness.report.facts import Fact
from harness.report.page import render_template

OTHER = words.Word("none", "·", "doubt", "yellow")


@dataclass(frozen=True, slots=True)
class SquareView:
    """One cell: `word` None where it was not asked."""

    word: words.Word | None
    caught: bool = False
    designated: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class LineView:
    """One specimen."""

    name: str
    kind: str
    why: str
    problem: str
    squares: list[SquareView]


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page."""

    title: str
    sentences: list[str]
    requirements: list[str]
    bad: list[LineView]
    good: list[LineView]
    load_bearing: list[tuple[str, str]]
    crossed: bool
    provenance: list[Fact]


def build(value: Mapping[str, Any]) -> PageView:
    """The view of a `matrix.json`."""
    lines = [_line(line, value["requirements"]) for line in value["lines"]]
    return PageView(
        title=str(value.get("title") or value["challenge"]),
        sentences=_sentences(value),
        requirements=list(value["requirements"]),
        bad=[line for line in lines if line.kind == "bad"],
        good=[line for line in lines if line.kind == "good"],
        load_bearing=[(item["requirement"], item["specimen"]) for item in value["load_bearing"]],
        crossed=bool(value["crossed"]),
        provenance=facts_.facts({"scope": value.get("scope"), "rounds": value["rounds"], **(value.get("provenance") or {})}),
    )


def render(value: Mapping[str, Any]) -> str:
    """The page of a `matrix.json`, self-contained."""
    return render_template("kill_matrix.html.j2", page=build(value))


def _line(line: Mapping[str, Any], requirements: Sequence[str]) -> LineView:
    found = {cell["requirement"]: cell for cell in line["cells"]}
    squares = [_square(found.get(name), name) for name in requirements]
    return LineView(line["specimen"], line["kind"], line["why"], line["problem"], squares)


def _square(cell: Mapping[str, Any] | None, requirement: str) -> SquareView:
    if cell is None:
        return SquareView(None)
    outcomes = list(dict.fromkeys(cell["outcomes"]))
    known = [words.outcome_word(outcome) if outcome != "none" else OTHER for outcome in outcomes]
    word = known[0] if len(known) == 1 else words.Word(" / ".join(each.text for each in known), "±", "doubt", "yellow")
    said = f"{requirement}: {word.text}" + (f", {len(cell['outcomes'])} rounds" if len(cell["outcomes"]) > 1 else "")
    return SquareView(word, cell["caught"], cell["designated"], said)


def _sentences(value: Mapping[str, Any]) -> list[str]:
    """What the matrix says, most important first."""
    found = [
        f"{value['caught']} of {value['bad']} known bad specimens are caught by the requirement they are designated for.",
        _good(value),
    ]
    wrong = [line for line in value["lines"] if line["problem"]]
    found += [f"{line['specimen']}: {line['problem']}" for line in wrong]
    if value["idle"]:
        found.append(f"Nothing here shows that these can fail: {', '.join(value['idle'])}.")
    if value["crossed"]:
        found.append(f"{len(value['load_bearing'])} of the known bad are caught by one requirement alone.")
    return found


def _good(value: Mapping[str, Any]) -> str:
    trials, accused = value["good_trials"], value["accusations"]
    if not trials:
        return "No known good specimen was judged."
    bound = f"{100 * value['flake_bound']:.1f} %"
    return (
        f"{value['good']} known good specimens were judged {trials} times, and not found good in {accused} of them: "
        f"the pooled flake rate is below {bound} (one-sided, 95 %)."
    )


def terminal(matrix: Matrix) -> RenderableType:
    """The same for a terminal: a row of marks a specimen, and the sentences."""
    value = plain(matrix, {})
    view = build(value)
    rows = [_terminal_line(line, view.requirements) for line in [*view.bad, *view.good]]
    alone = [Text(f"only {requirement} catches {name}", style="dim") for requirement, name in view.load_bearing]
    return Group(Text(matrix.challenge, style="bold"), *rows, *alone, *(Text(sentence) for sentence in view.sentences))


def _terminal_line(line: LineView, requirements: Sequence[str]) -> Text:
    text = Text(f"  {line.kind:4} {line.name:34.34} ")
    for name, square in zip(requirements, line.squares, strict=True):
        if square.word is not None:
            style = "bold green" if square.caught or (square.designated and not line.problem) else square.word.colour
            text.append(f"{name}{square.word.mark} ", style=style if square.designated or square.caught else "dim")
    return text
