"""A plugin of pytest that runs the candidate's own tests in an order that a seed decides."""

from __future__ import annotations

import os
import random
from typing import Any


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Shuffles files, and tests within each: what a fixture of a file holds stays together."""
    seed = int(os.environ.get("HARNESS_ORDER", "0"))
    if not seed:
        return
    chance = random.Random(seed)
    files: dict[str, list[Any]] = {}
    for item in items:
        files.setdefault(str(item.path), []).append(item)
    order = sorted(files)
    chance.shuffle(order)
    for path in order:
        chance.shuffle(files[path])
    items[:] = [item for path in order for item in files[path]]
