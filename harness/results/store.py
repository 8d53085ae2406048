"""Writes and reads results: atomically, so that a reader never sees half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.results.layout import EvaluationFolder


def write_atomically(path: Path, data: bytes) -> None:
    """Puts `data` at `path` by a rename within the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """`value` as indented JSON, atomically."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def read_result(folder: EvaluationFolder) -> dict[str, Any]:
    """The result in a folder. Raises UsageError if there is none or it is damaged."""
    try:
        result = msgspec.json.decode(folder.result.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{folder.path} holds no result.json: give the folder that an evaluation has written") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{folder.result} is no readable result: {error}; evaluate again to renew it") from error
    if not isinstance(result, dict) or result.get("schema") != 1:
        raise UsageError(f"{folder.result} is not a result of schema 1")
    return result


def read_evidence(folder: EvaluationFolder) -> dict[str, list[dict[str, Any]]]:
    """Requirement id -> its evidence."""
    return {path.stem: msgspec.json.decode(path.read_bytes()) for path in sorted(folder.evidence.glob("*.json"))}


def write_evidence(folder: EvaluationFolder, requirement: str, items: list[dict[str, Any]]) -> None:
    """What the page draws for one requirement."""
    if items:
        write_json(folder.evidence / f"{requirement}.json", items)


def put_aside(folder: EvaluationFolder) -> None:
    """Moves an earlier result into `runs/`, so that nothing measured is lost."""
    if not folder.result.exists():
        return
    run_id = str(read_result(folder).get("run_id", "unnamed"))
    target = folder.runs / "".join(c for c in run_id if c.isalnum() or c in "-_.")
    target.mkdir(parents=True, exist_ok=True)
    for path in (folder.result, folder.page, folder.journal, folder.evidence, folder.cells, folder.samples):
        if path.exists():
            path.replace(target / path.name)
