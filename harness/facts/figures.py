"""Comment share and complexity of a change, from what was read of its files. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.facts.changed import Changed
from harness.facts.reading import Read

MAX_SHOWN = 10


def comment_share(files: Sequence[Changed], read: Mapping[str, Read]) -> float | None:
    """Of the added or changed lines that are not blank, the share (0 to 1) that holds a comment and nothing else; None without any."""
    comments = written = 0
    for file in files:
        lines = file.text.split("\n")
        full = {number for number in file.lines if number <= len(lines) and lines[number - 1].strip()}
        written += len(full)
        comments += len(full & read.get(file.path, Read()).comments)
    return round(comments / written, 4) if written else None


def complexity(files: Sequence[Changed], read: Mapping[str, Read]) -> dict[str, Any] | None:
    """Cyclomatic complexity (lizard) of the functions in which a line was added or changed; None where there are none."""
    found = [
        (function, file.path)
        for file in files
        for function in read.get(file.path, Read()).functions
        if any(function.first <= line <= function.last for line in file.lines)
    ]
    if not found:
        return None
    found.sort(key=lambda pair: -pair[0].complexity)
    values = [function.complexity for function, _ in found]
    most = [{"function": item.name, "file": path, "complexity": item.complexity} for item, path in found[:MAX_SHOWN]]
    return {
        "functions": len(values),
        "mean": round(sum(values) / len(values), 2),
        "highest": values[0],
        "above_10": sum(value > 10 for value in values),
        "most_complex": most,
    }
