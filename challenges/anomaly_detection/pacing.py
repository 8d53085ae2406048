"""Long streams of which only parts are gated: wide batches elsewhere, since every request costs time."""

from __future__ import annotations

from collections.abc import Sequence

from challenges.anomaly_detection.playback import TICK_MS, Playback
from challenges.anomaly_detection.scenarios import Span
from challenges.anomaly_detection.traffic import Traffic, between


def paced(traffic: Traffic, wide: Sequence[Span]) -> list[Playback]:
    """The whole stream, in batches of one tick's length within the `wide` spans, of 250 ms elsewhere.

    The spans lie in order of time within the stream. Their bounds may be moved by a millisecond: a bound on a whole
    second would have its tick twice.
    """
    playbacks, at_ms = [], traffic.start_ms
    for span in wide:
        from_ms, to_ms = (ms + (ms % TICK_MS == 0) for ms in (span.from_ms, span.to_ms))
        playbacks += [Playback(between(traffic, at_ms, from_ms)), Playback(between(traffic, from_ms, to_ms), span_ms=TICK_MS)]
        at_ms = to_ms
    return [*playbacks, Playback(between(traffic, at_ms, traffic.end_ms))]
