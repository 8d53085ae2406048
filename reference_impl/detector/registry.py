"""Which services are followed, in bounded memory.

A service begins as a newcomer, a pair of integers; once it has sent `ESTABLISHED_LOGS` logs it gets a
`Series`. Both groups are capped, and so are the names' characters, so that neither a flood of services seen
once nor one of huge names can push out the services that keep sending.
"""

from collections.abc import Iterable

from reference_impl.detector.alerts import Finding
from reference_impl.detector.counts import errors_of, logs_of
from reference_impl.detector.series import Series, new_series

ESTABLISHED_LOGS = 100
MAX_SERVICES = 20_000
MAX_NAME_CHARS = 2_000_000
MAX_NAME_BYTES = 10 * 1024


def valid_name(service: object) -> bool:
    """True for a non-empty string of at most 10 KiB of UTF-8."""
    if type(service) is not str or not service or len(service) > MAX_NAME_BYTES:
        return False
    try:
        return service.isascii() or len(service.encode()) <= MAX_NAME_BYTES
    except UnicodeEncodeError:  # lone surrogates are no text, and could not be sent back in an alert
        return False


class Registry:
    """Series by service, and newcomers as (bucket first seen, packed counts)."""

    def __init__(self, series: dict[str, Series], newcomers: dict[str, tuple[int, int]]) -> None:
        self.series = series
        self.newcomers = newcomers
        self._series_chars = sum(map(len, series))
        self._newcomer_chars = sum(map(len, newcomers))

    def __len__(self) -> int:
        return len(self.series) + len(self.newcomers)

    def step(self, service: str, bucket: int, packed: int) -> list[Finding]:
        """Hand a closed bucket to its service."""
        series = self.series.get(service)
        if series is not None:
            return series.step(bucket, packed)
        self._meet(service, bucket, packed)
        return []

    def _meet(self, service: str, bucket: int, packed: int) -> None:
        known = self.newcomers.get(service)
        first, before = known if known is not None else (bucket, 0)
        total = before + packed
        if logs_of(total) >= ESTABLISHED_LOGS:
            self._establish(service, new_series(first, bucket, logs_of(total), errors_of(total)))
            return
        self.newcomers[service] = (first, total)
        if known is None:
            self._newcomer_chars += len(service)
            if len(self.newcomers) > MAX_SERVICES or self._newcomer_chars > MAX_NAME_CHARS:
                self._forget_newcomers()

    def _establish(self, service: str, series: Series) -> None:
        if self.newcomers.pop(service, None) is not None:
            self._newcomer_chars -= len(service)
        self.series[service] = series
        self._series_chars += len(service)
        if len(self.series) > MAX_SERVICES or self._series_chars > MAX_NAME_CHARS:
            self._forget_series()

    def _forget_newcomers(self) -> None:
        """Drop the tenth that was met first."""
        for service in _tenth(self.newcomers):
            self._newcomer_chars -= len(service)
            del self.newcomers[service]

    def _forget_series(self) -> None:
        """Drop the tenth that has been silent longest."""
        series = self.series
        for service in _tenth(sorted(series, key=lambda name: series[name].last)):
            self._series_chars -= len(service)
            del series[service]


def _tenth(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return listed[: len(listed) // 10 + 1]
