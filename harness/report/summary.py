"""The table that the write-ups draw: what was measured, and beneath it what somebody said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judge.outcomes import Outcome
from harness.report import words
from harness.report.text import as_text, duration, label, number, one_line, share

TEXT_LIMIT = 240
NOT_MEASURED = "not measured"
# Row -> the dimensions that answer it; a challenge has those of them that it has.
ROWS_BY_DIMENSION: Mapping[str, tuple[str, ...]] = {
    "State handling": ("adaptation", "isolation", "lost alerts", "duplicates"),
    "Restart": ("restart", "crash"),
    "Edge cases": ("edge cases", "clock skew"),
    "Bad input": ("bad input",),
    "Memory": ("memory",),
}
# Row -> the claims that speak of it.
SAID: Mapping[str, tuple[str, ...]] = {
    "Integrated?": ("integrated",),
    "State handling": ("state_handling", "state"),
    "Restart": ("restart",),
    "Edge cases": ("edge_cases",),
    "Bad input": ("bad_input",),
    "Tests": ("tests",),
    "Memory": ("memory",),
    "Would it survive production?": ("ships",),
    "Approach": ("approach",),
    "Critical bugs": ("critical_bugs", "claimed_bugs"),
    "Cost": ("cost_usd", "cost_estimated"),
    "Time": ("minutes",),
    "Diff": ("added", "net_lines", "files"),
}
SURVIVES = {"ship": "yes", "harden": "not as it stands", "reject": "no", "unknown": "undecided"}


@dataclass(frozen=True, slots=True)
class SummaryCell:
    """What was measured, with the tone it deserves, and what was said of it ('' where nothing was)."""

    text: str
    tone: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One row, a cell for each result."""

    name: str
    cells: tuple[SummaryCell, ...]


def summary(results: Sequence[Mapping[str, Any]]) -> tuple[SummaryRow, ...]:
    """The rows of the write-ups, then score, verdict, cost, time and diff; rows that no result can fill are left out."""
    makers = {
        "Integrated?": _integrated,
        **{name: _by_dimension(dimensions) for name, dimensions in ROWS_BY_DIMENSION.items()},
        "Tests": _tests,
        "Would it survive production?": _survives,
        "Approach": lambda result: SummaryCell("–"),
        "Critical bugs": _critical,
        "Score": lambda result: SummaryCell(share(result.get("score"), 1)),
        "Verdict": _verdict,
        "As asked": _as_asked,
        "Cost": _cost,
        "Cost per point": _cost_per_point,
        "Time": _time,
        "Diff": _diff,
    }
    order = ["Integrated?", "State handling", "Restart", "Edge cases", "Bad input", "Tests", "Memory"]
    names = order + [name for name in makers if name not in order]
    rows = [SummaryRow(name, tuple(_with_claim(makers[name](result), name, result) for result in results)) for name in names]
    rows.append(SummaryRow("Also said", tuple(SummaryCell("", "", _unplaced(result)) for result in results)))
    return tuple(row for row in rows if any(cell.text not in ("", "–") or cell.said for cell in row.cells))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in result.get("requirements") or () if isinstance(row, Mapping)]


def _with_claim(cell: SummaryCell, name: str, result: Mapping[str, Any]) -> SummaryCell:
    claims = _mapping(result.get("claims"))
    found = [_said(key, claims[key]) for key in SAID.get(name, ()) if key in claims and claims[key] not in (None, "", [])]
    said = "; ".join([cell.said, *found] if cell.said else found)
    return SummaryCell(cell.text, cell.tone, one_line(said, 2 * TEXT_LIMIT))


def _said(key: str, value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "; ".join(as_text(item) for item in value)
    text = as_text(value)
    match key:
        case "cost_usd":
            return f"${text}"
        case "cost_estimated":
            return "an estimate" if value else ""
        case "minutes":
            return f"{text} min"
        case "added" | "net_lines":
            return f"{'+' if key == 'added' else 'net '}{text} lines"
        case "files":
            return f"{text} files"
        case _:
            return text


def _unplaced(result: Mapping[str, Any]) -> str:
    placed = {key for keys in SAID.values() for key in keys}
    rest = {key: value for key, value in _mapping(result.get("claims")).items() if key not in placed}
    return one_line("; ".join(f"{label(str(key))}: {as_text(value)}" for key, value in rest.items()), TEXT_LIMIT)


def _integrated(result: Mapping[str, Any]) -> SummaryCell:
    found = result.get("integration")
    if isinstance(found, bool):
        return SummaryCell("yes" if found else "no", "good" if found else "bad")
    word = one_line(str(_mapping(found).get("word") or ""), 80)
    if not word:
        return SummaryCell(NOT_MEASURED, "idle")
    portion = _mapping(found).get("share")
    told = (
        f", {portion:.0%} of its statements ran" if isinstance(portion, int | float) and not isinstance(portion, bool) else ""
    )
    tones = {"wired in": "good", "partly": "warn", "not wired in": "bad"}
    return SummaryCell(f"{word}{told}", tones.get(word, "doubt"))


def _by_dimension(dimensions: Sequence[str]) -> Any:
    def made(result: Mapping[str, Any]) -> SummaryCell:
        rows = [row for row in _rows(result) if row.get("dimension") in dimensions]
        if not rows:
            return SummaryCell("–")
        counted = words.tally(rows)
        if not counted.decided and not counted.undecided:
            return SummaryCell(NOT_MEASURED, "idle")
        wrong = [str(row.get("id")) for row in rows if row.get("outcome") in words.FAILING]
        missing = sum(row.get("outcome") == Outcome.NOT_OFFERED for row in rows)
        names = (f", {missing} not offered" if missing else "") + (f": {', '.join(wrong)} broken" if wrong else "")
        return SummaryCell(one_line(f"{_rate(counted)}{names}", TEXT_LIMIT), words.outcome_word(words.worst_of(rows)).tone)

    return made


def _rate(counted: words.Tally) -> str:
    told = f"{counted.passed} of {counted.decided}" if counted.decided else "none decided"
    return told + (f", {counted.undecided} undecided" if counted.undecided else "")


def _tests(result: Mapping[str, Any]) -> SummaryCell:
    found = _mapping(result.get("own_tests"))
    if not found:
        return SummaryCell(NOT_MEASURED, "idle")
    if found.get("problem") and found.get("passing") is None:
        return SummaryCell(one_line(f"not run: {str(found['problem']).removeprefix('not run: ')}", 160), "doubt")
    counts = {key: _count(found.get(key)) for key in ("passing", "red", "flaky")}
    told = [f"{count} {key}" for key, count in counts.items() if count is not None and (count or key == "passing")]
    bad = counts["red"] or counts["flaky"]
    word = one_line(str(found.get("word") or ""), 80)
    return SummaryCell(", ".join(told) or word or "ran", "bad" if bad else "good")


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else None


def _survives(result: Mapping[str, Any]) -> SummaryCell:
    verdict = str(result.get("verdict") or "unknown")
    return SummaryCell(SURVIVES.get(verdict, "undecided"), words.verdict_word(verdict).tone)


def _critical(result: Mapping[str, Any]) -> SummaryCell:
    wrong = [
        str(row.get("id")) for row in _rows(result) if row.get("severity") == "critical" and row.get("outcome") in words.FAILING
    ]
    if not wrong:
        return SummaryCell("none found", "good")
    return SummaryCell(one_line(f"{len(wrong)}: {', '.join(wrong)}", TEXT_LIMIT), "bad")


def _verdict(result: Mapping[str, Any]) -> SummaryCell:
    word = words.verdict_word(result.get("verdict") or "unknown")
    return SummaryCell(one_line(f"{word.mark} {word.text}", 80), word.tone)


def _as_asked(result: Mapping[str, Any]) -> SummaryCell:
    asked = _mapping(result.get("as_asked"))
    word = words.verdict_word(asked.get("verdict") or "unknown")
    return SummaryCell(one_line(f"{word.text}, {share(asked.get('score'), 1)}", 80), word.tone)


def cost_usd(result: Mapping[str, Any]) -> float | None:
    """What the commit cost in US dollars: from its tokens where they are known, else as stated, else None."""
    cost = _mapping(result.get("cost"))
    for key in ("recomputed_usd", "reported_usd", "reported_cost_usd"):
        value = cost.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def wall_minutes(result: Mapping[str, Any]) -> float | None:
    """How long the model is said to have worked, in minutes, None where nobody said it."""
    seconds = _mapping(result.get("cost")).get("wall_seconds")
    return seconds / 60 if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None


def _cost_per_point(result: Mapping[str, Any]) -> SummaryCell:
    cost, score = cost_usd(result), result.get("score")
    if cost is None or not isinstance(score, int | float):
        return SummaryCell("–")
    return SummaryCell(f"${cost / score:.4f}" if score else "no point was scored")


def _cost(result: Mapping[str, Any]) -> SummaryCell:
    cost = _mapping(result.get("cost"))
    again, stated = cost.get("recomputed_usd"), cost.get("reported_usd")
    text = f"${again:.2f} by its tokens" if isinstance(again, int | float) else "–"
    return SummaryCell(text, "", f"${stated:.2f}" if isinstance(stated, int | float) else "")


def _time(result: Mapping[str, Any]) -> SummaryCell:
    # Nobody here watched the model at work: its time is only ever what the manifest states.
    return SummaryCell("–", "", duration(_mapping(result.get("cost")).get("wall_seconds")))


def _diff(result: Mapping[str, Any]) -> SummaryCell:
    diff = _mapping(result.get("diff"))
    counts = [diff.get(key) for key in ("added", "removed", "files")]
    if not all(isinstance(count, int) for count in counts):
        return SummaryCell(NOT_MEASURED if not diff else "–", "idle")
    added, removed, files = counts
    return SummaryCell(f"+{number(added or 0)} −{number(removed or 0)} in {files} file{'' if files == 1 else 's'}")
