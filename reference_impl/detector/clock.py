"""The stream's own clock, read from the logs and only nudged by the host's clock.

The host's clock may be wrong, step or strobe, and a single log may be dated ten years ahead; neither may
stop, reset or blind detection. So:

- a log close to the clock moves it (by at most `STEP_MS` each);
- a log far from the clock is taken along or refused, but moves nothing;
- many far logs in a row that agree with each other re-anchor the clock (few if the host's clock takes their
  side, many if it takes the clock's side);
- a request that brings no newer log moves the clock by the host time that passed since the request before, as
  long as that is small enough to be the passing of time and not a step.
"""

from enum import Enum
from math import floor

import msgspec

BUCKET_MS = 1000
LATENESS_MS = 3000
STEP_MS = 4000
"""How far one log may move the clock: sources 3 s apart, and a second of silence."""
FAR_MS = 60_000
"""Logs later or earlier than this are refused, unless the host's clock vouches for them."""
AGREE_MS = 5000
"""Far logs within this of each other count as one opinion."""
IDLE_STEP_MS = 2000
"""Host time that may pass between two requests before it is taken for a step of the host's clock."""
NOMINAL_TICK_MS = 1000
"""What a tick is worth if the host's clock has just stepped."""
VOTES_WITH_HOST = 5
VOTES_ALONE = 32
VOTES_AGAINST_HOST = 200
MAX_LEAP_BUCKETS = 60
"""A leap of the stream, however long, moves the internal count of buckets by no more than this."""


class Place(Enum):
    """What is to become of one log."""

    OWN = "own"
    """Counted in the bucket of its own time, or the oldest open one."""
    FOLD = "fold"
    """Too far off to be believed, counted now."""
    LEAP = "leap"
    """The stream has moved: close what is open, call `leap`, then place it again."""
    REFUSE = "refuse"


class StreamClock(msgspec.Struct):
    """Stream time in ms since the epoch, and a count of buckets that never runs backwards.

    Buckets are numbered by `bucket(ts)`: the second since the epoch minus `offset`; `offset` changes only
    when the clock is re-anchored, so that the numbers go on upwards whatever the stream's dates do.
    """

    started: bool = False
    newest_ms: float = 0.0
    idle_ms: float = 0.0
    host_ms: float | None = None
    seen_ms: float = 0.0
    offset: int = 0
    open_from: int = 0
    votes: int = 0
    vote_ms: float = 0.0

    @property
    def time_ms(self) -> float:
        """Stream time: the newest believed log, plus the host time since."""
        return self.newest_ms + self.idle_ms

    def bucket(self, ts_ms: float) -> int:
        """Internal number of the bucket that holds `ts_ms`."""
        return floor(ts_ms / BUCKET_MS) - self.offset

    def start_of(self, bucket: int) -> int:
        """Stream time in ms at which a bucket begins."""
        return (bucket + self.offset) * BUCKET_MS

    def due(self) -> int:
        """The newest bucket whose end is `LATENESS_MS` past."""
        return self.bucket(self.time_ms - LATENESS_MS) - 1

    def believes_bucket_of(self, ts_ms: float) -> bool:
        """True if `place` would say OWN for this log and for any others of its bucket after it."""
        return BUCKET_MS - FAR_MS <= ts_ms - self.time_ms <= STEP_MS

    def place(self, ts_ms: float, now_ms: float | None) -> Place:
        """Decide on a log dated `ts_ms`, a finite number >= 0; moves the clock where the log is believed."""
        if not self.started:
            self._start(ts_ms, now_ms)
        ahead_ms = ts_ms - self.time_ms
        if -FAR_MS <= ahead_ms <= STEP_MS:
            self.votes = 0
            if ts_ms > self.newest_ms:
                self.newest_ms, self.idle_ms = ts_ms, 0.0
            return Place.OWN
        if self._vote(ts_ms) >= self._votes_needed(ts_ms, now_ms):
            return Place.LEAP
        vouched = now_ms is not None and abs(ts_ms - now_ms) <= FAR_MS
        ahead_of_host = now_ms is not None and ts_ms > self.time_ms and ts_ms <= now_ms + FAR_MS
        return Place.FOLD if vouched or ahead_of_host or 0 < ahead_ms <= FAR_MS else Place.REFUSE

    def leap(self, ts_ms: float) -> None:
        """Re-anchor at `ts_ms`; every open bucket must have been closed before."""
        here = max(self.bucket(self.time_ms), self.open_from)
        skipped = floor((ts_ms - self.time_ms) / BUCKET_MS)
        margin = LATENESS_MS // BUCKET_MS + 2
        there = here + margin + min(max(skipped, 0), MAX_LEAP_BUCKETS)
        self.offset = floor(ts_ms / BUCKET_MS) - there
        self.open_from = there - margin + 1
        self.newest_ms, self.idle_ms, self.votes = ts_ms, 0.0, 0

    def pass_host_time(self, now_ms: float, is_tick: bool) -> None:
        """End of a request: count the host time since the request before, unless newer logs told the time."""
        before, self.host_ms = self.host_ms, now_ms
        moved, self.seen_ms = self.newest_ms != self.seen_ms, self.newest_ms
        if before is None or moved or not self.started:
            return
        elapsed_ms = now_ms - before
        if 0 <= elapsed_ms <= IDLE_STEP_MS:
            self.idle_ms += elapsed_ms
        elif is_tick:
            self.idle_ms += NOMINAL_TICK_MS

    def _start(self, ts_ms: float, now_ms: float | None) -> None:
        near_host = now_ms is not None and abs(ts_ms - now_ms) <= FAR_MS
        self.newest_ms = min(ts_ms, now_ms) if near_host and now_ms is not None else ts_ms
        self.started = True
        self.open_from = self.bucket(self.newest_ms - LATENESS_MS)

    def _vote(self, ts_ms: float) -> int:
        if self.votes and abs(ts_ms - self.vote_ms) <= AGREE_MS:
            self.votes += 1
            self.vote_ms = max(self.vote_ms, ts_ms)
        else:
            self.votes, self.vote_ms = 1, ts_ms
        return self.votes

    def _votes_needed(self, ts_ms: float, now_ms: float | None) -> int:
        if now_ms is None:
            return VOTES_ALONE
        if abs(self.time_ms - now_ms) <= FAR_MS:
            return VOTES_AGAINST_HOST
        return VOTES_WITH_HOST if abs(ts_ms - now_ms) <= FAR_MS else VOTES_ALONE
