"""One service's error share over time: windows, learned baseline, incidents.

Every closed bucket is judged against the baseline before anything is learned from it. Unsuspicious buckets
are learned. A suspicious one starts an `Episode`: the baseline is frozen and the episode keeps sums of its
own. An episode ends when nothing has been suspicious for a while (the baseline goes on as it was, so the same
spike is found again), or when it has stayed at one level for minutes (that level becomes the baseline). An
episode alarms once a window exceeds the threshold, and reminds for as long as it is hot.
"""

from math import exp

import msgspec

from reference_impl.detector.alerts import SHARE_FLOOR, Finding, Kind
from reference_impl.detector.counts import MASK, SHIFT
from reference_impl.detector.deviance import root_deviance

RING = 32
WINDOWS_S = (1, 2, 5, 30)
LONGEST_S = WINDOWS_S[-1]
WARMUP_S = 60

BLOCK_S = 10
"""Learned buckets are summed over this many seconds and then folded into the baseline at once."""
MEMORY_S = 600
BLOCK_DECAY = exp(-BLOCK_S / MEMORY_S)
MIN_BASE_LOGS = 30.0

SCREEN_SQUARED = 3.0**2
"""Windows within this of the baseline (a plain z score, squared) are not looked at any closer."""
NEVER = 1e300
SUSPICIOUS = 3.5
ALARM = 5.5
HOT = 4.0
STILL_RAISED = 1.5
"""Score of the last seconds that keeps an anomaly hot which only the longest window can see."""
STILL_SHARP = 2.5
"""The same for one that the shorter windows have seen: its end must not be hidden by the longest one."""
MIN_EXTRA_ERRORS = 8.0

QUIET_S = 10
REMIND_S = 20
MIN_SPACING_S = 14
"""At most one alert of a kind in 10 s of stream time, with room for buckets that close late together."""
JUMP = 10.0
JUMP_WINDOW_S = 2

ADOPT_S = 240
ADOPT_LOWER_S = 120
ADOPT_IN_WARMUP_S = 20
ADOPT_ANYHOW_S = 1500
RETURN_S = 30
STEADY = 5.0
STEADY_AFTER_S = 10
AGES_AGO = -(1 << 40)


class Episode(msgspec.Struct):
    """A stretch in which the service differs from its baseline; times are bucket numbers."""

    opened: int
    level_since: int
    level_logs: int = 0
    level_errors: int = 0
    last_suspicious: int = 0
    alarmed: bool = False
    sharp: bool = False
    jump_told: bool = False


class Baseline(msgspec.Struct):
    """Decayed sums of logs and errors."""

    logs: float = 0.0
    errors: float = 0.0

    @property
    def share(self) -> float:
        """Share of errors, 0.0 if nothing is known."""
        return self.errors / self.logs if self.logs > 0 else 0.0

    @property
    def floored_errors(self) -> float:
        """Errors, but no fewer than the smallest share that is told apart from none."""
        return max(self.errors, self.logs * SHARE_FLOOR)


class Series(msgspec.Struct):
    """State of one service; buckets are numbered seconds (see `StreamClock.bucket`)."""

    first: int
    last: int
    base: Baseline
    ring: list[int]
    two: int = 0
    five: int = 0
    thirty: int = 0
    share: float = SHARE_FLOOR
    lower_share: float = 0.0
    screen: float = NEVER
    block: int = 0
    block_sum: int = 0
    episode: Episode | None = None
    former: Baseline | None = None
    last_alert: int = AGES_AGO
    last_jump: int = AGES_AGO

    def step(self, bucket: int, packed: int) -> list[Finding]:
        """Take in a closed, non-empty bucket (numbers ascend) and return what is to be told about it."""
        if bucket != self.last + 1:
            self._skip_to(bucket)
        self.last = bucket
        ring = self.ring
        two = self.two = self.two + packed - ring[(bucket - 2) & 31]
        five = self.five = self.five + packed - ring[(bucket - 5) & 31]
        thirty = self.thirty = self.thirty + packed - ring[(bucket - 30) & 31]
        ring[bucket & 31] = packed
        if self.episode is None and self._is_plain(packed, two, five, thirty):
            if bucket // BLOCK_S != self.block:
                self._fold(bucket)
            self.block_sum += packed
            return NOTHING
        return self._judge(bucket, packed)

    def _is_plain(self, one: int, two: int, five: int, thirty: int) -> bool:
        """The quick look: true if no window is raised, nor the longest lowered, enough to matter."""
        share, screen = self.share, self.screen
        n = one & MASK
        extra = (one >> SHIFT) - n * share
        if extra > 0 and extra * extra > n * screen:
            return False
        n = two & MASK
        extra = (two >> SHIFT) - n * share
        if extra > 0 and extra * extra > n * screen:
            return False
        n = five & MASK
        extra = (five >> SHIFT) - n * share
        if extra > 0 and extra * extra > n * screen:
            return False
        n = thirty & MASK
        extra = (thirty >> SHIFT) - n * share
        if extra > 0 and extra * extra > n * screen:
            return False
        missing = n * self.lower_share - (thirty >> SHIFT)
        return missing <= 0 or missing * missing <= n * screen

    def _skip_to(self, bucket: int) -> None:
        """The service was silent for a while: move its windows past the empty buckets."""
        if bucket - self.last > LONGEST_S:
            self._clear_windows()
            self.episode = None
            return
        ring = self.ring
        for empty in range(self.last + 1, bucket):
            self.two -= ring[(empty - 2) & 31]
            self.five -= ring[(empty - 5) & 31]
            self.thirty -= ring[(empty - 30) & 31]
            ring[empty & 31] = 0

    def _clear_windows(self) -> None:
        self.ring = [0] * RING
        self.two = self.five = self.thirty = 0

    def _fold(self, bucket: int) -> None:
        """Fold the block that is over into the baseline."""
        base = self.base
        base.logs = base.logs * BLOCK_DECAY + (self.block_sum & MASK)
        base.errors = base.errors * BLOCK_DECAY + (self.block_sum >> SHIFT)
        self.block, self.block_sum = bucket // BLOCK_S, 0
        self._refresh()

    def _refresh(self) -> None:
        base = self.base
        self.lower_share = base.share
        self.share = max(base.share, SHARE_FLOOR)
        known = base.logs >= MIN_BASE_LOGS
        self.screen = SCREEN_SQUARED * self.share * (1 - self.share) if known else NEVER

    def _learn(self, bucket: int, packed: int) -> None:
        if bucket // BLOCK_S != self.block:
            self._fold(bucket)
        self.block_sum += packed

    def _judge(self, bucket: int, packed: int) -> list[Finding]:
        """The close look: exact scores for every window, then the episode's course."""
        windows = (packed, self.two, self.five, self.thirty)
        scores = [self._score(w) for w in windows]
        suspicious = max(scores) >= SUSPICIOUS or scores[-1] <= -SUSPICIOUS
        if self.episode is None:
            if not suspicious:
                self._learn(bucket, packed)
                return NOTHING
            self.episode = Episode(opened=bucket, level_since=bucket)
        episode = self.episode
        if episode.sharp:  # the longest window still holds a spike that the others have seen end
            suspicious = max(scores[:-1]) >= SUSPICIOUS
        self._extend(episode, bucket, packed, suspicious)
        if bucket - episode.last_suspicious >= QUIET_S:
            self._end(episode)
            return NOTHING
        alarming = [i for i, w in enumerate(windows) if scores[i] >= ALARM and self._extra(w) >= MIN_EXTRA_ERRORS]
        if self._adopt_if_steady(episode, bucket):
            return NOTHING
        if alarming:
            episode.alarmed = True
        return self._tell(episode, bucket, windows, scores) if episode.alarmed else NOTHING

    def _score(self, packed: int) -> float:
        """How far a window is off: above the floored baseline, or below the true one, or 0.0 in between."""
        base, errors, logs = self.base, packed >> SHIFT, packed & MASK
        if errors > logs * self.share:
            return root_deviance(errors, logs, base.floored_errors, base.logs)
        if errors < logs * self.lower_share:
            return root_deviance(errors, logs, base.errors, base.logs)
        return 0.0

    def _extra(self, packed: int) -> float:
        return (packed >> SHIFT) - (packed & MASK) * self.share

    def _extend(self, episode: Episode, bucket: int, packed: int, suspicious: bool) -> None:
        """Add a bucket to the episode's level; start that afresh where the last seconds contradict it."""
        if suspicious:
            episode.last_suspicious = bucket
        five = self.five
        drift = root_deviance(five >> SHIFT, five & MASK, episode.level_errors, episode.level_logs)
        if bucket - episode.level_since >= STEADY_AFTER_S and abs(drift) >= STEADY:
            episode.level_since = bucket
            episode.level_logs = episode.level_errors = 0
        episode.level_logs += packed & MASK
        episode.level_errors += packed >> SHIFT

    def _end(self, episode: Episode) -> None:
        self.episode = None
        if episode.alarmed:
            self._clear_windows()

    def _adopt_if_steady(self, episode: Episode, bucket: int) -> bool:
        """Make the episode's level the baseline once it has lasted; true if that ended the episode."""
        held = bucket - episode.level_since
        lower = episode.level_errors < episode.level_logs * self.lower_share
        if lower and self.former is not None and held >= RETURN_S and self._is_former(episode, self.former):
            self._rebase(self.former, None)
            return True
        need = ADOPT_LOWER_S if lower else ADOPT_S
        if bucket - self.first < WARMUP_S:
            need = ADOPT_IN_WARMUP_S
        if held < need and bucket - episode.opened < ADOPT_ANYHOW_S:
            return False
        self._rebase(Baseline(float(episode.level_logs), float(episode.level_errors)), self.base)
        return True

    @staticmethod
    def _is_former(episode: Episode, former: Baseline) -> bool:
        score = root_deviance(episode.level_errors, episode.level_logs, former.floored_errors, former.logs)
        return abs(score) < HOT

    def _rebase(self, base: Baseline, former: Baseline | None) -> None:
        self.base, self.former = base, former
        self.episode, self.block_sum = None, 0
        self._clear_windows()
        self._refresh()

    def _tell(self, episode: Episode, bucket: int, windows: tuple[int, ...], scores: list[float]) -> list[Finding]:
        """Findings due in this bucket of an alarmed episode."""
        short = max(scores[:3])
        episode.sharp = episode.sharp or short >= ALARM
        raised = STILL_SHARP if episode.sharp else STILL_RAISED
        hot = short >= HOT or (scores[3] >= ALARM and scores[2] >= raised)
        first = self.last_alert < episode.opened
        spacing = MIN_SPACING_S if first else REMIND_S
        if not hot or bucket - self.first < WARMUP_S:
            return NOTHING
        findings = []
        if bucket - self.last_alert >= spacing:
            self.last_alert = bucket
            best = max(range(len(scores)), key=scores.__getitem__)
            findings.append(self._finding("error_rate", scores[best], WINDOWS_S[best], windows[best]))
        if self._has_jumped(episode, bucket):
            self.last_jump, episode.jump_told = bucket, True
            findings.append(self._finding("rate_of_change", scores[1], JUMP_WINDOW_S, windows[1]))
        return findings

    def _has_jumped(self, episode: Episode, bucket: int) -> bool:
        """Ten times the learned share within five seconds, told once an episode."""
        if episode.jump_told or bucket - self.last_jump < MIN_SPACING_S or self._extra(self.two) < MIN_EXTRA_ERRORS:
            return False
        now = (self.two >> SHIFT) / max(1, self.two & MASK)
        before = self.thirty - self.five
        earlier = (before >> SHIFT) / max(1, before & MASK)
        return now >= JUMP * self.share and now >= JUMP * earlier

    def _finding(self, kind: Kind, score: float, window_s: int, packed: int) -> Finding:
        share = (packed >> SHIFT) / max(1, packed & MASK)
        return Finding(kind, score, window_s, share, self.base.share)


NOTHING: list[Finding] = []


def new_series(first: int, bucket: int, logs: int, errors: int) -> Series:
    """A series first seen in bucket `first` that has learned `logs` logs by the end of `bucket`."""
    series = Series(first=first, last=bucket, base=Baseline(float(logs), float(errors)), ring=[0] * RING)
    series.block = bucket // BLOCK_S
    series._refresh()
    return series
