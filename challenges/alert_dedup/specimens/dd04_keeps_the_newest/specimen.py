"""A memory of fixed size."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._one_set import OneSet


class KeepsTheNewest(OneSet):
    """Two thousand are plenty."""

    trim = "redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -2001)"


run(KeepsTheNewest(), "keeps-the-newest")
