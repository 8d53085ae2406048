"""Every seed of every suite has a step that can be: a suite stops at three right seeds, and must not stumble at the fourth."""

from __future__ import annotations

import importlib

import pytest

from challenges.anomaly_detection.scenarios import SEEDS, must_strength


@pytest.mark.parametrize(
    "suite", ["test_ad08_second_spike", "test_ad15_skewed_sources", "test_ad16_host_clock", "test_ad21_year_ahead"]
)
def test_every_seed_has_a_step_in_the_must_zone(suite: str) -> None:
    module = importlib.import_module(f"challenges.anomaly_detection.suites.{suite}")
    assert all(must_strength(module.RATE, module.P0[seed], module.Z1).is_must for seed in SEEDS)
