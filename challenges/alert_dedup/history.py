"""What happened in a run, as plain values: one JSON line an entry, appended and never changed.

    {"type": "invoke", "i": 7, "t_ns": 1250000000, "proc": "p0", "op": 3, "event_id": "e3", "fingerprint": "f", "attempt": 1}

`i` counts from 0. `t_ns` is true time, stamped by the harness's one thread, and never decreases; entries of equal `t_ns` count as
concurrent. `clock_ns` is what the process's own wall clock read then, where that is known. `proc` names a processor, or `store`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import msgspec

STORE = "store"
# Faults that say so in their name move clocks only: they stop nothing, so nothing may take longer for them.
CLOCK_FAULT = "clock"
# Of a store without a server: every operation on it fails for a while.
STORE_FAILS = "operations fail"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="type", tag=str.lower):
    i: int
    t_ns: int
    proc: str
    clock_ns: int | None = None


class Invoke(_Entry, frozen=True, kw_only=True):
    """An offer is sent. `op` is its own in the history; `malformed` says that it is to be refused."""

    op: int
    event_id: str
    fingerprint: str
    attempt: int = 1
    severity: str = ""
    malformed: bool = False


class Ok(_Entry, frozen=True, kw_only=True):
    """The reply of that offer: the cluster has durable responsibility for the event."""

    op: int
    decision: str


class Fail(_Entry, frozen=True, kw_only=True):
    """A definite refusal of that offer: nothing happened."""

    op: int
    code: int = 0


class Info(_Entry, frozen=True, kw_only=True):
    """That offer has no reply, or one that leaves open whether it happened."""

    op: int
    reason: str = ""


class Emit(_Entry, frozen=True, kw_only=True):
    """A page went out; a `torn` one (half a line before a kill) did not."""

    alert_id: str
    fingerprint: str
    event_id: str
    torn: bool = False


class Fault(_Entry, frozen=True, kw_only=True):
    """A fault, on `proc` (or the store, or a connection of `proc`'s): `installed`, `skipped` or `indeterminate`.

    Names that count: `kill`, `pause` and `resume`; those that begin with `clock` move clocks only.
    """

    fault: str
    status: str = "installed"
    evidence: dict[str, Any] = {}


class Obs(_Entry, frozen=True, kw_only=True):
    """Anything else worth keeping. `up` and `down` say when a processor, or the store, can work: the first `up` of each is its
    start, a pause is a `down`."""

    what: str
    data: dict[str, Any] = {}


Entry = Invoke | Ok | Fail | Info | Emit | Fault | Obs

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


class HistoryError(ValueError):
    """A history that is not one; the message says where and why."""


class History:
    """Takes entries down in order, in memory and, with a path, on disk. Not thread-safe: one thread stamps.

    As a context manager it closes its file at the end.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self._file: BinaryIO | None = None if path is None else path.open("xb")

    def add(self, kind: type[Entry], t_ns: int, proc: str, **fields: Any) -> Entry:
        """Append an entry of that class. Raises HistoryError if time runs backwards, TypeError for unknown fields."""
        if self.entries and t_ns < self.entries[-1].t_ns:
            raise HistoryError(
                f"entry {len(self.entries)} at {t_ns} ns comes before its predecessor at {self.entries[-1].t_ns} ns"
            )
        entry = kind(i=len(self.entries), t_ns=t_ns, proc=proc, **fields)
        if self._file is not None:
            self._file.write(_encoder.encode(entry) + b"\n")
        self.entries.append(entry)
        return entry

    def copy(self, entry: Entry) -> None:
        """Append an entry of another history as it is: from its first one on."""
        if self._file is not None:
            self._file.write(_encoder.encode(entry) + b"\n")
        self.entries.append(entry)

    def close(self) -> None:
        """All entries are on disk when this returns."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> History:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def read(path: Path) -> list[Entry]:
    """The entries of a file. A last line without its end was being written when the harness died, and is left out.

    Raises HistoryError for a line that is no entry, or out of order.
    """
    lines = path.read_bytes().split(b"\n")[:-1]
    entries: list[Entry] = []
    last_ns = None
    for number, line in enumerate(lines):
        try:
            entry = _decoder.decode(line)
        except msgspec.DecodeError as error:
            raise HistoryError(
                f"{path}:{number + 1}: expected one entry of a history in JSON, got {line[:80]!r}: {error}"
            ) from error
        if entry.i != number or (last_ns is not None and entry.t_ns < last_ns):
            raise HistoryError(
                f"{path}:{number + 1}: expected entry {number}, not earlier than the one before; got {line[:80]!r}"
            )
        last_ns = entry.t_ns
        entries.append(entry)
    return entries
