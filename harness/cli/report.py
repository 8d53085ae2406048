"""`harness report`: draws pages anew from results that were measured before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli._frame import EXIT_DONE, EXIT_NOTHING, command
from harness.report import markdown, page
from harness.results import store
from harness.results.judge import matrix_link
from harness.results.layout import COMPONENT_SUFFIX, EvaluationFolder, all_evaluations


@command
def report(
    out: Annotated[Path, typer.Option(help="where results are")] = Path("reports"),
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print summaries in Markdown on stdout")] = False,
) -> int:
    """Draw the page of every result under OUT anew, without measuring anything."""
    folders = all_evaluations(out)
    for folder in folders:
        result = store.read_result(folder)
        beside = siblings(folder) + matrix_link(folder, str((result.get("provenance") or {}).get("suite_digest")))
        text = page.render(result, store.read_evidence(folder), beside)
        store.write_atomically(folder.page, text.encode())
        print(markdown.summary(result) if as_markdown else folder.page)
    return EXIT_DONE if folders else EXIT_NOTHING


def siblings(folder: EvaluationFolder) -> list[tuple[str, str]]:
    """(label, address) of the other entry of the same candidate and challenge, if it has a result."""
    name = folder.path.name
    other = name.removesuffix(COMPONENT_SUFFIX) if name.endswith(COMPONENT_SUFFIX) else name + COMPONENT_SUFFIX
    if not EvaluationFolder(folder.path.parent / other).result.exists():
        return []
    label = "component" if other.endswith(COMPONENT_SUFFIX) else "run"
    return [(label, f"../{other}/index.html")]
