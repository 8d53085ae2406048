"""`harness publish`: everything measured as a static site that works from a file, a static host or any folder of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from harness.cli._frame import EXIT_DONE, EXIT_NOTHING, command
from harness.results import layout


@command
def publish(
    out: Annotated[Path, typer.Option(help="where results are")] = Path("reports"),
    to: Annotated[Path | None, typer.Option(help="where the site goes; OUT/site unless given")] = None,
) -> int:
    """Write a static site: index with history, scorecards, comparisons, kill matrices. Nothing is measured."""
    # Not at the top: every command of the program would wait for the charts' library.
    from harness.publishing import publish as write_site  # noqa: PLC0415

    console = Console()
    target = to or layout.site(out)
    count = write_site(out, target, lambda text: console.print(Text(text)))
    console.print(Text(f"site: {target / 'index.html'}"), soft_wrap=True)
    return EXIT_DONE if count else EXIT_NOTHING
