"""`harness list`: what there is to evaluate, by what, and what has been measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from harness.candidate.manifest import load_operator
from harness.cli._frame import EXIT_DONE, command
from harness.errors import HarnessError
from harness.judge.requirements import challenge_ids, load_challenge
from harness.paths import challenges_root, manifests_root
from harness.report.text import one_line
from harness.results import store
from harness.results.layout import all_evaluations


@command
def list_command(out: Annotated[Path, typer.Option(help="where results are")] = Path("reports")) -> int:
    """List challenges, candidates with a manifest, and the results under OUT."""
    console = Console()
    challenges = Table("challenge", "requirements", "with a suite", title="challenges", title_justify="left")
    for name in challenge_ids(challenges_root()):
        loaded = load_challenge(challenges_root(), name)
        with_suite = sum(requirement.suite is not None for requirement in loaded.requirements)
        challenges.add_row(name, str(len(loaded.requirements)), str(with_suite))
    console.print(challenges)
    console.print(_candidates())
    console.print(_results(out))
    return EXIT_DONE


def _candidates() -> Table:
    table = Table("candidate", "challenge", "model", "commit", title="manifests in candidates/", title_justify="left")
    for path in sorted(manifests_root().glob("*.toml")):
        try:
            manifest = load_operator(path)
        except HarnessError as error:
            table.add_row(path.stem, "unreadable", str(error), "")
            continue
        head = manifest.tables.candidate
        table.add_row(manifest.id, ", ".join(manifest.challenges), head.model or "", (head.commit or "")[:12])
    return table


def _results(out: Path) -> Table:
    table = Table(
        "candidate",
        "challenge",
        "entry",
        "verdict",
        "score",
        "profile",
        "seed",
        title=f"results in {out}/",
        title_justify="left",
    )
    for folder in all_evaluations(out):
        try:
            result = store.read_result(folder)
        except HarnessError as error:
            table.add_row(folder.path.parent.name, folder.path.name, "", one_line(str(error), 80), "", "", "")
            continue
        made = result["provenance"]
        names = (result["candidate"]["id"], result["challenge"]["id"], result["entry"], result["verdict"])
        table.add_row(*(one_line(str(name), 80) for name in names), str(result["score"]), made["profile"], str(made["seed"]))
    return table
