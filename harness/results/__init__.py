"""What was measured, on disk. `load` gives it to a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.results.frames import Frames


def load(out: str | Path = "reports") -> Frames:
    """Every result under OUT as tidy pandas frames. Raises UsageError where one is damaged."""
    # Not at the top: every command of the program would wait for pandas.
    from harness.results.frames import load as load_frames  # noqa: PLC0415

    return load_frames(Path(out))
