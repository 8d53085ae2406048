"""Which results may be set beside each other: the settings that must be equal, and what to say where they are not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Provenance key -> its name. Where one of these differs, outcomes and scores do not mean the same.
SAME = {"suite_digest": "suites", "profile": "profile", "seed": "seed", "sandbox": "sandbox", "time": "time"}


def conditions(result: Mapping[str, Any]) -> tuple[str, ...]:
    """What must be equal in results that are counted together; partial ones are comparable with none but their like."""
    made = result.get("provenance") or {}
    return (*(str(made.get(key)) for key in SAME), str(bool(made.get("partial"))))


def machine(result: Mapping[str, Any]) -> str:
    """The machine in a few words: processor, cores, memory in whole GiB."""
    found = (result.get("provenance") or {}).get("machine")
    if not isinstance(found, Mapping):
        return str(found or "unknown")
    memory = found.get("memory_bytes")
    size = f", {memory / 2**30:.0f} GiB" if isinstance(memory, int | float) else ""
    return f"{found.get('cpu') or 'unknown'}, {found.get('cores') or '?'} cores{size}"


def objections(results: Sequence[Mapping[str, Any]], shown: Callable[[str], str] = str) -> list[str]:
    """A sentence for each setting in which the results differ: they are not to be counted together. `shown` makes values fit to print."""
    found = []
    for key, name in SAME.items():
        values = {str((result.get("provenance") or {}).get(key)) for result in results}
        if len(values) > 1:
            found.append(f"NOT COMPARABLE: the {name} differ: {', '.join(sorted(shown(value) for value in values))}")
    if any((result.get("provenance") or {}).get("partial") for result in results):
        found.append("NOT COMPARABLE: at least one result covers only a part of the requirements")
    return found


def reservations(results: Sequence[Mapping[str, Any]], shown: Callable[[str], str] = str) -> list[str]:
    """What limits a comparison without forbidding it: latency and memory of different machines."""
    machines = {machine(result) for result in results}
    if len(machines) < 2:
        return []
    return [f"NOT COMPARABLE in latency and memory: the machines differ: {'; '.join(sorted(shown(name) for name in machines))}"]
