"""Where the harness's own files lie: the project, its cache. Results on disk are the affair of `harness.results.layout`."""

from __future__ import annotations

import os
import re
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def cache_root() -> Path:
    """The private cache: $HARNESS_CACHE, else $XDG_CACHE_HOME/harness, else ~/.cache/harness. Made if need be."""
    named = os.environ.get("HARNESS_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harness"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    return base.resolve()


def challenges_root() -> Path:
    """The folder of challenges: one folder each."""
    return PROJECT_ROOT / "challenges"


def manifests_root() -> Path:
    """The folder of candidates' manifests."""
    return PROJECT_ROOT / "candidates"


def scratch_prefix(kind: str) -> str:
    """The start of a temporary name of ours: it tells `harness clean` whose it is, so that a running harness keeps its own."""
    return f"harness-{kind}-{os.getpid()}-"


def owner_of_scratch(name: str) -> int | None:
    """The process that made a temporary name of ours, or None if it is not one."""
    found = re.fullmatch(r"harness-[a-z]+-(\d+)-.+", name)
    return int(found[1]) if found else None
