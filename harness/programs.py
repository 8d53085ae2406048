"""How a process of a candidate, or of a specimen, is started: its command, its mounts, its clock and its store."""

from __future__ import annotations

from pathlib import Path

from harness.candidate.values import ADAPTER_VARIABLE, EntrySpec
from harness.judge.specimens import Specimen
from harness.paths import PROJECT_ROOT, manifests_root
from harness.runtime.cell import MountSpec, ProgramSpec
from harness.runtime.steps import program_mounts

SDK_VARIABLE = "HARNESS_SDK"


def sdk_folder() -> Path:
    """The SDKs, bound read-only beside every candidate."""
    return manifests_root() / "sdk"


def program_of(spec: EntrySpec, tree: Path, adapter: Path | None, *, native: bool, cwd: str = "{checkout}") -> ProgramSpec:
    """How one process of an entry is started in a sandbox."""
    env = {**spec.env, SDK_VARIABLE: "{sdk}"} | ({ADAPTER_VARIABLE: "{adapter}"} if adapter is not None else {})
    mounts = program_mounts(tree, adapter, sdk_folder())
    return ProgramSpec(
        command=list(spec.command),
        mounts={name: MountSpec(str(mount.host), mount.inside, mount.writable) for name, mount in mounts.items()},
        cwd=cwd,
        env=env,
        clock=spec.clock,
        native=native,
        store=spec.store,
        store_tcp=spec.store_tcp,
    )


def program_of_specimen(specimen: Specimen) -> ProgramSpec:
    """How a specimen is started: in its folder within this project, which is bound read-only."""
    inside = "{checkout}/" + specimen.folder.resolve().relative_to(PROJECT_ROOT).as_posix()
    entry = EntrySpec(specimen.command, store=specimen.store, clock=specimen.clock)
    return program_of(entry, PROJECT_ROOT, None, native=True, cwd=inside)
