"""Starts like anybody else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import PostgresDedup, run


class ResumesByLease(PostgresDedup):
    """What its former self left is not its own affair."""

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)


run(ResumesByLease(), "resumes-by-lease")
