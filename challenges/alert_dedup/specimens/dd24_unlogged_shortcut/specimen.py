"""What is only looked up needs no log, as long as it is also elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._unlogged import Unlogged

run(Unlogged(), "unlogged-shortcut")
