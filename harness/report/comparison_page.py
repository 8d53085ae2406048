"""The comparison as one self-contained page: tables, filters, charts, and its own data inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.report.comparison import Comparison, compare
from harness.report.exports import as_data
from harness.report.page import render_template
from harness.report.pictures import Evidence, charts
from harness.report.side_charts import Chart

SEVERITIES = ("critical", "major", "minor", "graded")
DATA_LIMIT = 300_000
PAGE_LIMIT = 1_500_000
# These would end the element, open a comment in it, or be a line break to an older reader.
_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Section:
    """One challenge of a comparison page."""

    view: Comparison
    charts: tuple[Chart, ...]


def section(results: Sequence[Mapping[str, Any]], addresses: Sequence[str], evidence: Sequence[Evidence]) -> Section:
    """The results of one challenge with their pages' addresses and their evidence, in the same order."""
    view = compare(results, addresses)
    return Section(view, tuple(charts([f"{i} {name}" for i, name in enumerate(view.names, 1)], results, evidence)))


def page(sections: Sequence[Section], downloads: Sequence[tuple[str, str]] = (), home: str | None = None) -> str:
    """The page; `downloads` are (label, address) of the same as files, `home` leads to the index of a site."""
    lines = [line for each in sections for line in each.view.lines]
    found = {line.severity for line in lines}
    data = embedded(as_data([each.view for each in sections]))
    return render_template(
        "comparison.html.j2",
        styles=("wide.css",),
        scripts=("filters.js",),
        limit=PAGE_LIMIT,
        titles=list(dict.fromkeys(each.view.challenge for each in sections)) or ["nothing to compare"],
        sections=sections,
        dimensions=list(dict.fromkeys(line.dimension for line in lines)),
        severities=[name for name in SEVERITIES if name in found] + sorted(found.difference(SEVERITIES)),
        downloads=downloads,
        home=home,
        data=data if len(data) <= DATA_LIMIT else None,
    )


def embedded(value: object) -> Markup:
    """`value` as JSON that may stand inside a script element: nothing in it can end the element or open a comment."""
    return Markup(json.dumps(value, ensure_ascii=True, separators=(",", ":")).translate(_ESCAPED))
