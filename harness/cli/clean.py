"""`harness clean`: nothing of ours is left running or lying about. Results stay."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from harness.cli._frame import EXIT_DONE, command
from harness.paths import cache_root
from harness.runtime.leftovers import end_orphans, remove_folders, remove_groups


@command
def clean(
    cache: Annotated[
        bool, typer.Option("--cache", help="also remove the cache of checkouts, builds and compiled shims")
    ] = False,
) -> int:
    """Remove what a killed run left behind: processes, temporary folders, cgroups. Results under OUT stay."""
    ended = end_orphans()
    removed = remove_folders(Path(tempfile.gettempdir()))
    groups = remove_groups()
    if cache:
        _remove_tree(cache_root())
    print(
        f"ended {ended} processes, removed {removed} temporary folders and {groups} cgroups"
        + (" and the cache" if cache else "")
    )
    return EXIT_DONE


def _remove_tree(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(root)
