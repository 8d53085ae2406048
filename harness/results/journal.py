"""The journal: one JSON line per event, appended in one write and synced, so that a kill loses at most a line in the making."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.judge.outcomes import Finding, Outcome


def append(path: Path, record: dict[str, Any]) -> None:
    """Adds one record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.encode(record, enc_hook=plain) + b"\n"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        os.write(fd, b"\n" + data if torn else data)
        os.fsync(fd)
    finally:
        os.close(fd)


def plain(value: object) -> object:
    """What a suite may put into a witness or into evidence beside JSON: numpy scalars and arrays; anything else as text."""
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def append_start(path: Path, cell_key: str, requirement: str) -> None:
    """A requirement's first test begins."""
    append(path, {"type": "start", "cell": cell_key, "requirement": requirement})


def append_findings(path: Path, cell_key: str, requirement: str, findings: list[Finding]) -> None:
    """A requirement is finished in its cell."""
    rows = [msgspec.to_builtins(finding, enc_hook=plain) for finding in findings]
    append(path, {"type": "findings", "cell": cell_key, "requirement": requirement, "findings": rows})


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The records so far; a torn last line is passed over."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                record = msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue
            if isinstance(record, dict):
                yield record


def findings(path: Path, cell_keys: set[str]) -> dict[str, list[Finding]]:
    """Requirement -> findings of these cells; a later record of the same requirement replaces an earlier one."""
    found: dict[str, list[Finding]] = {}
    for record in records(path):
        if record.get("type") == "findings" and record.get("cell") in cell_keys:
            found[record["requirement"]] = [_finding(row) for row in record["findings"]]
    return found


def begun(path: Path, cell_keys: set[str]) -> list[tuple[str, str]]:
    """(cell key, requirement) of every test that has begun in these cells."""
    rows = [record for record in records(path) if record.get("type") == "start" and record.get("cell") in cell_keys]
    return [(row["cell"], row["requirement"]) for row in rows]


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(**{**row, "outcome": Outcome(row["outcome"]), "evidence": tuple(row["evidence"])})
