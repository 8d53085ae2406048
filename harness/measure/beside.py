"""Other programs beside the candidate, in the same sandbox: the no-op of its language, and any that a suite names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.runtime.cell import MountSpec, ProgramSpec
from harness.runtime.trial import Trial

_NOOP = Path(__file__).parent / "noop"
_UNDER_NODE = frozenset({"node", "nodejs", "javascript", "typescript"})


def runs_under_node(language: str) -> bool:
    """Whether a candidate that says this of its language runs under Node; every other one is compared with Python's no-op."""
    return not _UNDER_NODE.isdisjoint(re.split(r"[^a-z]+", language.lower()))


def beside(trial: Trial, command: Sequence[str], mounts: Mapping[str, Path], env: Mapping[str, str] | None = None) -> Trial:
    """A trial of another program under the sandbox of this one; it ends with this one. It has no store and no clock of its own.

    `mounts` are folders that the command may name, as `{name}`, beside the candidate's own mounts.
    """
    own = trial.cell.program
    more = {name: MountSpec(str(path), f"/beside/{name}") for name, path in mounts.items()}
    program = ProgramSpec(
        list(command), own.mounts | more, cwd="{" + next(iter(mounts)) + "}", env=dict(env or {}), clock="virtual", store="none"
    )
    other = Trial(msgspec.structs.replace(trial.cell, program=program), trial.test, trial.requirement)
    trial.on_close(other.close)
    return other


def noop(trial: Trial, language: str) -> Trial:
    """A trial of the no-op for a candidate of that language."""
    command = ["node", "{noop}/noop.mjs"] if runs_under_node(language) else ["python3", "{noop}/noop.py"]
    return beside(trial, command, {"noop": _NOOP}, {"HARNESS_SDK": "{sdk}"})
