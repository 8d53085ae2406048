"""A memory that ends by age."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._one_set import OneSet


class KeepsByAge(OneSet):
    """Whatever is older than what it declares."""

    trim = "redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])"


run(KeepsByAge(), "keeps-by-age")
