"""The candidate as a value: what it is, where it comes from, how it is built and started."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

EntryName = Literal["run", "component"]
StoreKind = Literal["postgres", "redis", "sqlite", "none"]
ClockKind = Literal["wall", "virtual"]

ADAPTER_VARIABLE = "HARNESS_ADAPTER"
_PLACEHOLDER = re.compile(r"\{(checkout|adapter)\}")


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """How one process of the candidate is started for one challenge.

    `command` and `env` may hold placeholders.
    """

    command: tuple[str, ...]
    store: StoreKind = "none"
    store_tcp: bool = False
    clock: ClockKind = "wall"
    env: Mapping[str, str] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model spent, as stated. `input_tokens` leaves out the cached ones.

    None is unknown, never nought.
    """

    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    wall_seconds: float | None = None
    reported_cost_usd: float | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A resolved candidate. `commit` and `base` are 40 hex digits.

    None for a plain folder (and no base for a root).

    `entries[entry][challenge]` says how to start it; `notes` are sentences for the reader of the scorecard.
    """

    id: str
    challenges: tuple[str, ...]
    repo: str
    commit: str | None
    base: str | None
    entries: Mapping[EntryName, Mapping[str, EntrySpec]]
    build_steps: tuple[tuple[str, ...], ...] = ()
    network: bool = False
    tests: tuple[str, ...] | None = None
    model: str | None = None
    prompt: str | None = None
    repairs: tuple[str, ...] = ()
    adapter: Path | None = None
    base_tables: tuple[str, ...] = ()
    usage: Usage = Usage()
    claims: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def native(self) -> bool:
        """True when the commit itself was written for the protocol, without an adapter between."""
        return self.adapter is None


def fill(text: str, *, checkout: str, adapter: str | None) -> str:
    """`text` with `{checkout}` and `{adapter}` replaced by these folders, as the process itself will see
    them.

    Raises ValueError for `{adapter}` where there is none: manifests are checked for that when they are read.
    """

    def folder(match: re.Match[str]) -> str:
        found = checkout if match[1] == "checkout" else adapter
        if found is None:
            raise ValueError(f"{match[0]} in {text!r} needs candidate.adapter, which the manifest does not give")
        return found

    return _PLACEHOLDER.sub(folder, text)


def fill_command(command: Sequence[str], *, checkout: str, adapter: str | None) -> list[str]:
    """Every argument of `command` through `fill`."""
    return [fill(argument, checkout=checkout, adapter=adapter) for argument in command]


def fill_env(env: Mapping[str, str], *, checkout: str, adapter: str | None) -> dict[str, str]:
    """Every value of `env` through `fill`, plus HARNESS_ADAPTER where there is an adapter."""
    filled = {name: fill(value, checkout=checkout, adapter=adapter) for name, value in env.items()}
    return filled if adapter is None else {**filled, ADAPTER_VARIABLE: adapter}
