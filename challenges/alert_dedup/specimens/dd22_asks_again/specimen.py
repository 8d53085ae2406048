"""Asks again."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from typing import Any

import psycopg

from challenges.alert_dedup.specimens._base import PostgresDedup, run


class AsksAgain(PostgresDedup):
    """Every statement may be carried out twice: the second time it finds what the first one did."""

    def ask(self, text: str, *values: str | int) -> list[Any]:
        try:
            return super().ask(text, *values)
        except psycopg.OperationalError:
            return super().ask(text, *values)


run(AsksAgain(), "asks-again")
