"""What a killed harness can leave behind, found by marks that only we set."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import psutil

from harness.candidate.cache import remove
from harness.paths import owner_of_scratch
from harness.runtime import tree
from harness.runtime.sandbox.limits import end_group, our_groups

MEMORY = Path("/dev/shm")
WORKER_MARK = "harness.scale.worker"
CLOCK_VARIABLE = "HARNESS_CLOCK_PAGE"


def end_orphans() -> int:
    """Kills workers and candidates whose harness is gone (their parent is init); returns how many processes ended."""
    ended = 0
    for process in psutil.process_iter(["pid", "ppid", "cmdline", "uids"]):
        with contextlib.suppress(psutil.Error):
            # Root's stores run as somebody else; the mark in their environment is still ours alone.
            ours = process.info["uids"] is not None and (os.getuid() == 0 or process.info["uids"].real == os.getuid())
            if ours and process.info["ppid"] == 1 and _marked(process):
                ended += len(tree.kill(process.pid).states)
    return ended


def _marked(process: psutil.Process) -> bool:
    if WORKER_MARK in (process.info["cmdline"] or []):
        return True
    with contextlib.suppress(psutil.Error):
        return CLOCK_VARIABLE in process.environ()
    return False


def scratch_places() -> list[Path]:
    """Where temporary folders of ours lie: those of the system, and of files that are to be in memory."""
    return [Path(tempfile.gettempdir()), MEMORY]


def remove_folders(parent: Path) -> int:
    """Removes temporary folders of ours whose maker is gone; returns how many."""
    removed = 0
    for path in sorted(parent.glob("harness-*")):
        owner = owner_of_scratch(path.name)
        if owner is not None and path.is_dir() and not path.is_symlink() and not psutil.pid_exists(owner):
            remove(path)
            removed += 1
    return removed


def remove_groups() -> int:
    """Ends what still runs in cgroups of ours whose maker is gone, and removes them; returns how many."""
    removed = 0
    for folder in our_groups():
        owner = owner_of_scratch(folder.name)
        if owner is not None and not psutil.pid_exists(owner):
            removed += end_group(folder)
    return removed


def sweep() -> None:
    """Clears what workers that were killed could not clear themselves."""
    end_orphans()
    remove_groups()
    for place in scratch_places():
        remove_folders(place)
