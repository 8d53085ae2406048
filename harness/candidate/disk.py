"""How much of the disk a build step uses while it runs, so that it can be stopped before the disk is full.

The free space says cheaply that something grows, but not who lets it grow: other programs write too. So the
step's folders are measured, as soon as the space that went could put it over its limit, and now and then.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.candidate.walk import OverLongPath, walk

LOOK_S = 1.0
MAX_FILES = 1_000_000
_MAX_DESCRIPTORS = 100_000
# Measuring takes at most this share of the time.
_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class _Amount:
    bytes: int
    files: int

    def less(self, other: _Amount) -> _Amount:
        return _Amount(self.bytes - other.bytes, self.files - other.files)

    def exceeds(self, other: _Amount) -> bool:
        return self.bytes > other.bytes or self.files > other.files


class DiskWatch:
    """Watches `folders` for a step that may have `max_bytes` and MAX_FILES files in them together.

    What is free when the watch is made counts as free at the step's start.
    """

    def __init__(self, folders: Sequence[Path], max_bytes: int) -> None:
        self._folders = tuple(folders)
        self._limit = self._left = _Amount(max_bytes, MAX_FILES)
        self._free_at_start = self._free_when_measured = self._free()
        self._look_due = self._measure_due = time.monotonic() + LOOK_S

    def over(self, pids: Callable[[], Iterable[int]]) -> bool:
        """Whether the step, whose processes `pids` gives, has used more than it may.

        Cheap to call often: it looks once in LOOK_S.
        """
        now = time.monotonic()
        if now < self._look_due:
            return False
        self._look_due = now + LOOK_S
        free = self._free()
        if now < self._measure_due and not self._free_when_measured.less(free).exceeds(self._left):
            return False
        used = self._used(self._free_at_start.less(free), pids)
        self._free_when_measured = free
        self._left = self._limit.less(used)
        self._measure_due = now + (time.monotonic() - now) / _SHARE
        return used.exceeds(self._limit)

    def _free(self) -> _Amount:
        """On all file systems that the folders lie on."""
        found: dict[int, os.statvfs_result] = {}
        for folder in self._folders:
            # Without a sandbox a step can even take its scratch folder away.
            with contextlib.suppress(OSError):
                found[folder.stat().st_dev] = os.statvfs(folder)
        return _Amount(sum(s.f_bfree * s.f_frsize for s in found.values()), sum(s.f_ffree for s in found.values()))

    def _used(self, gone: _Amount, pids: Callable[[], Iterable[int]]) -> _Amount:
        """What the step holds; where that cannot be measured, all that went since it started."""
        total = files = 0
        shared: set[tuple[int, int]] = set()
        try:
            for folder in self._folders:
                for _, status in walk(folder):
                    files += 1
                    inode = (status.st_dev, status.st_ino)
                    total += 0 if inode in shared else status.st_blocks * 512
                    if status.st_nlink > 1:
                        shared.add(inode)
                    if files > MAX_FILES:
                        return _Amount(total, files)
            return _Amount(total + self._deleted_bytes(pids()), files)
        except (OSError, OverLongPath):
            return _Amount(max(total, gone.bytes), max(files, gone.files))

    def _deleted_bytes(self, pids: Iterable[int]) -> int:
        """In files that are deleted but held open: they use disk, and lie in no folder."""
        devices = {folder.stat().st_dev for folder in self._folders}
        found: dict[tuple[int, int], int] = {}
        for path in islice(_descriptors(pids), _MAX_DESCRIPTORS):
            try:
                status = os.stat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 and status.st_dev in devices:
                found[status.st_dev, status.st_ino] = status.st_blocks * 512
        return sum(found.values())


def _descriptors(pids: Iterable[int]) -> Iterable[str]:
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        yield from (f"/proc/{pid}/fd/{name}" for name in names)
