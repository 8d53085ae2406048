"""Reads a candidate's code without running it, in the sandbox: hostile text can hang or crash whoever parses it.

The tools themselves lie in `tools/`; here they are started, and what they found is taken in.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harness.candidate.build import BuildRunner
from harness.candidate.cache import remove
from harness.paths import scratch_prefix

TOOLS = Path(__file__).parent / "tools"
MAX_TEXT = 1_000_000
MAX_TOTAL = 30_000_000
MAX_FOUND_BYTES = 64 << 20
STEP_TIMEOUT_S = 60.0
COMMANDS = {
    "python.json": ["python3", "{adapter}/read_python.py", "{checkout}"],
    "node.json": ["node", "--no-warnings", "--expose-internals", "{adapter}/read_node.cjs", "{checkout}"],
}


class _Found(msgspec.Struct):
    statements: list[tuple[int, int]] | None = None
    imports: list[str] = []
    functions: list[tuple[str, int, int, int]] = []
    comments: list[int] = []
    unread: list[str] = []


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its lines (from 1, both included) and its cyclomatic complexity."""

    name: str
    first: int
    last: int
    complexity: int


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one file.

    `statements` gives for each line of a statement inside a function the line on which that statement starts; None where the
    file is in no language that is read, or cannot be parsed. `comments` are lines that hold nothing else.
    """

    statements: Mapping[int, int] | None = None
    imports: Sequence[str] = ()
    functions: Sequence[Function] = ()
    comments: frozenset[int] = frozenset()
    unread: Sequence[str] = field(default=())


def read_files(runner: BuildRunner, texts: Mapping[str, str], whole: Iterable[str] = ()) -> dict[str, Read]:
    """By path, what is known of each text; functions and comments only of those in `whole`. Raises InfraError if the sandbox fails.

    What is too large, or is not read within the time, is left out.
    """
    folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("reading")))
    try:
        names = _lay_out(folder, texts, frozenset(whole))
        found = [_run(runner, folder, result) for result in COMMANDS]
    finally:
        remove(folder)
    return {path: _joined([part[name] for part in found if name in part]) for name, path in names.items()}


def _lay_out(folder: Path, texts: Mapping[str, str], whole: frozenset[str]) -> dict[str, str]:
    index, left, names = [], MAX_TOTAL, {}
    for number, path in enumerate(sorted(texts, key=lambda path: (path not in whole, path))):
        text = texts[path]
        if len(text) > MAX_TEXT or len(text) > left:
            continue
        left -= len(text)
        name = f"{number}.txt"
        (folder / name).write_text(text, encoding="utf-8", newline="", errors="replace")
        index.append({"name": name, "path": path, "whole": path in whole})
        names[name] = path
    (folder / "index.json").write_text(json.dumps(index))
    return names


def _run(runner: BuildRunner, folder: Path, result: str) -> dict[str, _Found]:
    runner.run_step(
        COMMANDS[result],
        cwd=folder,
        root=folder,
        adapter=TOOLS,
        network=False,
        env={},
        timeout_s=STEP_TIMEOUT_S,
        max_output_bytes=1 << 20,
    )
    path = folder / result
    if not path.is_file() or path.is_symlink() or path.stat().st_size > MAX_FOUND_BYTES:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, _Found])
    except msgspec.MsgspecError:
        return {}


def _joined(parts: Sequence[_Found]) -> Read:
    """What the readers of different languages found of one file: only one of them parses it."""
    parsed = next((part for part in parts if part.statements is not None), _Found())
    return Read(
        None if parsed.statements is None else dict(parsed.statements),
        tuple(parsed.imports),
        tuple(Function(*item) for part in parts for item in part.functions),
        frozenset(number for part in parts for number in part.comments),
        tuple(word for part in parts for word in part.unread),
    )
