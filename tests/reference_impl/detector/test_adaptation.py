"""Spikes that come back, levels that stay, and silence."""

import pytest
from detector_streams import drive, one, step, stream

ALLOWED_DELAY_S = 7.0


@pytest.mark.parametrize("length_s", [30, 120, 600])
def test_the_same_spike_is_found_again_twenty_minutes_later(length_s: int) -> None:
    second = 100 + length_s + 1200
    rows = one(200, step(0.02, 0.3, (100, 100 + length_s), (second, second + 60)), second + 60, seed=3)
    onsets = drive(rows, second + 60).onsets()
    assert 100 < onsets[0] <= 100 + ALLOWED_DELAY_S
    assert second < onsets[-1] <= second + ALLOWED_DELAY_S


def silence_after_s(shift_at_s: int) -> float:
    heard = drive(one(60, step(0.01, 0.4, (shift_at_s, 1e9)), shift_at_s + 900, seed=4), shift_at_s + 900)
    return heard.last_s() - shift_at_s


def test_a_new_level_is_learned_however_long_the_old_one_held() -> None:
    young, old = silence_after_s(600), silence_after_s(3600)
    assert 0 < young < 600
    assert (old + 60) / (young + 60) <= 1.5


def test_a_step_from_a_learned_new_level_is_found() -> None:
    rows = one(200, lambda s: 0.01 if s < 100 else 0.2 if s < 900 else 0.5, 960, seed=5)
    heard = drive(rows, 960)
    assert heard.onsets(since_s=600)
    assert 900 < heard.onsets(since_s=600)[0] <= 900 + ALLOWED_DELAY_S


def test_a_fall_is_silent_and_learned() -> None:
    rows = one(200, lambda s: 0.2 if s < 200 else 0.01 if s < 500 else 0.2, 560, seed=6)
    assert drive(rows, 560).onsets() == pytest.approx([504.5], abs=2.5)


def test_an_hour_of_silence_is_no_anomaly_and_blinds_nothing() -> None:
    rows = stream({"a": (lambda s: 0 if 200 <= s < 3800 else 100, step(0.05, 0.6, (4000, 4060)))}, 4060)
    onsets = drive(rows, 4060).onsets()
    assert len(onsets) == 1
    assert 4000 < onsets[0] <= 4000 + ALLOWED_DELAY_S


def test_a_long_incident_reminds_as_one_onset() -> None:
    heard = drive(one(200, step(0.01, 0.3, (100, 230)), 260, seed=7), 260)
    assert len(heard.onsets()) == 1
    assert heard.last_s() <= 230 + 10
