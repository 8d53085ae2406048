"""`harness new FOLDER`: a candidate to begin with."""

from __future__ import annotations

import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from harness.cli._frame import EXIT_DONE, command
from harness.errors import UsageError
from harness.judge.requirements import load_challenge
from harness.paths import challenges_root


@command
def new(
    folder: Annotated[Path, typer.Argument(help="where to put it; it must not be there yet")],
    challenge: Annotated[str, typer.Option(help="which challenge it is for")] = "anomaly-detection",
) -> int:
    """Make a candidate to begin with: the challenge's starter, with the task as a model gets it."""
    loaded = load_challenge(challenges_root(), challenge)
    starter = loaded.folder / "starter"
    if not starter.is_dir():
        raise UsageError(f"the challenge {challenge} brings no starter/")
    if folder.exists():
        raise UsageError(f"{folder} is there already; name a folder that is not")
    # Links in the starter lead into this repository: the copy must stand on its own.
    shutil.copytree(starter, folder, symlinks=False)
    shutil.copy(loaded.folder / loaded.prompt, folder / "PROMPT.md")
    print(f"made {folder}: read PROMPT.md, then try")
    print(f"  (cd {shlex.quote(str(folder))} && harness conform {_words(starter, challenge)})")
    print(f"  harness eval {shlex.quote(str(folder))}")
    return EXIT_DONE


def _words(starter: Path, challenge: str) -> str:
    """What `harness conform` is to be told of the starter, from its own manifest."""
    run = tomllib.loads((starter / "harness.toml").read_text("utf-8"))["run"]
    virtual = ["--virtual"] if run.get("clock") == "virtual" else []
    store = ["--store", run["store"]] if "store" in run else []
    return shlex.join(["--challenge", challenge, *virtual, *store, "--", *run["command"]])
