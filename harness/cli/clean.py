"""`harness clean`: nothing of ours is left running or lying about. Results stay."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.candidate.cache import remove
from harness.cli._frame import EXIT_DONE, command
from harness.paths import cache_root
from harness.runtime.leftovers import end_orphans, remove_folders, remove_groups, scratch_places


@command
def clean(
    cache: Annotated[
        bool, typer.Option("--cache", help="also remove the cache of checkouts, builds and compiled shims")
    ] = False,
) -> int:
    """Remove what a killed run left behind: processes, temporary folders, cgroups. Results under OUT stay."""
    ended = end_orphans()
    removed = sum(remove_folders(place) for place in scratch_places())
    groups = remove_groups()
    if cache:
        remove(cache_root())
    print(
        f"ended {ended} processes, removed {removed} temporary folders and {groups} cgroups"
        + (" and the cache" if cache else "")
    )
    return EXIT_DONE
