"""A rollback journal on a disk that fails."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._sqlite import TriesAgain


class OldJournal(TriesAgain):
    """Unchanged, but for the journal."""

    journal = "delete"


run(OldJournal(), "sqlite-old-journal")
